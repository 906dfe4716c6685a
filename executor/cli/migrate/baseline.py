"""`executor migrate baseline`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console
from executor.cli.migrate import options, show, target
from executor.cli.migrate.group import command
from executor.errors import UsageError

if TYPE_CHECKING:
    from psycopg import Connection


@command("baseline")
def baseline(
    version: Annotated[int, typer.Argument(help="The last number that is in already.", show_default=False)],
    dump: Annotated[
        bool, typer.Option("--dump", help="Write the file of this number first, from what the database has.")
    ] = False,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Record all files up to a number as applied without running them, on a database from before the toolkit.

    Example: executor migrate baseline 1 --dump
    """
    import sql

    path = target.new_folder(folder) if dump else target.folder(folder)
    with target.connected(database_url, embedded=embedded) as connection:
        written = _dump(connection, path, version, schema) if dump else None
        try:
            files = sql.baseline(connection, path, version, **target.options(set_, schema))
        except sql.MigrationError:
            if written:
                written.unlink()
            raise
    if written:
        console.warn(f"wrote {written}")
    if json:
        console.say_json({"recorded": [show.migration(one) for one in files]})
    else:
        console.say(
            f"{console.counted(len(files), 'file')} recorded as applied, up to {files[-1].label}; nothing was run"
        )


def _dump(connection: Connection[Any], folder: Path, version: int, schema: str | None) -> Path:
    """Write the file that makes an empty database what this one is; it must be the folder's first."""
    from sql import catalogue, numbering

    if folder.is_dir() and (taken := [one for one in numbering.names(folder) if one[0] <= version]):
        raise UsageError(
            f"{folder} has {numbering.label(*taken[0])} already, and a dump would make its tables once more",
            hint=f"executor migrate baseline {version} records the files that are there",
        )
    text = catalogue.dump(connection, [schema] if schema else None)
    if not text:
        raise UsageError("the database is empty: there is nothing to dump", hint="executor migrate new begins a folder")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{numbering.label(version, 'baseline')}.sql"
    path.write_text(f"SET LOCAL {text.removeprefix('SET ')}", encoding="utf-8")
    return path
