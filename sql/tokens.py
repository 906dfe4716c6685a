"""The tokens of an SQL text, cut as PostgreSQL's own scanner cuts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple


class Kind(Enum):
    BLANK = auto()
    COMMENT = auto()
    WORD = auto()
    QUOTED = auto()
    OTHER = auto()


class Token(NamedTuple):
    """A piece of the text; joining all pieces gives the text again. A tuple, as a large file holds a million."""

    kind: Kind
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class BadScript(ValueError):
    """A text that cannot be run as it is: what is wrong, and at which character (from 0)."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


# Letters are what PostgreSQL calls letters: everything beyond ASCII counts, even a no-break space.
_TOKEN = re.compile(
    r"""
      (?P<blank>   [ \t\n\r\f\v]+ )
    | (?P<line>    --[^\n\r]* )
    | (?P<block>   /\* )
    | (?P<escape>  [eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*' )
    | (?P<string>  (?:[bBxXnN]|[uU]&)?'[^']*(?:''[^']*)*' )
    | (?P<name>    (?:[uU]&)?"[^"]*(?:""[^"]*)*" )
    | (?P<word>    [A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]* )
    | (?P<dollar>  \$(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?\$ )
    | (?P<number>  0[xXoObB][0-9a-fA-F_]+ | (?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
    | (?P<operator>(?:(?!--|/\*)[-+*/<>=~!@\#%^&|`?])+ )
    | (?P<other>   :: | := | \.\. | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "blank": Kind.BLANK,
    "line": Kind.COMMENT,
    "block": Kind.COMMENT,
    "word": Kind.WORD,
    "escape": Kind.QUOTED,
    "string": Kind.QUOTED,
    "name": Kind.QUOTED,
    "dollar": Kind.QUOTED,
    "number": Kind.OTHER,
    "operator": Kind.OTHER,
    "other": Kind.OTHER,
}
_ENDS_LATER = frozenset(("block", "dollar", "operator", "other"))  # the match is not yet the whole token
_ESCAPED = re.compile(r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_MAY_END_IN_SIGN = set("~!@#%^&|`?")


def lex(text: str) -> Iterator[Token]:
    """All tokens in order, blanks and comments too; raises BadScript at a quote or comment that never ends."""
    position = 0
    escape_end = -1  # while nothing but blanks and line comments came after E'…'
    while match := _TOKEN.match(text, position):
        group = match.lastgroup or ""
        if group == "string" and escape_end >= 0 and "\n" in text[escape_end:position]:
            match, group = _continued(text, position), "escape"
        end = _end(text, match, group) if group in _ENDS_LATER else match.end()
        yield Token(_KINDS[group], position, text[position:end])
        position = end
        if group == "escape":
            escape_end = position
        elif group not in ("blank", "line"):
            escape_end = -1


def _end(text: str, match: re.Match[str], group: str) -> int:
    """Where the token ends that begins with this match."""
    match group:
        case "block":
            return _comment_end(text, match)
        case "dollar":
            end = text.find(match[0], match.end())
            if end < 0:
                raise BadScript(f"the dollar quote {match[0]} is never closed", match.start())
            return end + len(match[0])
        case "operator":
            return match.start() + len(_operator(match[0]))
        case "other" if match[0] in "'\"":
            raise BadScript(f"the quote {match[0]} is never closed", match.start())
        case _:
            return match.end()


def _continued(text: str, position: int) -> re.Match[str]:
    """E'a' goes on in 'b' on a later line, and so does the meaning of its backslashes."""
    match = _ESCAPED.match(text, position)
    if match is None:
        raise BadScript("the quote ' is never closed", position)
    return match


def _comment_end(text: str, opening: re.Match[str]) -> int:
    """Comments nest in SQL, unlike in C."""
    depth, position = 1, opening.end()
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            raise BadScript("the comment /* is never closed", opening.start())
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return position


def _operator(run: str) -> str:
    """A sign ends an operator only beside a character that plain arithmetic has not: `=-1` is `=` and `-1`."""
    if _MAY_END_IN_SIGN.isdisjoint(run):
        return run[0] + run[1:].rstrip("+-")
    return run
