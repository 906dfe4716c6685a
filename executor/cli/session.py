"""A command's connection: opened when it is needed, closed with the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from executor import settings
from executor.cli import console
from executor.model import ListRow

if TYPE_CHECKING:
    from psycopg import Connection

    from executor.database.connection import Database


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, the list it is about, and who asks."""

    connection: Connection[Any]
    row: ListRow
    actor: str


@contextmanager
def database(database_url: str | None) -> Iterator[tuple[Database, settings.Settings]]:
    """The database of this command; the embedded server stops again if nobody else uses it."""
    from executor.database.connection import Database

    chosen = settings.read(database_url=database_url)
    opened = Database(chosen, notice=console.warn)
    try:
        yield opened, chosen
    finally:
        opened.close()


@contextmanager
def of_list(file: str | None, database_url: str | None, *, recover: bool = False) -> Iterator[Session]:
    """A connection and the list of a file, which must have been run before.

    `recover`: what a crash left is taken back first, so that the command meets tasks and workers as they are.
    """
    from executor.database import translate
    from executor.operations import control, files, naming

    path = files.choose(file)
    with database(database_url) as (opened, chosen), opened.connect("command") as connection:
        if recover:
            control.recover(connection, chosen.actor)
        with translate.errors():
            row = naming.known_list(connection, path)
        yield Session(connection, row, chosen.actor)
