"""The states of tasks, runs and lists, and every move a task may make."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from executor.errors import IllegalMove


class TaskStatus(StrEnum):
    """Where a task stands. *Blocked* and *waiting* are questions about a queued task, not states."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunStatus(StrEnum):
    """How one attempt at a task ended, or that it has not."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    REFUSED = "refused"


class ListStatus(StrEnum):
    """What was last asked of a list."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


NEXT: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.QUEUED: frozenset({TaskStatus.RUNNING, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.SKIPPED}),
    TaskStatus.RUNNING: frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.QUEUED, TaskStatus.SKIPPED}),
    TaskStatus.FAILED: frozenset({TaskStatus.QUEUED, TaskStatus.SKIPPED, TaskStatus.COMPLETED}),
    TaskStatus.SKIPPED: frozenset({TaskStatus.QUEUED, TaskStatus.COMPLETED}),
    TaskStatus.COMPLETED: frozenset({TaskStatus.QUEUED}),
}


def may(now: TaskStatus, then: TaskStatus) -> bool:
    """Is this move in the table?"""
    return then in NEXT[now]


def check(now: TaskStatus, then: TaskStatus) -> TaskStatus:
    """Give back `then`, or raise IllegalMove before the move can reach the database."""
    if not may(now, then):
        raise IllegalMove(f"a task may not go from {now} to {then}")
    return then


def diagram() -> str:
    """The moves as a mermaid state diagram: the one in the docs is this, and a test compares them."""
    lines = ["stateDiagram-v2", "    [*] --> queued"]
    lines += [f"    {now} --> {then}" for now, thens in NEXT.items() for then in sorted(thens)]
    return "\n".join(lines)
