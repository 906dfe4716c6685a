"""Tasks: reading them, and the moves a person makes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection

from executor.model import Cost, Counts, Ranked, RunRow, Spent, TaskName, TaskRow
from executor.queue import rows
from loader.model import Status
from sql import queries

TASKS = queries.load("tasks")
STEPS = queries.load("steps")
SYNC = queries.load("sync")


def of_list(connection: Connection[Any], list_id: int) -> list[TaskRow]:
    """Every task of a list in file order."""
    return rows.many(connection, TaskRow, TASKS.of_list, {"list_id": list_id})


def names(connection: Connection[Any], list_id: int) -> list[TaskName]:
    """Ids and titles of a list in file order."""
    return rows.many(connection, TaskName, TASKS.ids, {"list_id": list_id})


def runs(connection: Connection[Any], queue_id: int) -> list[RunRow]:
    """Every attempt at a task, oldest first."""
    return rows.many(connection, RunRow, TASKS.runs, {"queue_id": queue_id})


def counts(connection: Connection[Any], list_id: int, only: Sequence[int] | None = None) -> Counts:
    """How many tasks stand where; `only` are queue ids, None is the whole list."""
    counted = rows.one(connection, Counts, TASKS.counts, {"list_id": list_id, "only": _ids(only)})
    assert counted is not None, "an aggregate without GROUP BY answers one row"
    return counted


def marks_due(connection: Connection[Any], list_id: int) -> dict[str, Status]:
    """The marks that the file lacks of what the queue knows: ticks to write, and ticks to take back."""
    due = connection.execute(TASKS.marks_due, {"list_id": list_id}).fetchall()
    return {task_id: Status.COMPLETED if ticked else Status.PENDING for task_id, ticked in due}


def record_marks(connection: Connection[Any], list_id: int, marks: Mapping[str, str]) -> None:
    """Remember status words that the file now shows, by task id."""
    connection.execute(TASKS.record_marks, {"list_id": list_id, "task_ids": list(marks), "marks": list(marks.values())})


def pace(connection: Connection[Any], list_id: int) -> dict[str, float]:
    """Seconds that completed runs of this list took on average, by runner; empty before the first."""
    return dict(connection.execute(TASKS.pace, {"list_id": list_id}).fetchall())


def spent(connection: Connection[Any], list_id: int) -> list[Spent]:
    """What the runs of a list used: all, those of the last 24 hours, and those of each task that may run again."""
    return rows.many(connection, Spent, TASKS.spent, {"list_id": list_id})


def costs(connection: Connection[Any], list_id: int) -> list[Cost]:
    """What agents used, by task and agent."""
    return rows.many(connection, Cost, TASKS.costs, {"list_id": list_id})


def record(connection: Connection[Any], list_id: int) -> dict[str, str]:
    """The status of every task, by id."""
    return dict(connection.execute(TASKS.record, {"list_id": list_id}).fetchall())


def failed(connection: Connection[Any], list_id: int, only: Sequence[int] | None = None) -> list[tuple[int, str]]:
    """Queue id and task id of the failed tasks, oldest failure first; `only` are queue ids, None is the whole list."""
    return connection.execute(TASKS.failed, {"list_id": list_id, "only": _ids(only)}).fetchall()


def dependents(connection: Connection[Any], queue_ids: Sequence[int]) -> list[tuple[int, str, str, bool]]:
    """Queue id, task id, status and *skipped for a failure* of everything that waits for these, at any distance."""
    return connection.execute(TASKS.dependents, {"queue_ids": list(queue_ids)}).fetchall()


def enter_alone(connection: Connection[Any], list_id: int) -> None:
    """Hold back every worker's step on this list until the transaction ends."""
    connection.execute(STEPS.enter_alone, {"list_id": list_id})


def skip(connection: Connection[Any], queue_ids: Sequence[int], actor: str) -> dict[str, str]:
    """Skip tasks; the status each had. A running one is skipped by its worker once its processes are ended."""
    return _by_id(connection.execute(TASKS.skip, {"queue_ids": list(queue_ids), "actor": actor}).fetchall())


def requeue(connection: Connection[Any], queue_ids: Sequence[int], actor: str, reason: str) -> dict[str, str]:
    """Queue tasks again with all their attempts before them; the status each had. A running one is left alone."""
    parameters = {"queue_ids": list(queue_ids), "actor": actor, "reason": reason}
    return _by_id(connection.execute(TASKS.requeue, parameters).fetchall())


def complete(connection: Connection[Any], queue_ids: Sequence[int], actor: str, reason: str) -> dict[str, str]:
    """Count tasks as completed; the status each had. A running one is left alone."""
    parameters = {"queue_ids": list(queue_ids), "actor": actor, "reason": reason}
    return _by_id(connection.execute(TASKS.complete, parameters).fetchall())


def with_checks(connection: Connection[Any], queue_ids: Sequence[int]) -> list[int]:
    """Those of these tasks that a person does and verify blocks check afterwards."""
    found = connection.execute(TASKS.with_checks, {"queue_ids": list(queue_ids)}).fetchall()
    return [queue_id for (queue_id,) in found]


def prioritize(connection: Connection[Any], queue_ids: Sequence[int], rank: int, actor: str) -> dict[str, str]:
    """Put a person's priority in the place of the file's; the one each had, as `P3`. Needs `rerank` afterwards."""
    parameters = {"queue_ids": list(queue_ids), "rank": rank, "actor": actor}
    return _by_id(connection.execute(TASKS.prioritize, parameters).fetchall())


def reconsider(connection: Connection[Any], list_id: int, actor: str) -> None:
    """Bring counters and skips of a whole list in line with its states and edges, after people changed either.

    Needs `enter_alone` in the same transaction.
    """
    connection.execute(SYNC.revive, {"list_id": list_id, "actor": actor})
    causes = [queue_id for queue_id, _ in failed(connection, list_id)]
    if causes:
        connection.execute(STEPS.skip_dependents, {"queue_ids": causes, "actor": actor})
    connection.execute(STEPS.recount, {"list_id": list_id, "queue_ids": None})


def rerank(connection: Connection[Any], list_id: int) -> None:
    """Lend the urgency of what waits to what it waits for once more, after people changed what is still to do.

    Needs `enter_alone` in the same transaction.
    """
    left = rows.many(connection, Ranked, SYNC.ranked, {"list_id": list_id})
    if len({rank for one in left for rank in (one.own_rank, one.rank)}) < 2:
        return  # nearly every list: all are as urgent as each other
    from executor import urgency

    place = {one.queue_id: at for at, one in enumerate(left)}
    needs: list[list[int]] = [[] for _ in left]
    for waits, needed in connection.execute(SYNC.edges, {"list_id": list_id}).fetchall():
        if waits in place and needed in place:
            needs[place[waits]].append(place[needed])
    lenders = urgency.inherited([one.own_rank for one in left], needs)
    lent = {
        one.queue_id: left[lender].own_rank
        for one, lender in zip(left, lenders, strict=True)
        if one.rank != left[lender].own_rank
    }
    if lent:
        connection.execute(SYNC.rerank, {"queue_ids": list(lent), "ranks": list(lent.values())})


def _ids(only: Sequence[int] | None) -> list[int] | None:
    return None if only is None else list(only)


def _by_id(changed: Sequence[tuple[int, str, str]]) -> dict[str, str]:
    return {task_id: was for _, task_id, was in changed}
