"""`executor migrate verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import asdict

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.group import command
from executor.cli.migrate.status import EXIT_HISTORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sql.catalogue import Difference
    from sql.verification import Verification


@command("verify")
def verify(
    versions: Annotated[list[int] | None, typer.Argument(help="Only these numbers.", show_default=False)] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Also make a database from the files, compare, and drop it.")
    ] = False,
    folder: options.Folder = None,
    set_: options.Set = None,
    schema: options.Schema = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> int:
    """Compare the database with folder and ledger: edits line by line, lost files, unfinished indexes, drift.

    Example: executor migrate verify 3
    """
    import sql
    from sql import shadow as made_anew

    path = target.folder(folder)
    with target.connected(database_url, embedded=embedded) as connection:
        chosen = target.options(set_, schema)
        found = sql.verify(connection, path, versions=versions or (), **chosen)
        differences = made_anew.differences(connection, path, **chosen) if shadow else None
    if json:
        console.say_json(_plain(found, differences))
    else:
        _show(found, differences)
    return 0 if found.sound and not differences else EXIT_HISTORY


def _show(found: Verification, differences: Sequence[Difference] | None) -> None:
    for problem in found.problems:
        console.say(f"  {problem.kind.upper():<8} {problem.subject}  {problem.detail}")
        for line in found.changes.get(problem.version, []):
            console.say(f"      {line}")
    for entry in found.unfinished:
        console.say(f"  {entry.standing.upper():<8} {entry.label}  {entry.detail}")
    for index in found.invalid_indexes:
        console.say(f"  INVALID  index {index.name} on {index.table}: REINDEX INDEX CONCURRENTLY, or drop it")
    if found.drift and found.drift.drifted:
        console.say(f"  DRIFT    the schema is not what {found.drift.after} left: something else changed it")
        for difference in found.drift.differences:
            console.say(f"      {difference}")
        if not found.drift.differences and differences is None:
            console.say("      `executor migrate verify --shadow` says how")
    for difference in differences or ():
        console.say(f"  SHADOW   {difference}")
    if found.sound and not differences:
        after = f"; the schema is what {found.drift.after} left" if found.drift else ""
        made = "; the files make the same schema in an empty database" if differences is not None else ""
        console.say(f"sound{after}{made}")


def _plain(found: Verification, differences: Sequence[Difference] | None) -> dict[str, Any]:
    return {
        "sound": found.sound and not differences,
        "problems": [
            {
                "kind": problem.kind.value,
                "version": problem.version,
                "subject": problem.subject,
                "detail": problem.detail,
                "changes": found.changes.get(problem.version, []),
            }
            for problem in found.problems
        ],
        "unfinished": [{"label": entry.label, "detail": entry.detail} for entry in found.unfinished],
        "invalid_indexes": [index._asdict() for index in found.invalid_indexes],
        "drift": None
        if found.drift is None
        else {
            "after": found.drift.after,
            "drifted": found.drift.drifted,
            "differences": [asdict(difference) for difference in found.drift.differences],
        },
        "shadow": None if differences is None else [asdict(difference) for difference in differences],
    }
