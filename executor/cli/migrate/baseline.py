"""`executor migrate baseline`."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, show, target
from executor.cli.migrate.group import command


@command("baseline")
def baseline(
    version: Annotated[int, typer.Argument(help="The last number that is in already.", show_default=False)],
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Record all files up to a number as applied without running them, on a database from before the toolkit.

    Example: executor migrate baseline 12
    """
    import sql

    path = target.folder(folder)
    with target.connected(database_url, embedded=embedded) as connection:
        files = sql.baseline(connection, path, version, **target.options(set_, schema))
    if json:
        console.say_json({"recorded": [show.migration(one) for one in files]})
    else:
        console.say(
            f"{console.counted(len(files), 'file')} recorded as applied, up to {files[-1].label}; nothing was run"
        )
