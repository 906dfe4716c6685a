"""Applying a sync plan: a whole file's worth of changes in a handful of set-based statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import json
from psycopg import Connection
from psycopg.types.json import Json, Jsonb

from executor.model import Known
from executor.queue import rows, tasks
from sql import queries

if TYPE_CHECKING:
    from executor.sync import SyncPlan

SYNC = queries.load("sync")
TASKS = queries.load("tasks")


def known(connection: Connection[Any], list_id: int) -> list[Known]:
    """What the queue holds of a list, removed tasks included."""
    return rows.many(connection, Known, SYNC.known, {"list_id": list_id})


def apply(connection: Connection[Any], list_id: int, path: str, plan: SyncPlan, actor: str) -> None:
    """Carry out a plan. Runs inside the caller's transaction, after `tasks.enter_alone`."""
    here = {"list_id": list_id, "actor": actor}
    if plan.renames:
        old_ids, new_ids = zip(*plan.renames, strict=True)
        connection.execute(SYNC.rename, here | {"old_ids": list(old_ids), "new_ids": list(new_ids)})
    if plan.adds:
        connection.execute(SYNC.add, here | {"path": path, "rows": Json(plan.adds, json.encode)})
    if plan.changes:
        connection.execute(SYNC.change, here | {"rows": Json(plan.changes, json.encode)})
    if plan.removes:
        connection.execute(SYNC.remove, here | {"queue_ids": plan.removes})
    task_ids, depends_on, rules = zip(*plan.edges, strict=True) if plan.edges else ((), (), ())
    connection.execute(
        SYNC.link, here | {"task_ids": list(task_ids), "depends_on": list(depends_on), "rules": list(rules)}
    )
    if plan.completes:
        tasks.complete(connection, plan.completes, actor, "ticked in the file")
    if plan.skips:
        tasks.skip(connection, plan.skips, actor)
    if plan.unticked:
        tasks.requeue(connection, plan.unticked, actor, "un-ticked in the file")
    if plan.edited:
        tasks.requeue(connection, plan.edited, actor, "its text changed")
    if plan.marks:
        marked, marks = zip(*plan.marks, strict=True)
        connection.execute(TASKS.record_marks, {"list_id": list_id, "task_ids": list(marked), "marks": list(marks)})
    tasks.reconsider(connection, list_id, actor)


def record(
    connection: Connection[Any],
    list_id: int,
    *,
    actor: str,
    columns: Mapping[str, Any],
    settings: Mapping[str, Any],
    reading: Mapping[str, Any],
    summary: Mapping[str, int],
) -> None:
    """Note which bytes the queue agrees with now."""
    connection.execute(
        SYNC.record,
        dict(columns)
        | {
            "list_id": list_id,
            "actor": actor,
            "settings": Jsonb(settings),
            "reading": Jsonb(reading),
            "detail": Jsonb(summary),
        },
    )
