"""Which index a statement builds concurrently, told by its words."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sql.script import Statement
from sql.tokens import Kind, Piece, scan


class NamedIndex(Struct, frozen=True):
    """`name` as the catalogue has it; `table` as the statement spells it, with or without its schema."""

    name: str
    table: str


def built(statement: Statement) -> NamedIndex | None:
    """The index that CREATE INDEX CONCURRENTLY makes; None for anything else, and for one without a name."""
    if statement.words[:1] != ("CREATE",) or "CONCURRENTLY" not in statement.words[:4]:
        return None
    pieces = [piece for piece in scan(statement.sql) if piece[0] is not Kind.COMMENT]
    upper = [text.upper() if kind is Kind.WORD else text for kind, _, text in pieces]
    after = upper.index("CONCURRENTLY") + 1
    if upper[after : after + 3] == ["IF", "NOT", "EXISTS"]:
        after += 3
    if upper[after] == "ON":
        return None
    table = after + (3 if upper[after + 2 : after + 3] == ["ONLY"] else 2)
    return NamedIndex(_bare(pieces[after]), _qualified(pieces, table))


def _qualified(pieces: Sequence[Piece], at: int) -> str:
    """The names from here on that dots hold together."""
    end = at + 1
    while end + 1 < len(pieces) and pieces[end][2] == ".":
        end += 2
    return "".join(text for _, _, text in pieces[at:end])


def _bare(piece: Piece) -> str:
    kind, _, text = piece
    return text[1:-1].replace('""', '"') if kind is Kind.QUOTED else text.lower()
