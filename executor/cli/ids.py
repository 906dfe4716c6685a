"""`executor id`: ids for tasks that show none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, verb

if TYPE_CHECKING:
    from loader.labels import Labelled

app = verb.verbs()


@verb.verb(app, "id")
def write_ids(
    file: options.File = None,
    write: Annotated[bool, typer.Option("--write", help="Write them into the file, and nothing else.")] = False,
    json: options.Json = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> None:
    """Show which ids tasks without one have, or write them behind their titles. Their history stays theirs.

    An id that stands in the file survives every change of its title.

    Example: executor id tasks.md --write
    """
    from executor.operations import beginning, files

    path = files.choose(file)
    reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
    found = beginning.label(path, reading) if write else beginning.labelled(path, reading)
    if json:
        console.say_json(
            {
                "path": str(path),
                "written": write,
                "added": [{"id": task_id, "line": line} for task_id, line in found.added.items()],
                "refused": [{"id": task_id, "reason": reason} for task_id, reason in found.refused.items()],
            }
        )
    else:
        _show(console.short_path(path), found, write)


def _show(path: str, found: Labelled, write: bool) -> None:
    for task_id, line in found.added.items():
        console.say(f"{path}:{line}: {task_id}")
    for task_id, reason in found.refused.items():
        console.warn(f"{task_id}: {reason}")
    number = console.counted(len(found.added), "id")
    if write:
        console.warn(f"{number} written")
    elif found.added:
        console.warn(f"{number} to write: executor id {path} --write")
    elif not found.refused:
        console.warn("every task shows its id")
