"""The rows of our tables as a stream of text, the same bytes for the same rows on every server."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter
from typing import Any

from msgspec import Struct
from psycopg import Connection, sql
from psycopg.rows import class_row

from executor.database.archive.manifest import Holding
from sql import queries
from sql.ledger import speaking_utf8

ARCHIVE = queries.load("archive")
CATALOGUE = queries.load("catalogue")
# About this database itself, and untrue in any other.
LEFT_OUT = ("relocation",)
PIECE = 1 << 18


class Table(Struct, frozen=True):
    """A table of our schema, with the columns that are carried and those that order its rows."""

    name: str
    columns: list[str]
    key: list[str]
    collated: list[str]
    needs: list[str]

    def outgoing(self) -> sql.Composed:
        """The COPY that prints it."""
        return sql.SQL("COPY (SELECT {} FROM executor.{} ORDER BY {}) TO STDOUT").format(
            _names(self.columns), sql.Identifier(self.name), sql.SQL(", ").join(map(self._place, self._order()))
        )

    def incoming(self, columns: Sequence[str]) -> sql.Composed:
        """The COPY that fills it."""
        return sql.SQL("COPY executor.{} ({}) FROM STDIN").format(sql.Identifier(self.name), _names(columns))

    def _order(self) -> list[str]:
        return self.key or self.columns

    def _place(self, column: str) -> sql.Composable:
        # Without this, the order of text would be that of the database's own collation.
        form = '{}::text COLLATE "C"' if not self.key else '{} COLLATE "C"' if column in self.collated else "{}"
        return sql.SQL(form).format(sql.Identifier(column))


def settle(connection: Connection[Any]) -> None:
    """Let this transaction print the same text everywhere, and take the time it needs."""
    speaking_utf8(connection)
    connection.execute(CATALOGUE.settle, prepare=False)
    connection.execute(ARCHIVE.patient, prepare=False)


def of_schema(connection: Connection[Any]) -> list[Table]:
    """Every table that is carried, each behind those it needs."""
    with connection.cursor(row_factory=class_row(Table)) as cursor:
        found = cursor.execute(ARCHIVE.tables, {"without": list(LEFT_OUT)}, prepare=False).fetchall()
    by_name = {table.name: table for table in found}
    order = TopologicalSorter({table.name: table.needs for table in found}).static_order()
    return [by_name[name] for name in order if name in by_name]


def stream(connection: Connection[Any], table: Table, keep: Callable[[bytes], object]) -> Holding:
    """Hand the rows of a table to `keep` in pieces; what they came to."""
    rows, size, digest = 0, 0, hashlib.sha256()
    gathered = bytearray()

    def pass_on() -> None:
        nonlocal size
        size += len(gathered)
        digest.update(gathered)
        keep(bytes(gathered))
        gathered.clear()

    with connection.cursor().copy(table.outgoing()) as copy:
        for row in copy:
            rows += 1
            gathered += row
            if len(gathered) >= PIECE:
                pass_on()
    pass_on()
    return Holding(tuple(table.columns), rows, size, digest.hexdigest())


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
