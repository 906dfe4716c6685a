"""The state of a list at a glance: counts, tasks, workers and an estimate, as one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from psycopg import Connection

from executor import estimate, processes, recovery
from executor.database import translate
from executor.estimate import Job
from executor.events import timestamp
from executor.model import Counts, ListRow, TaskRow, WorkerRow
from executor.operations import costs
from executor.operations.costs import Sum
from executor.queue import tasks, workers
from executor.states import ListStatus, TaskStatus


class Overview(Struct, frozen=True):
    """Everything `status` shows, read at one moment."""

    list: ListRow
    counts: Counts
    tasks: Sequence[TaskRow]
    workers: Sequence[WorkerRow]
    pace: Mapping[str, float]  # mean seconds of completed runs, by runner
    used: Sum  # by agents

    @property
    def status(self) -> ListStatus:
        """Paused stays paused; a list without a live worker does not run, whatever a crash left in its row."""
        if self.list.status == ListStatus.PAUSED:
            return ListStatus.PAUSED
        return ListStatus.RUNNING if self.workers else ListStatus.STOPPED

    @property
    def eta(self) -> timedelta | None:
        """How long what can run without a person will take; None without a measured run to go by."""
        seconds = estimate.seconds_left(
            [_job(task) for task in self.tasks if task.status in (TaskStatus.QUEUED, TaskStatus.RUNNING)],
            self.pace,
            sum(worker.slots for worker in self.workers) or int(self.list.settings.get("jobs", 1)),
        )
        return None if seconds is None else timedelta(seconds=seconds)


def _job(task: TaskRow) -> Job:
    return Job(
        task.task_id,
        None if task.runner == "container" else task.runner,
        task.rank,
        task.position,
        task.blocked_by,
        None if task.elapsed is None else task.elapsed.total_seconds(),
        held=(task.hold is not None and task.approved_at is None) or task.review == "asked",
    )


def read(connection: Connection[Any], row: ListRow) -> Overview:
    """Read all of it in one transaction, so that the parts agree."""
    with translate.errors(), connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Overview(
            row,
            tasks.counts(connection, row.list_id),
            tasks.of_list(connection, row.list_id),
            _alive(connection, workers.of_list(connection, row.list_id)),
            tasks.pace(connection, row.list_id),
            costs.together(tasks.costs(connection, row.list_id)),
        )


def _alive(connection: Connection[Any], registered: Sequence[WorkerRow]) -> list[WorkerRow]:
    """Without those of this machine that died and whose lease still runs."""
    if not registered:
        return []
    dead = recovery.dead(connection, processes.own())
    return [worker for worker in registered if worker.worker_id not in dead]


def as_dict(overview: Overview) -> dict[str, object]:
    """`status --json`."""
    counts = overview.counts
    return {
        "list": {
            "path": overview.list.path,
            "title": overview.list.title,
            "status": overview.status.value,
            "workers": len(overview.workers),
            "synced_at": timestamp(overview.list.synced_at),
            "stop_reason": overview.list.stop_reason,
        },
        "counts": {
            "total": counts.total,
            "queued": counts.queued,
            "running": counts.running,
            "completed": counts.completed,
            "failed": counts.failed,
            "skipped": counts.skipped,
            "blocked": counts.blocked,
            "waiting": counts.waiting,
        },
        "eta_seconds": None if (eta := overview.eta) is None else round(eta.total_seconds()),
        "used": overview.used.as_dict(),
        "workers": [
            {
                "id": worker.worker_id,
                "name": worker.name,
                "host": worker.host,
                "pid": worker.pid,
                "slots": worker.slots,
                "since": timestamp(worker.started_at),
                "lease_seconds": round(worker.lease_left.total_seconds(), 1),
            }
            for worker in overview.workers
        ],
        "tasks": [task_as_dict(task) for task in overview.tasks],
    }


def task_as_dict(task: TaskRow) -> Mapping[str, object]:
    """One task of `status --json` and `list --json`."""
    return {
        "id": task.task_id,
        "title": task.title,
        "priority": task.priority,
        "file_priority": task.file_priority,
        "section": list(task.section),
        "status": task.status,
        "position": task.position,
        "dependencies": list(task.dependencies),
        "blocked_by": list(task.blocked_by),
        "waiting": task.waiting,
        "progress": task.progress,
        "wants": task.wants,
        "asked": task.asked if task.wants else None,
        "asked_at": timestamp(task.asked_at) if task.wants else None,
        "answer_until": timestamp(task.answer_until) if task.wants else None,
        "tags": list(task.tags),
        "assignee": task.assignee,
        "agent": task.agent,
        "runner": task.runner,
        "attempts": task.attempts,
        "due_in_seconds": None if task.due_in is None else round(task.due_in.total_seconds(), 1),
        "last_error": task.last_error,
        "skip_reason": task.skip_reason,
        "queued_at": timestamp(task.queued_at),
        "started_at": timestamp(task.started_at),
        "completed_at": timestamp(task.completed_at),
    }
