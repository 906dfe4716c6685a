"""`executor migrate testdb`."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.group import command


@command("testdb")
def testdb(
    name: Annotated[str | None, typer.Option("--name", help="What to call the copy.", show_default=False)] = None,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Make a database with the folder applied, as a copy of a template that is made once for each state of the folder.

    Example: executor migrate testdb --name shop_test
    """
    from psycopg.conninfo import make_conninfo

    import sql

    path = target.folder(folder)
    with target.connected(database_url, embedded=embedded) as connection:
        info = connection.info
        server = make_conninfo(info.dsn, password=info.password or None)
        template = sql.template(server, path, **target.options(set_, schema))
        made = sql.clone(server, template, name)
    from psycopg.conninfo import conninfo_to_dict

    database = str(conninfo_to_dict(made)["dbname"])
    console.say_json({"database": database, "template": template}) if json else console.say(database)
