"""`executor migrate dump`."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, pages, target
from executor.cli.migrate.group import command


@command("dump")
def dump(
    schema: pages.Schemas = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 10 if FILE says otherwise.")] = False,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
) -> int:
    """Print the schema as SQL that makes it again: the same text for the same schema, one column a line.

    Example: executor migrate dump -o schema.sql
    """
    from sql import catalogue

    with target.connected(database_url, embedded=embedded) as connection:
        text = catalogue.dump(connection, schema)
    if output is None:
        console.say_bytes(text.encode())
        return 0
    return pages.keep(output, text, check=check)
