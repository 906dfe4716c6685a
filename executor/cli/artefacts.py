"""`executor attach` and `artefact`: files kept with a run, from inside it, and fetched again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from executor.cli import console, options, session, verb

app = verb.verbs()


@verb.verb(app)
def attach(
    path: Annotated[Path, typer.Argument(help="Which file.", show_default=False)],
    name: Annotated[str | None, typer.Option("--name", help="What to call it; the file's own name without it.")] = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Keep a file with this run, from inside a task: 16 MB at most, and 64 MB a run. `executor artefact` fetches it.

    Example: executor attach report.html
    """
    from executor.operations import artefacts, checkpoints

    run_id = checkpoints.run_of(os.environ)
    with session.database(database_url) as (database, _), database.connect("command") as connection:
        artefacts.attach(connection, run_id, path, name)


@verb.verb(app)
def artefact(
    id: options.Id,
    name: Annotated[str, typer.Argument(help="Which file; `executor show ID` names them.", show_default=False)],
    attempt: Annotated[
        int | None, typer.Option("--attempt", min=1, help="Which attempt's; the last that kept one without it.")
    ] = None,
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Print a file that a task has kept, byte for byte.

    Example: executor artefact BLD-002 report.html > report.html
    """
    from executor.operations import artefacts, naming

    with session.of_list(file, database_url, reads=True) as opened:
        task = naming.find(opened.connection, opened.row.list_id, [id])[0]
        for piece in artefacts.fetch(opened.connection, task.queue_id, name, attempt):
            console.say_bytes(piece)
