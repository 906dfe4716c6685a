"""Workers: their entry, their lease, their end, and what happens to the tasks of one that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from psycopg import Connection

from executor import processes
from executor.model import FleetRow, Lost, Peer, WorkerRow
from executor.queue import rows
from executor.retry import LOSSES_MAX
from sql import queries

WORKERS = queries.load("workers")
STEPS = queries.load("steps")


def register(connection: Connection[Any], **columns: Any) -> int:
    """Enter a worker with its first lease; its id is new for ever."""
    worker_id: int = rows.scalar(connection, WORKERS.register, columns)
    return worker_id


def serve(connection: Connection[Any], worker_id: int, list_id: int) -> None:
    """A worker is at work on a list from now on."""
    connection.execute(WORKERS.serve, {"worker_id": worker_id, "list_id": list_id})


def renew(connection: Connection[Any], worker_id: int, identity: processes.Identity, lease: timedelta) -> bool:
    """Prolong the lease; False when the worker was taken for dead meanwhile."""
    columns = {"worker_id": worker_id, "pid": identity.pid, "pid_started": identity.pid_started, "lease": lease}
    return rows.scalar(connection, WORKERS.renew, columns) is not None


def is_entered(
    connection: Connection[Any], worker_id: int, identity: processes.Identity, list_paths: Sequence[str]
) -> bool:
    """Is this entry on the books, for this process and these lists? In another database its id may be another's."""
    columns = {
        "worker_id": worker_id,
        "pid": identity.pid,
        "pid_started": identity.pid_started,
        "list_paths": list(list_paths),
    }
    return rows.scalar(connection, WORKERS.is_entered, columns) is not None


def reopen(connection: Connection[Any], list_id: int, *, actor: str, jobs: int) -> None:
    """Set a list running again that stopped only because its other workers had left."""
    connection.execute(WORKERS.reopen, {"list_id": list_id, "actor": actor, "jobs": jobs})


def be_brief(connection: Connection[Any]) -> None:
    """Have this transaction ended by the server should this process freeze in it."""
    connection.execute(WORKERS.be_brief)


def leave(connection: Connection[Any], worker_ids: Sequence[int]) -> None:
    """Take workers off the books."""
    connection.execute(WORKERS.leave, {"worker_ids": list(worker_ids)})


def expire(connection: Connection[Any]) -> list[str]:
    """Take off the books every worker whose lease has run out; their names."""
    return [name for _, name in connection.execute(WORKERS.expire).fetchall()]


def of_host(connection: Connection[Any], host: str) -> list[Peer]:
    """Workers on the books that ran on this host."""
    return rows.many(connection, Peer, WORKERS.of_host, {"host": host})


def everyone(connection: Connection[Any]) -> list[FleetRow]:
    """Every worker on the books."""
    return rows.many(connection, FleetRow, WORKERS.all, {})


def drain(connection: Connection[Any], worker_ids: Sequence[int]) -> None:
    """Let workers finish what they run and leave."""
    connection.execute(WORKERS.drain, {"worker_ids": list(worker_ids)})


def is_draining(connection: Connection[Any], worker_id: int) -> bool:
    """Was this worker asked to leave?"""
    return bool(rows.scalar(connection, WORKERS.is_draining, {"worker_id": worker_id}))


def of_list(connection: Connection[Any], list_id: int) -> list[WorkerRow]:
    """The live workers of a list."""
    return rows.many(connection, WorkerRow, WORKERS.of_list, {"list_id": list_id})


def lose_runs(connection: Connection[Any], actor: str) -> list[Lost]:
    """Queue again every task whose worker is off the books, and skip the dependents of those that failed by it."""
    with connection.transaction():
        be_brief(connection)
        lost = rows.many(connection, Lost, WORKERS.lose_runs, {"losses_max": LOSSES_MAX, "actor": actor})
        failed = [task.queue_id for task in lost if task.status == "failed"]
        if failed:
            connection.execute(STEPS.skip_dependents, {"queue_ids": failed, "actor": actor})
    return lost
