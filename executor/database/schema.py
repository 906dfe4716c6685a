"""Our own tables: brought up to date on connect by the same toolkit that applies anybody's SQL files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from executor import __version__
from executor.errors import DatabaseError
from sql import current, numbering
from sql.errors import MigrationError

if TYPE_CHECKING:
    from psycopg import Connection


def ensure(connection: Connection[Any]) -> None:
    """Apply what is pending; one indexed query when nothing is. Refuses a history that differs or is newer."""
    if current.is_current(connection, numbering.OURS, numbering.OUR_SET):
        return
    from sql import apply  # the reader of SQL files, which a database that is up to date does not need

    try:
        apply.up(connection, numbering.OURS, set_name=numbering.OUR_SET, tool=f"executor {__version__}")
    except MigrationError as error:
        raise DatabaseError(error.message, hint=error.hint, code="DB_SCHEMA") from error
