"""What can happen to a list or a task, as values: the same in the database, in JSON and on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct, field


class Kind(StrEnum):
    """Every kind of event (cli.md lists them as stable)."""

    LIST_SYNCED = "list.synced"
    LIST_STARTED = "list.started"
    LIST_PAUSED = "list.paused"
    LIST_RESUMED = "list.resumed"
    LIST_STOPPED = "list.stopped"
    LIST_FINISHED = "list.finished"
    TASK_ADDED = "task.added"
    TASK_CHANGED = "task.changed"
    TASK_REMOVED = "task.removed"
    TASK_STARTED = "task.started"
    TASK_OUTPUT = "task.output"
    TASK_COMPLETED = "task.completed"
    TASK_FAILED = "task.failed"
    TASK_RETRIED = "task.retried"
    TASK_SKIPPED = "task.skipped"
    TASK_REQUEUED = "task.requeued"
    TASK_BLOCKED = "task.blocked"
    TASK_LOST = "task.lost"
    TASK_DONE = "task.done"
    TASK_WAITING = "task.waiting"
    TASK_APPROVED = "task.approved"
    TASK_REJECTED = "task.rejected"
    TASK_NOTED = "task.noted"


class Event(Struct, frozen=True):
    """One row of the event table. `list` is the path of the list, `task` the id as written, `xid` the cursor's half."""

    id: int
    at: datetime
    kind: str
    list: str
    task: str | None
    attempt: int | None
    actor: str
    detail: Mapping[str, object] = field(default_factory=dict)
    xid: int = 0

    def as_dict(self) -> dict[str, object]:
        """The object of one line of `events --json`."""
        return {
            "id": self.id,
            "at": timestamp(self.at),
            "kind": self.kind,
            "list": self.list,
            "task": self.task,
            "attempt": self.attempt,
            "actor": self.actor,
            "detail": dict(self.detail),
        }


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a `Z`, as every time in our JSON."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
