"""`executor migrate new`."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.group import command
from executor.errors import UsageError

TEMPLATE = "\n\n-- migrate: down\n"


@command("new")
def new(
    name: Annotated[str, typer.Argument(help="What it does, in a few words.", show_default=False)],
    repeat: Annotated[bool, typer.Option("--repeat", help="A repeatable file, for a view or a function.")] = False,
    folder: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Begin a migration: a file with the next free number.

    Example: executor migrate new add_orders_note
    """
    from sql import numbering

    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not plain:
        raise UsageError(f"{name!r} has no letter or digit to name a file by", hint="executor migrate new add_note")
    home = target.new_folder(folder)
    if repeat:
        path = home / numbering.REPEATABLE / f"{plain}.sql"
    else:
        path = home / f"{numbering.label(numbering.following(home), plain)}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write("" if repeat else TEMPLATE)
    if json:
        console.say_json({"path": str(path)})
    else:
        console.say(str(path))
