"""`executor migrate resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.group import command
from executor.errors import UsageError

if TYPE_CHECKING:
    from sql.plan import Recorded


@command("resolve")
def resolve(
    version: Annotated[int, typer.Argument(help="A number.", show_default=False)],
    resolution: Annotated[
        str, typer.Argument(metavar="applied|forget|rebless", help="What the ledger shall say.", show_default=False)
    ],
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Change by hand what the ledger says of one file; runs nothing, and keeps the row as it was among its events.

    Example: executor migrate resolve 3 rebless
    """
    import sql
    from sql.history import Resolution

    if resolution not in list(Resolution):
        raise UsageError(f"{resolution!r} is no resolution", hint="applied, forget or rebless")
    path = target.folder(folder)
    with target.connected(database_url, embedded=embedded) as connection:
        done = sql.resolve(connection, path, version, resolution, **target.options(set_, schema))
    if json:
        console.say_json({"before": _plain(done.before), "after": _plain(done.after)})
    else:
        console.say(f"before  {_line(done.before)}")
        console.say(f"after   {_line(done.after)}")


def _plain(row: Recorded | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"version": row.version, "name": row.name, "state": str(row.state), "checksum": row.checksum}


def _line(row: Recorded | None) -> str:
    return f"{row.name}  {row.state}  {row.checksum[:12]}" if row else "not in the ledger"
