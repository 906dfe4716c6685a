"""`executor migrate up`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console
from executor.cli.migrate import options, show, target
from executor.cli.migrate.group import command

if TYPE_CHECKING:
    from psycopg import Connection


@command("up")
def up(
    to: Annotated[int | None, typer.Option("--to", help="The last number to apply.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="How many files at most.")] = None,
    one_transaction: Annotated[bool, typer.Option("--one-transaction", help="All of them or none.")] = False,
    allow_late: Annotated[bool, typer.Option("--allow-late", help="Also files older than the newest applied.")] = False,
    force_edited: Annotated[bool, typer.Option("--force-edited", help="Although applied files were edited.")] = False,
    lock_wait: options.LockWait = 60,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    schemas: options.Schemas = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> int:
    """Apply what is pending, each file once and in order, whoever else does so at the same time.

    Example: executor migrate up --database-url postgres://localhost/shop
    """
    path = target.folder(folder)
    chosen: dict[str, Any] = {
        "to": to,
        "steps": steps,
        "one_transaction": one_transaction,
        "allow_late": allow_late,
        "allow_edited": force_edited,
        "lock_wait": timedelta(seconds=lock_wait),
    }
    with target.connected(database_url, embedded=embedded) as connection:
        tenants = target.scopes(connection, schema, schemas)
        if schemas:
            return _each(connection, path, set_, tenants, chosen, json=json)
        found = _one(connection, path, set_, tenants[0], chosen, silent=json)
        if json:
            console.say_json(found)
        elif not found["applied"]:
            console.say("nothing to do")
    return 0


def _one(
    connection: Connection[Any],
    path: Path,
    words: list[str] | None,
    scope: str,
    chosen: dict[str, Any],
    *,
    silent: bool,
) -> dict[str, Any]:
    import sql

    progress = show.Progress(silent=silent)
    with progress.watching():
        done = sql.up(connection, path, **target.options(words, scope, progress), **chosen)
    return {"applied": [show.migration(one) for one in done.migrations], "newest": done.newest}


def _each(
    connection: Connection[Any],
    path: Path,
    words: list[str] | None,
    tenants: list[str],
    chosen: dict[str, Any],
    *,
    json: bool,
) -> int:
    """Every tenant in its turn; one that fails does not hold up the others, and its exit code is the first one's."""
    from sql.errors import MigrationError

    results, code = [], 0
    for tenant in tenants:
        if not json:
            console.say(tenant)
        try:
            found = _one(connection, path, words, tenant, chosen, silent=json)
            results.append({"schema": tenant, **found})
            if not json and not found["applied"]:
                console.say("  nothing to do")
        except MigrationError as error:
            code = code or error.exit_code
            results.append({"schema": tenant, "error": error.message, "hint": error.hint})
            console.warn(f"  {console.styled('error:', 'red')} {error.message}\n  hint: {error.hint}")
    failed = sum("error" in result for result in results)
    if json:
        console.say_json({"schemas": results})
    else:
        console.say(f"{console.counted(len(tenants), 'schema')} · {failed} failed")
    return code
