"""Our own tables: brought up to date on connect by the same toolkit that applies anybody's SQL files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from executor import __version__
from executor.errors import DatabaseError
from sql import current, numbering, queries
from sql.errors import MigrationError

if TYPE_CHECKING:
    from psycopg import Connection

HEALTH = queries.load("health")


def ensure(connection: Connection[Any], *, reads: bool = False) -> None:
    """Apply what is pending; one indexed query when nothing is. Refuses a history that differs or is newer.

    A newer one may be read: what later versions add, older queries do not ask for.
    """
    if current.is_current(connection, numbering.OURS, numbering.OUR_SET):
        return
    if reads and _is_newer(connection):
        return
    refuse_newer(connection)
    from sql import apply  # the reader of SQL files, which a database that is up to date does not need

    try:
        apply.up(connection, numbering.OURS, set_name=numbering.OUR_SET, tool=f"executor {__version__}")
    except MigrationError as error:
        raise DatabaseError(error.message, hint=error.hint, code="DB_SCHEMA") from error


def refuse_newer(connection: Connection[Any]) -> None:
    """Raise DatabaseError, with the version to install, where a later program has been here."""
    if not _is_newer(connection):
        return
    row = connection.execute(HEALTH.newest, prepare=False).fetchone()
    assert row is not None, "it has one that is newer than ours"
    newest, tool = row
    known = numbering.versions(numbering.OURS)[-1]
    raise DatabaseError(
        f"the schema is of migration {newest:04d}, made by {tool}; this is executor {__version__}, "
        f"which knows up to {known:04d}",
        hint=f"install {tool} or newer; `status`, `list`, `show`, `logs` and `events` work as they are",
        code="DB_SCHEMA",
    )


def _is_newer(connection: Connection[Any]) -> bool:
    """Has it all of ours, and more behind them?"""
    known = numbering.versions(numbering.OURS)
    applied = current.versions(connection, numbering.OUR_SET)
    return len(applied) > len(known) and applied[: len(known)] == known
