"""`executor db prune`: letting go of the past."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from executor.cli import console, options, session, verb
from executor.cli.db.group import app
from executor.errors import UsageError


@verb.verb(app)
def prune(
    file: options.File = None,
    everywhere: Annotated[bool, typer.Option("--all", help="Of every list of the database.")] = False,
    runs: Annotated[int | None, typer.Option("--runs", min=1, help="Runs to keep of each task.")] = None,
    output: Annotated[str | None, typer.Option("--output", help="How long output is kept: 30d.")] = None,
    events: Annotated[str | None, typer.Option("--events", help="How long events are kept: 90d.")] = None,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Let go of old runs, output and events of a list, or of all where the folder here holds none.

    A list's `keep` says how much stays; without it 20 runs, output of 30 days, events of 90. The events of how
    a list began and ended (`list.started`, `list.stopped`, `list.finished`) stay for good. Artefacts go with the output
    of their run. Safe beside workers. Backups go with `executor db prune-backups`.

    Example: executor db prune --all
    """
    from msgspec.structs import asdict

    from executor.operations import pruning

    typed = {"runs": runs, "output": _duration("--output", output), "events": _duration("--events", events)}
    with session.maybe_of_list(file, database_url, everywhere=everywhere) as opened:
        list_id = None if opened.row is None else opened.row.list_id
        progress = console.Progress()
        with opened.database.attach("prune") as connection:
            gone = pruning.prune(
                connection,
                list_id,
                typed,
                tell=lambda path, gone: progress.tell(f"{console.short_path(path)}: {_gone(asdict(gone))}"),
            )
        progress.clear()
    if json:
        console.say_json(asdict(gone))
    else:
        console.say(f"let go of {_gone(asdict(gone))}")


def _gone(gone: dict[str, int]) -> str:
    artefacts = f"{gone['artefacts']} artefacts, " if gone["artefacts"] else ""
    return f"{gone['runs']} runs, {gone['output']} pieces of output, {artefacts}{gone['events']} events"


def _duration(option: str, typed: str | None) -> timedelta | None:
    from loader import durations

    if typed is None:
        return None
    try:
        return durations.read(typed)
    except ValueError as error:
        raise UsageError(f"{option} is '{typed}', not {error}", hint=f"for example {option} 30d") from error
