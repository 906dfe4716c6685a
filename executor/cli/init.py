"""`executor init`: begin a list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from executor.cli import console, options, verb
from executor.errors import UsageError

app = verb.verbs()


@verb.verb(app)
def init(
    file: Annotated[
        str | None, typer.Argument(help="The list to write; without it tasks.md.", show_default=False)
    ] = None,
    plain: Annotated[
        str | None,
        typer.Option("--from", help="Give this list ids and front matter, in place without FILE.", show_default=False),
    ] = None,
    output: Annotated[str | None, typer.Option("--output", "-o", help="The same as FILE.", show_default=False)] = None,
    dialect: options.Dialect = None,
) -> None:
    """Write a list to begin with, or make a plain one ready. Writes over nothing.

    Example: executor init && executor run
    """
    from executor.operations import beginning, files

    target = file or output
    if plain is None:
        path = Path(target or "tasks.md")
        if target is None:
            _refuse_a_second_list()
        beginning.starter(path)
        console.say(f"wrote {path}; next: executor run{'' if path.name in files.USUAL_NAMES else f' {path}'}")
        return
    path = files.choose(plain)
    reading = files.Reading(str(path), dialect)
    found = beginning.adopt(path, Path(target) if target else None, reading)
    shown = target or console.short_path(path)
    console.say(f"wrote {shown}: {console.counted(len(found.added), 'id')} added; next: executor plan {shown}")
    for task_id, reason in found.refused.items():
        console.warn(f"{task_id}: {reason}")


def _refuse_a_second_list() -> None:
    """Two usual names in a folder would leave every verb without a FILE to guess."""
    from executor.operations import files

    there = [name for name in files.USUAL_NAMES if Path(name).exists()]
    if there:
        raise UsageError(
            f"{there[0]} exists already, and is not written over",
            hint=f"make it ready: `executor init --from {there[0]}`, or name a new file: `executor init NAME.md`",
        )
