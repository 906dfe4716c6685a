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
# Blanks go before a token, so that each costs one match; the groups stand in the order of their numbers below.
_TOKEN = re.compile(
    r"""
    [ \t\n\r\f\v]*+
    (?: ( [A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*+ (?!['"&]) )    # a word that begins no quote
      | ( 0[xXoObB][0-9a-fA-F_]+ | (?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
      | ( [(),;\[\]{}\\] | :: | := | \.\. | [.:] )
      | ( (?:[uU]&)?"[^"]*+(?:""[^"]*+)*+" )
      | ( (?:[bBxXnN]|[uU]&)?'[^']*+(?:''[^']*+)*+' )
      | ( [eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+' )
      | ( --[^\n\r]*+ )
      | ( /\* )
      | ( \$(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?\$ )
      | ( (?:(?!--|/\*)[-+*/<>=~!@\#%^&|`?])+ )
      | ( [A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*+ )
      | ( . )
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD, _NUMBER, _SIGN, _NAME, _STRING, _ESCAPE, _LINE, _BLOCK, _DOLLAR, _OPERATOR, _PREFIX, _OTHER = range(1, 13)
_KINDS = (
    *(Kind.BLANK, Kind.WORD, Kind.OTHER, Kind.OTHER, Kind.QUOTED, Kind.QUOTED, Kind.QUOTED),
    *(Kind.COMMENT, Kind.COMMENT, Kind.QUOTED, Kind.OTHER, Kind.WORD, Kind.OTHER),
)
_BLANKS = " \t\n\r\f\v"
_ESCAPED = re.compile(r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'", re.DOTALL)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_MAY_END_IN_SIGN = set("~!@#%^&|`?")

Piece = tuple[Kind, int, str]


def lex(text: str) -> Iterator[Token]:
    """All tokens in order, blanks and comments too; raises BadScript at a quote or comment that never ends."""
    position = 0
    for kind, start, piece in scan(text):
        if start > position:
            yield Token(Kind.BLANK, position, text[position:start])
        yield Token(kind, start, piece)
        position = start + len(piece)
    if position < len(text):
        yield Token(Kind.BLANK, position, text[position:])


def scan(text: str) -> Iterator[Piece]:
    """As `lex`, without the blanks, and as bare tuples: a large file holds a million of them."""
    position, end = 0, len(text.rstrip(_BLANKS))
    escape_end = -1  # while nothing but blanks and line comments came after E'…'
    while position < end:
        for found in _TOKEN.finditer(text, position, end):
            group = found.lastindex or 0
            start, piece = found.start(group), found[group]
            if group == _LINE:
                yield Kind.COMMENT, start, piece
                continue
            if group >= _BLOCK or (group == _STRING and escape_end >= 0):
                piece, group = _whole(text, group, start, piece, escape_end)
            yield _KINDS[group], start, piece
            escape_end = start + len(piece) if group == _ESCAPE else -1
            if start + len(piece) != found.end():
                position = start + len(piece)
                break
        else:
            return


def _whole(text: str, group: int, start: int, piece: str, escape_end: int) -> tuple[str, int]:
    """The token of which the pattern knows only the beginning, and its group."""
    if group == _STRING:
        # E'a' goes on in 'b' on a later line, and so does the meaning of its backslashes.
        return (_continued(text, start), _ESCAPE) if "\n" in text[escape_end:start] else (piece, group)
    if group == _BLOCK:
        return text[start : _comment_end(text, start)], group
    if group == _DOLLAR:
        return text[start : _dollar_end(text, start, piece)], group
    if group == _OPERATOR:
        return _operator(piece), group
    if group == _OTHER and piece in "'\"":
        raise BadScript(f"the quote {piece} is never closed", start)
    return piece, group


def _continued(text: str, position: int) -> str:
    match = _ESCAPED.match(text, position)
    if match is None:
        raise BadScript("the quote ' is never closed", position)
    return match[0]


def _dollar_end(text: str, start: int, quote: str) -> int:
    end = text.find(quote, start + len(quote))
    if end < 0:
        raise BadScript(f"the dollar quote {quote} is never closed", start)
    return end + len(quote)


def _comment_end(text: str, start: int) -> int:
    """Comments nest in SQL, unlike in C."""
    depth, position = 1, start + 2
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            raise BadScript("the comment /* is never closed", start)
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return position


def _operator(run: str) -> str:
    """A sign ends an operator only beside a character that plain arithmetic has not: `=-1` is `=` and `-1`."""
    if _MAY_END_IN_SIGN.isdisjoint(run):
        return run[0] + run[1:].rstrip("+-")
    return run
