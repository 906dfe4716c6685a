"""A command's connection: opened when it is needed, closed with the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from executor import settings
from executor.cli import console
from executor.errors import UsageError
from executor.model import ListRow

if TYPE_CHECKING:
    from psycopg import Connection

    from executor.database.connection import Database
    from executor.operations.following import Line


class Session(Struct, frozen=True):
    """A connection, the list it is about, and who asks."""

    connection: Connection[Any]
    row: ListRow
    actor: str
    database: Database

    def line(self) -> Line:
        """A connection of its own that reads on as things happen to the list."""
        return _line(self.database, self.row)


class Visit(Struct, frozen=True):
    """A database, and the list it is about; None is all of them."""

    database: Database
    row: ListRow | None

    def line(self) -> Line:
        """A connection of its own that reads on as things happen."""
        return _line(self.database, self.row)


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
def of_list(
    file: str | None, database_url: str | None, *, recover: bool = False, reads: bool = False
) -> Iterator[Session]:
    """A connection and the list of a file, which must have been run before.

    `recover`: what a crash left is taken back first, so that the command meets tasks and workers as they are.
    `reads`: it changes nothing, so it may work on the schema of a newer version too.
    """
    from executor.database import translate
    from executor.operations import control, files, naming

    path = files.choose(file)
    with database(database_url) as (opened, chosen), opened.connect("command", reads=reads) as connection:
        if recover:
            control.recover(connection, chosen.actor)
        with translate.errors():
            row = naming.known_list(connection, path)
        with console.listing(path):
            yield Session(connection, row, chosen.actor, opened)


@contextmanager
def maybe_of_list(
    file: str | None, database_url: str | None, *, everywhere: bool, reads: bool = False
) -> Iterator[Visit]:
    """The list of a file, or all of them: where that is asked for, or where no file was named and none is here."""
    from executor.database import translate
    from executor.operations import files, naming

    if everywhere and file is not None:
        raise UsageError("--all and a file exclude each other", hint="give one of them")
    path = None if everywhere else files.choose(file) if file is not None or files.usual() else None
    with database(database_url) as (opened, _), opened.connect("command", reads=reads) as connection:
        with translate.errors():
            row = None if path is None else naming.known_list(connection, path)
        yield Visit(opened, row)


def _line(opened: Database, row: ListRow | None) -> Line:
    from executor.operations.following import Line

    return Line(
        lambda: opened.attach("follow"),
        None if row is None else row.list_id,
        is_left=console.is_left,
        notice=console.warn,
    )
