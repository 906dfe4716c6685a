"""markdown-it's block parser with its rules tried only where the first character of a line allows them.

Its own loop asks every rule about every line, and every paragraph twice. The rules are its own all the same; the one
for paragraphs and underlined headings is ours, since theirs are one search done twice. Each makes one token, with its
text, where theirs make three.
"""

from __future__ import annotations

from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.ruler import Ruler
from markdown_it.rules_block import (
    StateBlock,
    blockquote,
    code,
    fence,
    heading,
    hr,
    html_block,
    list_block,
    table,
)

_Rule = Callable[[StateBlock, int, int, bool], bool]

_CODE_INDENT = 4
_TAKE, _LOOK = False, True  # what a rule is asked: take the block, or say whether one begins

_BLOCKS: dict[str, tuple[_Rule, ...]] = {
    "`": (fence,),
    "~": (fence,),
    ">": (blockquote,),
    "-": (hr, list_block),
    "*": (hr, list_block),
    "_": (hr,),
    "+": (list_block,),
    "<": (html_block,),
    "#": (heading,),
    **dict.fromkeys("0123456789", (list_block,)),
}
_ENDS_OF_LIST: dict[str, tuple[_Rule, ...]] = {
    first: kept for first, rules in _BLOCKS.items() if (kept := tuple(r for r in rules if r in (fence, blockquote, hr)))
}


def parser(nesting_max: int) -> MarkdownIt:
    """CommonMark with tables: blocks only, and no link references, which would swallow `[x]: text`."""
    markdown = MarkdownIt("commonmark", {"maxNesting": nesting_max})
    markdown.core.ruler.enableOnly(["normalize", "block"])
    markdown.block = _Blocks()
    return markdown


class _Blocks(ParserBlock):
    """The rules that others look up: `code` for its name alone, the other two for all that end a block."""

    def __init__(self) -> None:
        super().__init__()
        self.ruler = Ruler()
        self.ruler.push("code", code)
        self.ruler.push("ends_list", _ends_list, {"alt": ["list"]})
        self.ruler.push("ends_quote", _ends_text, {"alt": ["blockquote"]})

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803 - its names
        """What the original does with the rules above, line by line."""
        line = startLine
        has_blank = False
        while line < endLine:
            state.line = line = state.skipEmptyLines(line)
            if line >= endLine or state.sCount[line] < state.blkIndent:
                return
            if state.level >= state.md.options.maxNesting:
                state.line = endLine
                return
            _take_block(state, line, endLine)
            state.tight = not has_blank
            line = state.line
            if line - 1 < endLine and state.isEmpty(line - 1):
                has_blank = True
            if line < endLine and state.isEmpty(line):
                has_blank = True
                state.line = line = line + 1


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
    if line + 2 > end:
        return False
    start = state.bMarks[line + 1] + state.tShift[line + 1]
    return start < state.eMarks[line + 1] and state.src[start] in "|-:"


def _ends_text(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    """Whether a block begins here that may interrupt a paragraph; in a quote no table does."""
    for rule in _BLOCKS.get(state.src[state.bMarks[line] + state.tShift[line]], ()):
        if rule(state, line, end, silent):
            return True
    return False


def _ends_list(state: StateBlock, line: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - a rule's signature
    for rule in _ENDS_OF_LIST.get(state.src[state.bMarks[line] + state.tShift[line]], ()):
        if rule(state, line, end, silent):
            return True
    return False


def _take_text(state: StateBlock, start: int, end: int) -> None:
    """A paragraph, or the heading it turns out to be when the line below underlines it."""
    outer, state.parentType = state.parentType, "paragraph"  # which is how `list_block` knows what it interrupts
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
