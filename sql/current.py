"""Whether a database stands where a folder ends: asked at every start, so it costs one query and few imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import Connection
from psycopg.errors import UndefinedTable
from psycopg.rows import tuple_row

from sql import numbering, queries

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

LEDGER = queries.load("ledger")


def is_current(connection: Connection[Any], path: Path | Traversable, set_name: str) -> bool:
    """Whether exactly the folder's versions are applied, by their numbers alone.

    False also when the database is newer: `apply.up` says so.
    """
    return versions(connection, set_name) == numbering.versions(path)


def versions(connection: Connection[Any], set_name: str) -> tuple[int, ...]:
    """The versions of a set; none when there is no ledger yet. One query on an index."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        try:
            rows = cursor.execute(LEDGER.versions, {"set_name": set_name}, prepare=False).fetchall()
        except UndefinedTable:
            return ()
    return tuple(version for (version,) in rows)
