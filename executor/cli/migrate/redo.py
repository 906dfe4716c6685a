"""`executor migrate redo`."""

from __future__ import annotations

from executor.cli import console
from executor.cli.migrate import options, show, target
from executor.cli.migrate.down import confirm
from executor.cli.migrate.group import command


@command("redo")
def redo(
    yes: options.Yes = False,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Undo the newest migration and apply it again as its file is now.

    Example: executor migrate redo --yes
    """
    import sql

    path = target.folder(folder)
    confirm("undo and apply again the newest migration", yes=yes)
    progress = show.Progress(silent=json)
    with target.connected(database_url, embedded=embedded) as connection, progress.watching():
        done = sql.redo(connection, path, **target.options(set_, schema, progress))
    if json:
        console.say_json({"applied": [show.migration(one) for one in done.migrations], "newest": done.newest})
