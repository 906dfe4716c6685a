"""A person's word on a list and its tasks: pause, resume, stop, skip, requeue, done, prioritize."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection

from executor import processes, recovery
from executor.database import translate
from executor.model import ListRow, TaskName
from executor.operations import files
from executor.operations.files import Reading
from executor.queue import lists, people, steps, tasks
from loader.model import Status


def recover(connection: Connection[Any], actor: str) -> None:
    """Take back what dead workers of this machine left, so that nobody waits for them."""
    with translate.errors():
        recovery.recover(connection, processes.own(), actor)


def pause(connection: Connection[Any], row: ListRow, actor: str) -> bool:
    """No new claims from this commit on; False when it was paused already."""
    with translate.errors():
        changed = lists.pause(connection, row.list_id, actor)
        steps.tell(connection, row.list_id)
    return changed


def resume(connection: Connection[Any], row: ListRow, actor: str) -> bool:
    """Lift a pause; False when there was none."""
    with translate.errors():
        changed = lists.resume(connection, row.list_id, actor)
        steps.tell(connection, row.list_id)
    return changed


def stop(connection: Connection[Any], row: ListRow, actor: str, *, now: bool) -> None:
    """Ask the workers of a list to leave."""
    with translate.errors():
        lists.stop(connection, row.list_id, actor, now=now)
        steps.tell(connection, row.list_id)


def skip(connection: Connection[Any], row: ListRow, chosen: Sequence[TaskName], actor: str) -> dict[str, str]:
    """Skip tasks, which counts as met for those that wait for them; the status each had before."""
    with alone(connection, row.list_id, actor):
        return tasks.skip(connection, ids(chosen), actor)


def requeue(
    connection: Connection[Any], row: ListRow, chosen: Sequence[TaskName], actor: str, *, with_dependents: bool
) -> dict[str, str]:
    """Queue tasks again, and un-skip what was skipped for them; the status each had before.

    `with_dependents` also queues again whatever waits for them, completed or not.
    """
    with alone(connection, row.list_id, actor):
        queue_ids = ids(chosen)
        if with_dependents:
            queue_ids += [queue_id for queue_id, *_ in tasks.dependents(connection, queue_ids)]
        return tasks.requeue(connection, queue_ids, actor, f"by {actor}")


def done(connection: Connection[Any], row: ListRow, chosen: Sequence[TaskName], actor: str) -> dict[str, str]:
    """Count tasks as done by a person. Manual ones with checks go on to those; the status each had before."""
    with alone(connection, row.list_id, actor):
        checked = tasks.with_checks(connection, ids(chosen))
        tasks.requeue(connection, checked, actor, f"done by {actor}, to be checked")
        people.approve(connection, checked, actor)
        rest = [queue_id for queue_id in ids(chosen) if queue_id not in checked]
        before = tasks.complete(connection, rest, actor, f"done by {actor}")
    return {name.task_id: before.get(name.task_id, "checking") for name in chosen}


def prioritize(
    connection: Connection[Any], row: ListRow, chosen: Sequence[TaskName], rank: int, actor: str
) -> dict[str, str]:
    """Let a person's priority count from the next claim on, until the file's own changes; the one each had."""
    with alone(connection, row.list_id, actor):
        return tasks.prioritize(connection, ids(chosen), rank, actor)


def retry_failed(connection: Connection[Any], row: ListRow, actor: str, only: Sequence[int] | None = None) -> int:
    """Queue every failed task again, or those that are among `only`; how many."""
    with alone(connection, row.list_id, actor):
        failed = [queue_id for queue_id, _ in tasks.failed(connection, row.list_id, only)]
        tasks.requeue(connection, failed, actor, "--retry-failed")
    return len(failed)


def mark_file(connection: Connection[Any], row: ListRow) -> str:
    """Write the marks that the file lacks; what kept us from it, or nothing. The queue is right in either case."""
    due = tasks.marks_due(connection, row.list_id)
    if not due or not Path(row.path).exists():
        return ""
    reading = Reading(row.path, dialect=row.dialect, max_size=files.UNLIMITED)
    from loader import write_back

    written = write_back.write_list(row.path, due, read=reading.parse)
    shown = {task.task_id: task.status.value for task in written.tasks.tasks} if written.tasks else {}
    if written.written:
        tasks.record_marks(
            connection, row.list_id, {task_id: shown.get(task_id, Status.PENDING) for task_id in written.written}
        )
    return written.failure


@contextmanager
def alone(connection: Connection[Any], list_id: int, actor: str) -> Iterator[None]:
    """One transaction with every worker's step held back; counters, skips and ranks follow at its end."""
    with translate.errors():
        with connection.transaction():
            tasks.enter_alone(connection, list_id)
            yield
            tasks.reconsider(connection, list_id, actor)
            tasks.rerank(connection, list_id)
        steps.tell(connection, list_id)


def ids(chosen: Sequence[TaskName]) -> list[int]:
    """Their queue ids."""
    return [name.queue_id for name in chosen]
