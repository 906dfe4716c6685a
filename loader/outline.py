"""The blocks of a Markdown text and their lines: headings, items, fences, tables and what hides its contents.

Lines count from 0 here; `end` is exclusive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from markdown_it.token import Token

HiderKind = Literal["html", "comment", "quote", "code"]


class Heading(Struct):
    """A heading outside lists and quotes."""

    line: int
    level: int
    text: str


class Item(Struct):
    """A list item outside quotes; `text` is its first paragraph, which starts on `text_line` (-1 without one)."""

    index: int
    parent: int
    start: int
    end: int
    text_line: int = -1
    text: str = ""


class Fence(Struct):
    """A fenced block outside quotes; `item` is the innermost item around it, or -1."""

    start: int
    end: int
    item: int
    info: str
    content: str
    markup: str


class Table(Struct):
    """A table outside lists and quotes: header, delimiter row and body lines."""

    start: int
    end: int


class Hider(Struct):
    """A block whose contents are no list items, whatever they look like."""

    kind: HiderKind
    start: int
    end: int
    content: str = ""


class Outline(Struct):
    """Everything found, each kind in file order."""

    headings: list[Heading] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    hiders: list[Hider] = field(default_factory=list)
    paragraphs: list[tuple[int, str]] = field(default_factory=list)  # those outside lists, quoted ones included
    rules: list[int] = field(default_factory=list)


def trace(text: str) -> Outline:
    """Walk the parser's flat tokens once."""
    from loader import blocks  # imports the parser, which costs 30 ms

    walk = _Walk()
    steps = walk.steps()
    for token in blocks.parse(text):
        steps[token.type](token)
    return walk.outline


class _Walk:
    """The state of one walk: which items are open, and whose text comes next."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.open_items: list[Item] = []
        self.quotes = 0

    def steps(self) -> dict[str, Callable[[Token], None]]:
        """What to do with each kind of token. Not kept: the walk would hold itself, and nobody would free it."""
        return {
            "list_item_open": self.item_open,
            "list_item_close": self.item_close,
            "paragraph_open": self.paragraph,
            "heading_open": self.heading,
            "fence": self.fence,
            "html_block": self.html,
            "code_block": self.code,
            "blockquote_open": self.quote_open,
            "blockquote_close": self.quote_close,
            "table_open": self.table_open,
            "hr": self.rule,
        }

    def item_open(self, token: Token) -> None:
        if self.quotes:
            return
        items, parents = self.outline.items, self.open_items
        start, end = _lines(token)
        item = Item(len(items), parents[-1].index if parents else -1, start, end)
        if token.content:
            item.text_line, item.text = start, token.content
        items.append(item)
        parents.append(item)

    def item_close(self, _: Token) -> None:
        if not self.quotes:
            self.open_items.pop()

    def paragraph(self, token: Token) -> None:
        if not self.quotes and self.open_items:
            self._begin_item_text(token)
        else:
            self.outline.paragraphs.append((_lines(token)[0], token.content))

    def heading(self, token: Token) -> None:
        if self.quotes:
            return
        if self.open_items:
            if token.markup in ("-", "="):  # `- [ ] a` over an indented `---` is a heading to Markdown, a box to people
                self._begin_item_text(token)
            return
        self.outline.headings.append(Heading(_lines(token)[0], int(token.tag[1]), token.content))

    def _begin_item_text(self, token: Token) -> None:
        item = self.open_items[-1]
        line = _lines(token)[0]
        if item.text_line < 0 and line <= item.start + 1:
            item.text_line = line
            item.text = token.content

    def fence(self, token: Token) -> None:
        start, end = _lines(token)
        if not self.quotes:
            item = self.open_items[-1].index if self.open_items else -1
            self.outline.fences.append(Fence(start, end, item, token.info.strip(), token.content, token.markup))

    def html(self, token: Token) -> None:
        kind: HiderKind = "comment" if token.content.lstrip().startswith("<!--") else "html"
        self.outline.hiders.append(Hider(kind, *_lines(token), token.content))

    def code(self, token: Token) -> None:
        self.outline.hiders.append(Hider("code", *_lines(token)))

    def quote_open(self, token: Token) -> None:
        if not self.quotes:
            self.outline.hiders.append(Hider("quote", *_lines(token)))
        self.quotes += 1

    def quote_close(self, _: Token) -> None:
        self.quotes -= 1

    def table_open(self, token: Token) -> None:
        if not self.quotes and not self.open_items:
            self.outline.tables.append(Table(*_lines(token)))

    def rule(self, token: Token) -> None:
        if not self.quotes and not self.open_items:
            self.outline.rules.append(_lines(token)[0])


def _lines(token: Token) -> tuple[int, int]:
    """Every block token has a map; the parser's types allow none only for inline ones."""
    start, end = token.map or (0, 0)
    return start, end
