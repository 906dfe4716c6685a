"""`executor workers` and `drain`: who is at work, on every machine, and letting one of them go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, session, verb

if TYPE_CHECKING:
    from executor.model import FleetRow

app = verb.verbs()


@verb.verb(app)
def workers(json: options.Json = False, database_url: options.DatabaseUrl = None) -> None:
    """List every worker of the database: where it runs, what it serves, and until when its lease holds.

    Example: executor workers
    """
    from executor.operations import fleet

    with session.database(database_url) as (database, _), database.connect("command", reads=True) as connection:
        found = fleet.read(connection)
    if json:
        console.say_json({"workers": [fleet.as_dict(worker) for worker in found]})
        return
    if not found:
        console.say("no worker is at work; start one with `executor run` or `executor worker`")
    for worker in found:
        console.say(_line(worker))
        for path in worker.lists:
            console.say(f"      {console.short_path(path)}")


def _line(worker: FleetRow) -> str:
    left = worker.lease_left.total_seconds()
    lease = f"lease {left:.0f} s" if left > 0 else "lease over"
    labels = f", {' '.join(worker.labels)}" if worker.labels else ""
    draining = ", leaving" if worker.draining else ""
    busy = f"{worker.running} of {worker.slots} slots busy"
    return f"{worker.worker_id:>4}  {worker.name} (pid {worker.pid}): {busy}, {lease}{labels}{draining}"


@verb.verb(app)
def drain(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORKER]...", help="Their numbers or names in `executor workers`.", show_default=False),
    ] = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every worker.")] = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Let workers finish what they run, start nothing new, and leave.

    Example: executor drain 12
    """
    from executor.operations import fleet

    with session.database(database_url) as (database, _), database.connect("command") as connection:
        drained = fleet.drain(connection, names or [], everyone=everyone)
    for worker in drained:
        console.say(f"{worker.worker_id}  {worker.name} leaves after {console.counted(worker.running, 'running task')}")
    if not drained:
        console.say("no worker is at work")
