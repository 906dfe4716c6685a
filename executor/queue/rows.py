"""Run a named query and map its rows to values, once for all of the queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

Row = TypeVar("Row")
Parameters = Mapping[str, Any]


def many(connection: Connection[Any], row: type[Row], query: bytes, parameters: Parameters) -> list[Row]:
    """All rows of the answer as `row` values."""
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query, parameters).fetchall()


def one(connection: Connection[Any], row: type[Row], query: bytes, parameters: Parameters) -> Row | None:
    """The first row of the answer, or None."""
    with connection.cursor(row_factory=class_row(row)) as cursor:
        return cursor.execute(query, parameters).fetchone()


def scalar(connection: Connection[Any], query: bytes, parameters: Parameters) -> Any:
    """The first column of the first row, or None when there is no row."""
    row = connection.execute(query, parameters).fetchone()
    return None if row is None else row[0]
