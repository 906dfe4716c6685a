"""Room for a queue in a database that may hold one already: nothing that is there is ever lost."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from psycopg import Connection, sql
from psycopg.rows import class_row, tuple_row

from executor.database.archive.tables import ARCHIVE
from executor.errors import DatabaseError


class Contents(Struct, frozen=True):
    """What a database holds of ours: lists, tasks, files of users' migrations, and workers that are alive."""

    lists: int
    tasks: int
    migrations: int
    workers: int

    @property
    def any(self) -> bool:
        """Is there anything to lose?"""
        return self != Contents(0, 0, 0, 0)


def has_schema(connection: Connection[Any]) -> bool:
    """Is there a schema of ours, however empty?"""
    return bool(_one(connection, ARCHIVE.has_schema))


def has_queue(connection: Connection[Any]) -> bool:
    """Are our tables there?"""
    return bool(_one(connection, ARCHIVE.has_queue))


def contents(connection: Connection[Any]) -> Contents:
    """What is there; our tables must be."""
    with connection.cursor(row_factory=class_row(Contents)) as cursor:
        found = cursor.execute(ARCHIVE.contents, prepare=False).fetchone()
    assert found is not None, "one row"
    return found


def make(connection: Connection[Any], where: str, *, replace: bool) -> str:
    """Let our schema be missing, or empty; the name that a schema which held something has now, or nothing.

    Call inside a transaction. DatabaseError when something is there and is not to be replaced, or is in use.
    """
    if not has_schema(connection):
        return ""
    if has_queue(connection):
        connection.execute(ARCHIVE.lock_workers, prepare=False)
        found = contents(connection)
        _refuse(found, where, replace=replace)
        if not found.any:
            connection.execute(ARCHIVE.clear, prepare=False)
            return ""
    elif not _one(connection, ARCHIVE.has_ledger):
        return ""
    elif not replace:
        raise _occupied(f"{where} holds the history of migrations")
    return put_aside(connection)


def put_aside(connection: Connection[Any]) -> str:
    """Give our schema another name, which nothing of ours looks at; that name."""
    name = str(_one(connection, ARCHIVE.free_name))
    connection.execute(sql.SQL("ALTER SCHEMA executor RENAME TO {}").format(sql.Identifier(name)), prepare=False)
    return name


def _refuse(found: Contents, where: str, *, replace: bool) -> None:
    if found.workers:
        raise DatabaseError(
            f"somebody is at work at {where} (workers: {found.workers})",
            hint="let them leave first: `executor drain --all`",
            code="DB_IN_USE",
        )
    if found.any and not replace:
        raise _occupied(f"{where} holds a queue already (lists: {found.lists}, tasks: {found.tasks})")


def _occupied(fact: str) -> DatabaseError:
    return DatabaseError(fact, hint="--replace keeps that under another name in the same database", code="DB_NOT_EMPTY")


def _one(connection: Connection[Any], query: bytes) -> Any:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, prepare=False).fetchone()
    return row[0] if row else None
