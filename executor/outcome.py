"""What becomes of a task when a run of it ends: a decision, no I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from msgspec import Struct

from executor import states
from executor.errors import IllegalMove
from executor.states import RunStatus, TaskStatus


class Usage(Struct, frozen=True):
    """What a run of an agent used: of this run alone, whatever the agent counts. `cost_usd` is None where unknown."""

    agent: str
    session: str | None = None
    answer: str = ""
    tokens_in: int = 0  # those from a cache among them
    tokens_out: int = 0
    tokens_cached: int = 0
    cost_usd: float | None = None


class Outcome(Struct, frozen=True):
    """How a run ended, as its runner saw it. `error` is empty on success; its first line is a sentence by itself.

    A run that was refused says when to try again (`wait`), or what a person has to do first (`halt`).
    """

    status: RunStatus
    error: str = ""
    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    usage: Usage | None = None
    wait: timedelta = timedelta()
    halt: str = ""


class Move(Struct, frozen=True):
    """One row of the settle statement: what is recorded of the run and where its task goes."""

    run_id: int
    queue_id: int
    run_status: RunStatus
    task_status: TaskStatus
    error: str
    exit_code: int | None
    signal: int | None
    cpu_seconds: float
    memory_bytes: int
    wait: timedelta = timedelta()
    counts: bool = True  # False: the run was cut short by us or refused, so it costs the task no attempt
    review: bool = False  # it succeeded, and a person is to look at what it did
    usage: Usage | None = None
    halt: str = ""  # why the whole list stops


def decide(
    run_id: int, queue_id: int, outcome: Outcome, *, again: timedelta | None, skip: bool, review: bool = False
) -> Move:
    """Where the task goes after this outcome.

    `again` is how long to wait if it was a failure, None when there are no retries left; `skip`: a person asked for it.
    `review`: a person has the last word on what succeeded.
    """
    wait = timedelta()
    match outcome.status:
        case RunStatus.SUCCEEDED:
            task = TaskStatus.QUEUED if review else TaskStatus.COMPLETED
        case RunStatus.CANCELLED | RunStatus.LOST:
            task = TaskStatus.SKIPPED if skip else TaskStatus.QUEUED
        case RunStatus.REFUSED:
            task = TaskStatus.SKIPPED if skip else TaskStatus.QUEUED
            wait = outcome.wait
        case RunStatus.FAILED | RunStatus.TIMED_OUT:
            task = TaskStatus.FAILED if again is None else TaskStatus.QUEUED
            wait = again or wait
            if skip:
                task = TaskStatus.SKIPPED
        case RunStatus.RUNNING:
            raise IllegalMove(f"run {run_id} has not ended")
        case unknown:
            assert_never(unknown)
    return Move(
        run_id=run_id,
        queue_id=queue_id,
        run_status=outcome.status,
        task_status=states.check(TaskStatus.RUNNING, task),
        error=outcome.error,
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        cpu_seconds=outcome.cpu_seconds,
        memory_bytes=outcome.memory_bytes,
        wait=wait,
        counts=outcome.status not in (RunStatus.CANCELLED, RunStatus.REFUSED),
        review=review and outcome.status is RunStatus.SUCCEEDED,
        usage=outcome.usage,
        halt=outcome.halt,
    )
