"""The workers of a database, on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from executor import processes, recovery
from executor.database import translate
from executor.errors import UsageError
from executor.events import timestamp
from executor.model import FleetRow
from executor.queue import steps, workers

# No list has this number: whoever listens to any list is meant.
_EVERYBODY = 0


def read(connection: Connection[Any]) -> list[FleetRow]:
    """Every worker that may be alive: without those of this machine that are dead."""
    with translate.errors():
        dead = recovery.dead(connection, processes.own())
        return [worker for worker in workers.everyone(connection) if worker.worker_id not in dead]


def drain(connection: Connection[Any], typed: Sequence[str], *, everyone: bool) -> list[FleetRow]:
    """Ask workers to leave when what they run is over; those that were asked. Raises UsageError for an unknown one."""
    found = read(connection)
    if bool(typed) == everyone:
        raise UsageError("name the workers that are to leave, or give --all", hint="see them with `executor workers`")
    chosen = found if everyone else [_find(found, one) for one in typed]
    with translate.errors():
        workers.drain(connection, [worker.worker_id for worker in chosen])
        steps.tell(connection, _EVERYBODY)
    return chosen


def _find(found: Sequence[FleetRow], typed: str) -> FleetRow:
    """By number, or by a name that only one has."""
    wanted = [one for one in found if str(one.worker_id) == typed] or [one for one in found if one.name == typed]
    if len(wanted) != 1:
        fact = f"{len(wanted)} workers are called '{typed}'" if wanted else f"no worker '{typed}'"
        raise UsageError(fact, hint="see their numbers with `executor workers`")
    return wanted[0]


def as_dict(worker: FleetRow) -> dict[str, object]:
    """One worker of `workers --json`."""
    return {
        "id": worker.worker_id,
        "name": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "slots": worker.slots,
        "running": worker.running,
        "labels": list(worker.labels),
        "lists": list(worker.lists),
        "draining": worker.draining,
        "version": worker.version,
        "started_at": timestamp(worker.started_at),
        "lease_seconds": round(worker.lease_left.total_seconds(), 1),
    }
