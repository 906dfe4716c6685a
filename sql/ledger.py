"""The table `executor.migration`: what was applied, when, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import UndefinedTable
from psycopg.rows import class_row, tuple_row

from sql import lock, queries
from sql.folder import Migration
from sql.plan import Recorded
from sql.script import Bounds

LEDGER = queries.load("ledger")
_CREATION = lock.key("ledger")


class Since(NamedTuple):
    """Whether a version is taken, and the newest version from there on (0 for none)."""

    taken: bool
    newest: int


def read(connection: Connection[Any], set_name: str) -> list[Recorded]:
    """The rows of a set by version; none when there is no ledger yet. One query; needs no right but SELECT."""
    with connection.cursor(row_factory=class_row(Recorded)) as cursor:
        try:
            return cursor.execute(LEDGER.applied, {"set_name": set_name}, prepare=False).fetchall()
        except UndefinedTable:
            return []


def applied_sql(connection: Connection[Any], set_name: str, wanted: Sequence[int]) -> dict[int, str]:
    """The SQL that was run, by version."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        parameters = {"set_name": set_name, "versions": list(wanted)}
        return dict(cursor.execute(LEDGER.applied_sql, parameters, prepare=False).fetchall())


def since(connection: Connection[Any], set_name: str, version: int) -> Since:
    """What stands at this version or above."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        parameters = {"set_name": set_name, "version": version}
        row = cursor.execute(LEDGER.since, parameters, prepare=False).fetchone()
    return Since(*row) if row else Since(taken=False, newest=0)


def record(connection: Connection[Any], migration: Migration, *, set_name: str, tool: str) -> None:
    """Add the row of a migration, in the transaction that applied it."""
    row = {
        "set_name": set_name,
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.checksum,
        "up_sql": migration.up,
        "down_sql": migration.down,
        "tool": tool,
    }
    connection.execute(LEDGER.record, row, prepare=False)


def ensure(connection: Connection[Any], *, wait: timedelta) -> None:
    """Create schema and table unless they are there, in a transaction of their own: sets share them, but no lock."""
    if _present(connection)[1]:
        return
    with lock.alone(
        connection, _CREATION, application="executor migrate", bounds=Bounds(), wait=wait, on_wait=lambda: None
    ):
        has_schema, has_table = _present(connection)
        if not has_schema:
            connection.execute(LEDGER.create_schema, prepare=False)
        if not has_table:
            connection.execute(LEDGER.create_table, prepare=False)
            connection.execute(LEDGER.create_version_index, prepare=False)


def _present(connection: Connection[Any]) -> tuple[bool, bool]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(LEDGER.present, prepare=False).fetchone()
    return (row[0], row[1]) if row else (False, False)
