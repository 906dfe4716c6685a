"""markdown-it's block parser with its rules tried only where the first character of a line allows them.

Its own loop asks every rule about every line, and every paragraph twice. The rare rules are its own all the same; those
for paragraphs, lists, headings and breaks, which make up nearly all of a task list, are ours. They keep to what it says
of every file (a property test compares them) and make only the tokens that are asked for, each with its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.ruler import Ruler
from markdown_it.rules_block import StateBlock, blockquote, code, fence, html_block, table
from markdown_it.token import Token

from loader import lines, patterns

_Rule = Callable[[StateBlock, int, int, bool], bool]

NESTING_MAX = 200  # two for each list; the preset's 20 loses lists deeper than ten levels without a word
QUOTES_MAX = 8  # each one looks again at every line that may go on with it
KINDS = frozenset(
    (
        *("paragraph_open", "heading_open", "fence", "html_block", "code_block", "hr", "table_open"),
        *("list_item_open", "list_item_close", "blockquote_open", "blockquote_close"),
    )
)
_CODE_INDENT = 4
_TAKE, _LOOK = False, True  # what a rule is asked: take the block, or say whether one begins
_MARKER = patterns.lazy(r"(?:[-*+]|([0-9]{1,9})[.)])(?=[ \t]|$)")
_HEADING = patterns.lazy(r"#{1,6}(?=[ \t]|$)")
_BREAK = patterns.lazy(r"([-*_])(?:[ \t]*\1){2,}[ \t]*$")


class Block(Token):
    """A token with nothing in it yet but its type and tag; what no walk reads is not even set."""

    __slots__ = ()

    def __init__(self, kind: str, tag: str, lines: list[int] | None = None, content: str = "") -> None:
        self.type = kind
        self.tag = tag
        self.map = lines
        self.content = content
        self.markup = self.info = ""


_ITEM_CLOSE = Block("list_item_close", "li")  # all of them say the same


def parse(text: str) -> list[Token]:
    """The blocks of CommonMark with tables, but no link references, which would swallow `[x]: text`.

    Opening tokens with their lines and text; of the closing ones those of items and quotes. Lines end with LF. An item
    that begins with a line of text has it for its content, and no paragraph of its own.
    """
    state = _State(text)
    _tokenize(state, 0, state.lineMax)
    return state.tokens


class _State(StateBlock):
    """The parser's state, its table of lines made by whole lines and not by characters."""

    def __init__(self, text: str) -> None:
        super().__init__("", _PARSER, {}, [])
        self.src = text
        measured = lines.measure(text)
        self.bMarks, self.eMarks, self.tShift, self.sCount = measured
        self.lineMax = len(self.bMarks) - 1  # the last one is a guard
        self.bsCount = [0] * len(self.bMarks)
        self.quotes = 0
        self._unread = Block("", "")

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        """A new token, at the end of the others where somebody reads its kind."""
        self.level += nesting
        if ttype not in KINDS:
            return self._unread
        token = Block(ttype, tag)
        self.tokens.append(token)
        return token


class _Blocks(ParserBlock):
    """The rules that others look up: `code` for its name alone, `ends_quote` for all that ends a block."""

    def __init__(self) -> None:
        super().__init__()
        self.ruler = Ruler()
        self.ruler.push("code", code)
        self.ruler.push("ends_quote", _ends_text, {"alt": ["blockquote"]})

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803 - its names
        """What rules call that hold blocks."""
        _tokenize(state, startLine, endLine)


def _tokenize(state: StateBlock, line: int, end: int) -> None:
    """What the original does with the rules below, line by line."""
    while line < end:
        state.line = line = state.skipEmptyLines(line)
        if line >= end or state.sCount[line] < state.blkIndent:
            return
        if state.level >= NESTING_MAX or getattr(state, "quotes", 0) > QUOTES_MAX:
            state.line = _end_of_nested(state, line, end)
            return
        _take_block(state, line, end)
        line = state.line
        if line < end and state.bMarks[line] + state.tShift[line] >= state.eMarks[line]:
            state.line = line = line + 1


def _end_of_nested(state: StateBlock, line: int, end: int) -> int:
    """Where the block ends that is nested too deeply to look into."""
    while line < end and (state.sCount[line] >= state.blkIndent or state.isEmpty(line)):
        line += 1
    return line


def _take_block(state: StateBlock, line: int, end: int) -> None:
    if _may_be_table(state, line, end) and table(state, line, end, _TAKE):
        return
    if state.sCount[line] - state.blkIndent >= _CODE_INDENT:
        code(state, line, end, _TAKE)
        return
    for rule in _BLOCKS.get(state.src[state.bMarks[line] + state.tShift[line]], ()):
        if rule(state, line, end, _TAKE):
            return
    _take_text(state, line, end)


def _may_be_table(state: StateBlock, line: int, end: int) -> bool:
    """Whether a delimiter row could follow."""
    if line + 2 > end or state.sCount[line + 1] < state.blkIndent:
        return False
    start = state.bMarks[line + 1] + state.tShift[line + 1]
    return start < state.eMarks[line + 1] and state.src[start] in "|-:"


def _is_code(state: StateBlock, line: int) -> bool:
    return state.sCount[line] - state.blkIndent >= _CODE_INDENT


def _break(state: StateBlock, line: int, _: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    if _is_code(state, line):
        return False
    match = _BREAK.match(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])
    if match is None:
        return False
    if not silent:
        state.line = line + 1
        token = state.push("hr", "hr", 0)
        token.map = [line, line + 1]
        token.markup = match[1]
    return True


def _heading(state: StateBlock, line: int, _: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    if _is_code(state, line):
        return False
    end = state.eMarks[line]
    match = _HEADING.match(state.src, state.bMarks[line] + state.tShift[line], end)
    if match is None:
        return False
    if not silent:
        state.line = line + 1
        text = state.src[match.end() : end].rstrip(" \t")
        bare = text.rstrip("#")
        token = state.push("heading_open", f"h{len(match[0])}", 0)
        token.markup = match[0]
        token.map = [line, line + 1]
        token.content = (bare if bare.endswith((" ", "\t")) else text).strip()
    return True


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    indent, outer = state.blkIndent, state.listIndent
    shift = state.sCount[start]
    if shift - indent >= _CODE_INDENT or (outer >= 0 and shift - outer >= _CODE_INDENT and shift < indent):
        return False
    marker = _marker(state, start)
    if marker is None:
        return False
    if silent:
        return state.parentType != "paragraph" or shift < indent or _interrupts(state, start, marker)
    _take_list(state, start, end, marker)
    return True


def _marker(state: StateBlock, line: int) -> re.Match[str] | None:
    return _MARKER.match(state.src, state.bMarks[line] + state.tShift[line], state.eMarks[line])


def _interrupts(state: StateBlock, line: int, marker: re.Match[str]) -> bool:
    """Whether a list may begin right below a paragraph: with one, and not with an empty item."""
    if marker[1] and int(marker[1]) != 1:
        return False
    return not state.src[marker.end() : state.eMarks[line]].isspace() and marker.end() < state.eMarks[line]


def _take_list(state: StateBlock, line: int, end: int, marker: re.Match[str]) -> None:
    indent, outer, kind = state.blkIndent, state.listIndent, marker[0][-1]
    outer_type, state.parentType = state.parentType, "list"
    state.level += 2
    while True:
        state.listIndent = indent
        _take_item(state, line, end, marker.end())
        state.blkIndent, state.listIndent = indent, outer
        line = state.line
        if line >= end or not 0 <= state.sCount[line] - indent < _CODE_INDENT or _ends_list(state, line, end):
            break
        following = _marker(state, line)
        if following is None or following[0][-1] != kind:
            break
        marker = following
    state.level -= 2
    state.parentType = outer_type


def _take_item(state: StateBlock, line: int, end: int, after: int) -> None:
    """An item whose marker ends at `after`; `blkIndent` is left for who calls to set back."""
    limit = state.eMarks[line]
    initial = offset = state.sCount[line] + after - state.bMarks[line] - state.tShift[line]
    start = after
    while start < limit and (character := state.src[start]) in " \t":
        offset += 1 if character == " " else 4 - (offset + state.bsCount[line]) % 4
        start += 1
    is_plain = start < limit and offset - initial <= _CODE_INDENT
    indent = offset if is_plain else initial + 1
    item = Block("list_item_open", "li")
    state.tokens.append(item)
    if start >= limit and state.isEmpty(line + 1):
        state.line = min(line + 2, end)
    elif is_plain and (text := state.src[start:limit].strip()) and _is_one_line(state, line, end, start, indent):
        item.content = text
        _take_below(state, line + 1, end, indent)
    else:
        kept = state.tShift[line], state.sCount[line]
        state.blkIndent = indent
        state.tShift[line], state.sCount[line] = start - state.bMarks[line], offset
        _tokenize(state, line, end)
        state.tShift[line], state.sCount[line] = kept
    item.map = [line, state.line]
    state.tokens.append(_ITEM_CLOSE)


def _is_one_line(state: StateBlock, line: int, end: int, start: int, indent: int) -> bool:
    """Whether an item's text is one line for sure: no other block, and a blank line or the next item below it."""
    if state.src[start] in _BLOCKS or state.level >= NESTING_MAX:
        return False
    below = line + 1
    at = state.bMarks[below] + state.tShift[below]
    if at >= state.eMarks[below]:
        return True
    shift = state.sCount[below]
    return (
        below < end
        and 0 <= shift < indent
        and shift - state.listIndent < _CODE_INDENT
        and state.src[at] in _MARKERS
        and _marker(state, below) is not None
    )


def _take_below(state: StateBlock, line: int, end: int, indent: int) -> None:
    """The rest of an item whose text is one line: there is none but below a blank line."""
    state.line = line
    if line < end and state.isEmpty(line):
        state.blkIndent = indent
        state.line = line + 1
        _tokenize(state, line + 1, end)


def _ends_text(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    """Whether a block begins here that may interrupt a paragraph; in a quote no table does.

    Asked about an empty line as well: the one that ends a table at the end of a quote.
    """
    at = state.bMarks[line] + state.tShift[line]
    for rule in _BLOCKS.get(state.src[at : at + 1], ()):  # noqa: SIM110 - a generator costs as much as the rules
        if rule(state, line, end, silent):
            return True
    return False


def _ends_list(state: StateBlock, line: int, end: int) -> bool:
    at = state.bMarks[line] + state.tShift[line]
    for rule in _ENDS_OF_LIST.get(state.src[at : at + 1], ()):  # noqa: SIM110
        if rule(state, line, end, _LOOK):
            return True
    return False


def _quote(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    if not isinstance(state, _State) or silent:
        return blockquote(state, line, end, silent)
    state.quotes += 1
    try:
        return blockquote(state, line, end, silent)
    finally:
        state.quotes -= 1


def _take_text(state: StateBlock, start: int, end: int) -> None:
    """A paragraph, or the heading it turns out to be when the line below underlines it."""
    outer, state.parentType = state.parentType, "paragraph"  # which is how `_list` knows what it interrupts
    line, last = start + 1, state.lineMax
    underline = ""
    while line < last:
        at, line_end = state.bMarks[line] + state.tShift[line], state.eMarks[line]
        if at >= line_end:
            break
        indent = state.sCount[line]
        if indent - state.blkIndent < _CODE_INDENT:
            first = state.src[at]
            may_underline = first in "-=" and line < end and indent >= state.blkIndent
            if may_underline and not state.src[at:line_end].rstrip(" \t").strip(first):
                underline = first
                break
            if indent >= 0 and (  # a negative one is a quote's lazy line, which has been looked at already
                (first in _BLOCKS and _ends_text(state, line, last, _LOOK))
                or (_may_be_table(state, line, last) and table(state, line, last, _LOOK))
            ):
                break
        line += 1
    state.parentType = outer
    if line == start + 1:
        text = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    else:
        text = state.getLines(start, line, state.blkIndent, keepLastLF=False)
    if underline:
        state.line = line + 1
        token = state.push("heading_open", "h1" if underline == "=" else "h2", 0)
        token.markup = underline
    else:
        state.line = line
        token = state.push("paragraph_open", "p", 0)
    token.map = [start, state.line]
    token.content = text.strip()


_MARKERS = frozenset("-*+0123456789")
_BLOCKS: dict[str, tuple[_Rule, ...]] = {
    "`": (fence,),
    "~": (fence,),
    ">": (_quote,),
    "-": (_break, _list),
    "*": (_break, _list),
    "_": (_break,),
    "+": (_list,),
    "<": (html_block,),
    "#": (_heading,),
    **dict.fromkeys("0123456789", (_list,)),
}
_ENDS_OF_LIST: dict[str, tuple[_Rule, ...]] = {
    first: kept for first, rules in _BLOCKS.items() if (kept := tuple(r for r in rules if r in (fence, _quote, _break)))
}
_PARSER = MarkdownIt("commonmark", {"maxNesting": NESTING_MAX})
_PARSER.block = _Blocks()
