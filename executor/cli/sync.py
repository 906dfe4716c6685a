"""`executor sync`: bring files into the queue and leave the work to others."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console, options, session, verb

app = verb.verbs()


@verb.verb(app)
def sync(
    file: Annotated[list[str] | None, typer.Argument(help="Task lists; without any the one here.")] = None,
    rerun_changed: Annotated[
        bool, typer.Option("--rerun-changed", help="Queue completed tasks whose text changed.")
    ] = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Load lists into the queue without running them: `executor worker` does, on whichever machine it is.

    Example: executor sync tasks.md
    """
    from executor.operations import files, load
    from executor.operations.files import Reading

    paths = [files.choose(one) for one in file] if file else [files.choose(None)]
    with session.database(database_url) as (database, chosen), database.connect("command") as connection:
        for path in paths:
            reading = Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
            loaded = load.load(connection, path, actor=chosen.actor, reading=reading, rerun_changed=rerun_changed)
            if json:
                console.say_json({"path": str(path), "changed": loaded.summary, "file_gone": loaded.file_gone})
            else:
                told = ", ".join(f"{number} {name}" for name, number in loaded.summary.items()) or "nothing new"
                console.say(f"{console.short_path(path)}: {'gone; the queue stands' if loaded.file_gone else told}")
                if loaded.row.held or loaded.row.status == "paused":
                    command = f"executor resume{console.spelled(path)}"
                    console.warn(f"{loaded.row.status} by {loaded.row.status_by}; `{command}` lets workers begin")
