"""`executor migrate renumber`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.group import Stopped, command
from executor.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from sql.runner import Options


@command("renumber")
def renumber(
    file: Annotated[str, typer.Argument(help="A file that came late, or whose number is taken.", show_default=False)],
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Give a file the next free number; refused where the database that is named has applied it.

    Example: executor migrate renumber migrations/0004_orders_note.sql
    """
    from sql import numbering

    path = Path(file)
    home = path.parent if path.parent.name else target.folder(folder)
    path = path if path.exists() else home / path.name
    parsed = numbering.parse(path.name)
    if not path.is_file() or parsed is None:
        raise UsageError(f"{file} is no migration of {home}", hint="name a file such as 0004_orders_note.sql")
    seen = _refuse_applied(parsed, path, database_url, embedded, target.options(set_, schema))
    new = path.with_name(f"{numbering.label(numbering.following(home), parsed[1])}.sql")
    path.rename(new)
    if json:
        console.say_json({"from": str(path), "to": str(new), "checked": seen})
    else:
        console.say(f"{path.name} -> {new.name}" + ("" if seen else "  (no database was asked whether it is applied)"))


def _refuse_applied(
    parsed: tuple[int, str], path: Path, database_url: str | None, embedded: bool, chosen: Options
) -> bool:
    """Whether a database could be asked; raises if it has the file."""
    from sql.runner import Runner

    try:
        with target.connected(database_url, embedded=embedded) as connection:
            rows = Runner(connection, **chosen).ledger.read()
    except DatabaseError as error:
        if error.code:
            raise
        return False  # none is named
    if any((row.version, row.name) == parsed for row in rows):
        raise Stopped(
            f"{path.name} is applied in this database", hint="a file that was applied keeps its number", exit_code=3
        )
    return True
