"""`executor db backup`, `backups`, `verify-backup`, `restore` and `prune-backups`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console, options, session, verb
from executor.cli.db import progress
from executor.cli.db.group import app
from executor.errors import UsageError
from executor.events import timestamp

if TYPE_CHECKING:
    from executor.database.archive import Manifest
    from executor.operations.backup import Backup

_File = Annotated[Path, typer.Argument(help="The file of the backup.", show_default=False)]


@verb.verb(app)
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(help="A file that does not exist; without it one in EXECUTOR_HOME.", show_default=False),
    ] = None,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Write the whole queue and the text of its lists to one file, beside running workers.

    Example: executor db backup /var/backups/executor.backup
    """
    from executor import clock
    from executor.operations import backup as backups

    began = clock.monotonic()
    with session.database(database_url) as (database, chosen), progress.shown() as tell:
        made = backups.take(database, file.absolute() if file else None, backups.folder(chosen), tell=tell)
    if json:
        console.say_json(_as_dict(made))
        return
    console.say(f"{made.path}")
    console.say(
        f"{_size(made.size)}: {progress.contents(made.manifest)}; {console.duration(clock.monotonic() - began)}"
    )
    for text in made.manifest.texts:
        if not text.files:
            console.warn(f"{text.path} is not on this machine: its tasks are in the backup, its text is not")


@verb.verb(app)
def backups(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to look; without it in EXECUTOR_HOME.", show_default=False)
    ] = None,
    json: options.Json = False,
) -> None:
    """List backups, newest first, by what each says of itself.

    Example: executor db backups
    """
    from executor import settings
    from executor.operations import backup as backups

    where = folder or backups.folder(settings.read())
    found, others = backups.found(where)
    if json:
        console.say_json({"backups": [_as_dict(one) for one in found]})
    elif found:
        console.table(
            [
                [str(one.path), f"{timestamp(one.manifest.made_at)}", _size(one.size), progress.contents(one.manifest)]
                for one in found
            ]
        )
    else:
        console.say(f"no backup in {where}; make one with `executor db backup`")
    for path in others:
        console.warn(f"{path} cannot be read as a backup")


@verb.verb(app, "verify-backup")
def verify_backup(
    file: Annotated[
        Path | None, typer.Argument(help="The backup; without it the newest in EXECUTOR_HOME.", show_default=False)
    ] = None,
    json: options.Json = False,
) -> None:
    """Restore a backup into a server made for it, compare every row, and throw that server away.

    Example: executor db verify-backup
    """
    from executor import settings
    from executor.operations import backup as backups
    from executor.operations import verification

    chosen = settings.read()
    path = file or _newest(backups.folder(chosen))
    with progress.shown() as tell:
        verified = verification.verify(chosen, path.absolute(), tell=tell, notice=console.warn)
    if json:
        console.say_json({"path": str(path), "seconds": round(verified.seconds, 1), **_facts(verified.manifest)})
    else:
        took = console.duration(verified.seconds)
        console.say(f"{path} is good: {progress.contents(verified.manifest)}, restored and compared in {took}")


@verb.verb(app)
def restore(
    file: _File,
    replace: Annotated[
        bool, typer.Option("--replace", help="Even if a queue is there; it is kept under another name.")
    ] = False,
    lists: Annotated[bool, typer.Option("--lists", help="Write the files of lists too, where there is none.")] = False,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Fill an empty database from a backup: all of it or, at the first error, nothing.

    Example: executor db restore executor.backup --lists
    """
    from executor.operations import backup as backups

    with session.database(database_url) as (database, _), progress.shown() as tell:
        done = backups.put_back(database, file.absolute(), replace=replace, with_lists=lists, tell=tell)
        where = database.where()
    if json:
        texts = [str(path) for path in done.texts]
        console.say_json({**_facts(done.manifest), "kept_as": done.aside or None, "lists_written": texts})
        return
    console.say(f"restored {progress.contents(done.manifest)} of {timestamp(done.manifest.made_at)} to {where}")
    for path in done.texts:
        console.say(f"wrote {path}")
    if done.aside:
        console.say(f"what was there is kept: DROP SCHEMA {done.aside} CASCADE, when you need it no longer")
    console.say("`executor run` goes on from there")


@verb.verb(app, "prune-backups")
def prune_backups(
    folder: Annotated[
        Path | None, typer.Argument(help="Where they are; without it in EXECUTOR_HOME.", show_default=False)
    ] = None,
    daily: Annotated[int, typer.Option("--keep-daily", min=0, help="Days of which the last one stays.")] = 30,
    weekly: Annotated[int, typer.Option("--keep-weekly", min=0, help="Weeks of which the last one stays.")] = 52,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which.")] = False,
    json: options.Json = False,
) -> None:
    """Remove old backups: of each day and of each week the last one stays, and the newest in any case.

    Example: executor db prune-backups --keep-daily 30 --keep-weekly 52
    """
    from executor import settings
    from executor.operations import backup as backups
    from executor.operations import retention

    found, _ = backups.found(folder or backups.folder(settings.read()))
    going = retention.spent(found, daily=daily, weekly=weekly)
    for one in going:
        if not dry_run:
            one.path.unlink()
    if json:
        console.say_json({"removed": [str(one.path) for one in going], "kept": len(found) - len(going)})
        return
    for one in going:
        console.say(f"{'would remove' if dry_run else 'removed'} {one.path}")
    console.say(f"{console.counted(len(found) - len(going), 'backup')} kept")


def _newest(folder: Path) -> Path:
    from executor.operations import backup as backups

    found, _ = backups.found(folder)
    if not found:
        raise UsageError(f"no backup in {folder}", hint="name one, or make one with `executor db backup`")
    return found[0].path


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _facts(made: Manifest) -> dict[str, Any]:
    return {
        "made_at": timestamp(made.made_at),
        "from": made.where,
        "program": made.program,
        "server": made.server,
        "migration": made.migration,
        "tables": {name: {"rows": held.rows, "sha256": held.sha256} for name, held in made.tables.items()},
        "lists": [{"path": text.path, "files": len(text.files), "as_last_read": text.as_read} for text in made.texts],
    }


def _as_dict(one: Backup) -> dict[str, Any]:
    return {"path": str(one.path), "bytes": one.size, **_facts(one.manifest)}
