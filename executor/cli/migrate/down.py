"""`executor migrate down`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, show, target
from executor.cli.migrate.group import command
from executor.errors import UsageError


@command("down")
def down(
    steps: Annotated[int, typer.Argument(help="How many, the newest first.")] = 1,
    to: Annotated[int | None, typer.Option("--to", help="All above this number instead.")] = None,
    yes: options.Yes = False,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Undo the newest migrations with their down parts; the ledger kept them, should a file be gone.

    Example: executor migrate down --yes
    """
    import sql

    path = target.folder(folder)
    confirm(f"undo all above {to}" if to is not None else f"undo {console.counted(steps, 'migration')}", yes=yes)
    progress = show.Progress(silent=json)
    with target.connected(database_url, embedded=embedded) as connection, progress.watching():
        done = sql.down(connection, path, steps=steps, to=to, **target.options(set_, schema, progress))
    if json:
        console.say_json({"undone": [show.migration(one) for one in done.migrations], "newest": done.newest})
    elif not done.migrations:
        console.say("nothing to undo")


def confirm(what: str, *, yes: bool) -> None:
    """Ask the person at the terminal; without one, `--yes` has to say it."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}: nobody is here to ask", hint="say --yes")
    if not typer.confirm(f"{what}?"):
        raise UsageError("not confirmed; nothing was changed")
