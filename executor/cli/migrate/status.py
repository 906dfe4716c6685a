"""`executor migrate status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from executor.cli import console
from executor.cli.migrate import options, show, target
from executor.cli.migrate.group import command
from executor.errors import EXIT_PENDING

if TYPE_CHECKING:
    from sql.standing import Entry, Status

EXIT_HISTORY = 3
_LOUD = {"edited", "missing", "late", "newer", "partial"}
_STYLES = {"applied": "dim", "pending": "bold", "failed": "red"} | dict.fromkeys(_LOUD, "red")


@command("status")
def status(
    check: Annotated[bool, typer.Option("--check", help="End with 10 where something is pending.")] = False,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> int:
    """Show every file beside what the database knows of it. Ends with 3 where they differ.

    Example: executor migrate status
    """
    import sql

    path = target.folder(folder)
    with target.connected(database_url, embedded=embedded) as connection:
        found = sql.status(connection, path, **target.options(set_, schema))
    if json:
        console.say_json({"migrations": [_plain(entry) for entry in found.entries], "counts": found.count()})
    else:
        _show(found)
    if found.plan.problems:
        return EXIT_HISTORY
    return EXIT_PENDING if check and found.plan.todo else 0


def _show(found: Status) -> None:
    rows = [
        [
            entry.label,
            entry.standing.upper() if entry.standing in _LOUD else entry.standing.value,
            entry.detail or (f"{entry.applied_at:%Y-%m-%d %H:%M}" if entry.applied_at else ""),
            show.milliseconds(entry.took) if not entry.detail else "",
        ]
        for entry in found.entries
    ]
    console.table(rows, indent="  ", styles=[_STYLES.get(entry.standing, "dim") for entry in found.entries])
    counts = " · ".join(f"{number} {standing}" for standing, number in found.count().items())
    console.say(f"{console.counted(len(found.entries), 'file')} · {counts}")


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "name": entry.name,
        "label": entry.label,
        "kind": entry.kind,
        "standing": entry.standing.value,
        "applied_at": entry.applied_at.isoformat() if entry.applied_at else None,
        "detail": entry.detail,
    }
