"""`executor db move`: the queue into another database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, verb
from executor.cli.db import progress
from executor.cli.db.group import app
from executor.errors import UsageError

if TYPE_CHECKING:
    from executor.operations.moving import Moved
    from executor.settings import Settings


@verb.verb(app)
def move(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL|embedded", help="Where the queue goes.", show_default=False),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Stop running tasks, which are queued again.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take a move back that was cut short.")] = False,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Move the queue into another database: nothing new begins, what runs is waited for, every row is compared.

    Cut short at any moment, the same command finishes it and --abort takes it back. The old data stays where it is.

    Example: executor db move --to postgresql://executor@db.example.com/executor
    """
    from executor import choice, settings
    from executor.operations import moving

    chosen = settings.read(database_url=database_url)
    typed = to or (choice.target(chosen.environ) if abort else None)
    if typed is None:
        raise UsageError("--to says where the queue goes", hint="give a URL, or `embedded`")
    between = moving.ends(chosen, typed, console.warn)
    try:
        if abort:
            where = moving.abort(between)
            console.say_json({"at": where}) if json else console.say(f"taken back: the queue is at {where}")
            return
        with progress.shown() as tell:
            moved = moving.move(between, now=now, tell=console.warn, progress=tell)
    finally:
        between.source.close()
        between.target.close()
    if json:
        console.say_json(
            {"from": moved.source, "to": moved.target, "backup": str(moved.backup) if moved.backup else None}
        )
    else:
        _say(moved, chosen)


def _say(moved: Moved, chosen: Settings) -> None:
    if moved.manifest is not None:
        console.say(f"moved {progress.contents(moved.manifest)} from {moved.source} to {moved.target}")
        console.say(f"every row was compared; a backup is {moved.backup}")
    else:
        console.say(f"the move from {moved.source} to {moved.target} is finished")
    console.say(f"what was at {moved.source} is still there, and refuses every change")
    back = "embedded" if moved.source == "the embedded server" else f"URL, which names {moved.source}"
    console.say(f"to go back: executor db move --to {back}")
    if chosen.environ.get("DATABASE_URL"):
        console.warn(f"DATABASE_URL comes before the choice that was written: let it name {moved.target}, or unset it")
