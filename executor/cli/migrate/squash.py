"""`executor migrate squash`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.down import confirm
from executor.cli.migrate.group import command


@command("squash")
def squash(
    upto: Annotated[int, typer.Option("--upto", help="The last number to join.", show_default=False)],
    yes: options.Yes = False,
    folder: options.Folder = None,
    json: options.Json = False,
) -> None:
    """Join the oldest files into one that new databases run, and that databases with those files accept.

    Example: executor migrate squash --upto 40 --yes
    """
    import sql

    path = target.folder(folder)
    made = sql.squash(sql.load(path).migrations, upto)
    confirm(f"put {made.name}.sql in the place of {console.counted(len(made.replaced), 'file')}", yes=yes)
    new = path / f"{made.name}.sql"
    new.write_text(made.text, encoding="utf-8")
    for migration in made.replaced:
        if Path(migration.path) != new:
            Path(migration.path).unlink()
    sql.load(path)
    if json:
        console.say_json({"path": str(new), "replaced": [one.label for one in made.replaced]})
    else:
        console.say(f"{new}  stands for {console.counted(len(made.replaced), 'file')}")
