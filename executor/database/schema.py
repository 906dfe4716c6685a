"""Our own tables: brought up to date on connect by the same toolkit that applies anybody's SQL files."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from executor import __version__
from executor.errors import DatabaseError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from psycopg import Connection

SET = "executor"


@cache
def folder() -> Traversable:
    """The numbered files that make our schema."""
    return resources.files("sql") / "migrations"


def ensure(connection: Connection[Any]) -> None:
    """Apply what is pending; one indexed query when nothing is. Refuses a history that differs or is newer."""
    from sql import apply
    from sql.errors import MigrationError

    try:
        if not apply.is_current(connection, folder(), SET):
            apply.up(connection, folder(), set_name=SET, tool=f"executor {__version__}")
    except MigrationError as error:
        raise DatabaseError(error.message, hint=error.hint, code="DB_SCHEMA") from error
