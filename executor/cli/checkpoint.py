"""`executor checkpoint`: what a task keeps for its next attempt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console, options, session, verb
from executor.errors import EXIT_FAILED

if TYPE_CHECKING:
    from psycopg import Connection

app = verb.verbs()
_Key = Annotated[str, typer.Argument(help="Under which name.", show_default=False)]


@app.callback(
    help="Keep something for the next attempt, from inside a task.\n\nStart with: executor checkpoint put KEY VALUE"
)
def _group() -> None:
    return


@verb.verb(app)
def put(
    key: _Key,
    value: Annotated[str, typer.Argument(metavar="[VALUE|-]", help="`-`, or nothing: standard input.")] = "-",
    database_url: options.DatabaseUrl = None,
) -> None:
    """Keep a value until the task is completed; the next attempt finds it whatever becomes of this one.

    Example: executor checkpoint put last-file "$file"
    """
    from executor.operations import checkpoints

    text = sys.stdin.read() if value == "-" else value
    with _inside(database_url) as (connection, run_id):
        checkpoints.put(connection, run_id, key, text)


@verb.verb(app)
def get(key: _Key, database_url: options.DatabaseUrl = None) -> int:
    """Print what was kept under a key, byte for byte; exit code 1 where nothing was.

    Example: executor checkpoint get last-file
    """
    from executor.operations import checkpoints

    with _inside(database_url) as (connection, run_id):
        kept = checkpoints.read(connection, run_id)
    if key not in kept:
        console.warn(f"nothing is kept under '{key}'")
        return EXIT_FAILED
    console.say_bytes(kept[key].encode("utf-8", "surrogateescape"))
    return 0


@verb.verb(app, "list")
def list_kept(json: options.Json = False, database_url: options.DatabaseUrl = None) -> None:
    """Everything this task has kept, as keys, or with --json as one object.

    Example: executor checkpoint list --json
    """
    from executor.operations import checkpoints

    with _inside(database_url) as (connection, run_id):
        kept = checkpoints.read(connection, run_id)
    if json:
        console.say_json(kept)
        return
    for key in sorted(kept):
        console.say(key)


@contextmanager
def _inside(database_url: str | None) -> Iterator[tuple[Connection[Any], int]]:
    from executor.operations import checkpoints

    run_id = checkpoints.run_of(os.environ)
    with session.database(database_url) as (database, _), database.connect("command") as connection:
        yield connection, run_id
