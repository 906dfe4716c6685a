"""Rows as values: what the queries answer, each class the columns of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field


class ListRow(Struct, frozen=True):
    """One list (`lists.find`)."""

    list_id: int
    path: str
    title: str
    dialect: str
    sequential: bool
    settings: Mapping[str, Any]
    status: str
    status_by: str | None
    source_sha256: str | None
    reader: str | None
    synced_at: datetime | None
    started_at: datetime | None
    paused_at: datetime | None
    stopped_at: datetime | None
    created_at: datetime
    held: bool
    host: str | None
    reading: Mapping[str, Any]
    stop_reason: str | None
    workers: int


class Claimed(Struct, frozen=True):
    """A run that has begun in the record and is to be carried out (`steps.claim`). `spec` is what to run and how."""

    list_id: int
    queue_id: int
    task_id: str
    title: str
    runner: str
    spec: Mapping[str, Any]
    failures: int
    last_error: str | None
    run_id: int
    attempt: int
    notes: Sequence[Mapping[str, str]] = ()  # what people added for it: at, by, text
    review: str | None = None  # 'passed': a person let its work pass
    checkpoint: Mapping[str, str] = field(default_factory=dict)  # what earlier attempts kept
    agent: str | None = None
    context: Mapping[str, Any] | None = None  # for agents: `executor.agent_context` tells what is in it
    place: int = 0  # in the order of claims: rank and position as one number
    since: int | None = None  # its last run that succeeded; for SQL tasks, as is the next, and for those with worktrees
    list_created_at: datetime | None = None


class Settled(Struct, frozen=True):
    """A run whose end is now in the record (`steps.settle`)."""

    run_id: int
    took: timedelta


class Skipped(Struct, frozen=True):
    """A task that was skipped because what it depends on failed."""

    task_id: str
    skip_reason: str


class Prospects(Struct, frozen=True):
    """What is left of a list, by what it waits for (`steps.prospects`).

    `keyed` are ready but for the keys that others may hold, `unfit` ready but for another kind of worker.
    """

    ready: int
    keyed: int
    unfit: int
    due_later: int
    next_due: timedelta | None
    running: int
    blocked: int
    waiting: int
    failed: int


class Orders(Struct, frozen=True):
    """What people asked since a worker last looked (`steps.orders`). `skip` are run ids of its own.

    A worker that is not `entered` was taken for dead: what stands here was not asked of it.
    """

    status: str
    stop_now: bool
    status_by: str | None
    entered: bool
    drain: bool
    stop: bool
    skip: Sequence[int]
    progress: Mapping[str, str] | None = None  # by run id, as JSON spells it


class Known(Struct, frozen=True):
    """A task as the queue knows it, to be compared with the file (`sync.known`)."""

    queue_id: int
    task_id: str
    parent: str | None
    title: str
    description: str
    section: Sequence[str]
    priority: str
    own_rank: int
    rank: int
    position: int
    dependencies: Sequence[str]
    tags: Sequence[str]
    assignee: str | None
    agent: str | None
    runner: str
    hold: str | None
    needs: Sequence[str]
    keys: Sequence[str]
    places: Sequence[int]
    fingerprint: str
    mark: str
    status: str
    met: bool
    removed: bool
    explicit_id: bool
    file_rank: int | None = None  # what the file said of its priority when a person said otherwise


class Ranked(Struct, frozen=True):
    """A task still to do with its own rank and the one it is claimed at (`sync.ranked`)."""

    queue_id: int
    own_rank: int
    rank: int


class TaskRow(Struct, frozen=True):
    """A task as people see it (`tasks.of_list`)."""

    queue_id: int
    task_id: str
    title: str
    description: str
    priority: str
    section: Sequence[str]
    status: str
    position: int
    dependencies: Sequence[str]
    tags: Sequence[str]
    blocked_by: Sequence[str]
    unmet: int
    hold: str | None
    approved_at: datetime | None
    runner: str
    assignee: str | None
    agent: str | None
    attempts: int
    last_error: str | None
    failed_before: bool  # did its last run that was let end fail?
    skip_reason: str | None
    backing_off: bool
    due_in: timedelta | None  # not before then
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    worker_id: int | None
    worker: str | None
    lease_left: timedelta | None
    review: str | None
    notes: Sequence[Mapping[str, str]]
    checkpoint: Mapping[str, str]
    progress: str | None  # of a running one, as it says itself
    asked: str | None  # whose word it waits for, where that is said
    asked_at: datetime | None
    answer_until: datetime | None
    elapsed: timedelta | None
    file_priority: str | None  # where a person's word counts instead
    rank: int

    @property
    def waiting(self) -> bool:
        """Is a person the only thing this task waits for?"""
        return self.wants is not None

    @property
    def wants(self) -> str | None:
        """What it waits for a person to do, if that is all it waits for (as `people.waiting` says it)."""
        if self.status != "queued" or self.unmet:
            return None
        if self.review == "asked":
            return "review"
        if self.hold is None or self.approved_at is not None:
            return None
        if self.hold == "blocked":
            return "mark"
        return "work" if self.runner == "manual" else "approval"


class Waiting(Struct, frozen=True):
    """A task that only a person can move (`people.waiting`), and what they are to do.

    `wants` is `approval` (it has not begun), `review` (its work is done), `work` (it is theirs) or `mark` (blocked in
    the file). `until` is when no answer counts as a no.
    """

    path: str
    task_id: str
    title: str
    wants: str
    who: str | None
    attempts: int
    since: datetime | None
    until: datetime | None


class TaskName(Struct, frozen=True):
    """A task by its names, to find the one a person means (`tasks.ids`)."""

    queue_id: int
    task_id: str
    title: str
    status: str


class RunRow(Struct, frozen=True):
    """One attempt at a task (`tasks.runs`)."""

    run_id: int
    attempt: int
    status: str
    worker: str
    started_at: datetime
    ended_at: datetime | None
    exit_code: int | None
    signal: int | None
    error: str | None
    cpu_seconds: float | None
    memory_bytes: int | None
    output_bytes: int
    artefacts: Sequence[Mapping[str, Any]]  # name and bytes
    agent: str | None
    session: str | None
    answer: str | None
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None
    cost_usd: float | None


class Spent(Struct, frozen=True):
    """What runs used together (`tasks.spent`): of the whole list, of the last 24 hours, or of one task still to do."""

    scope: str  # list, day or task
    task_id: str | None
    cost_usd: float
    tokens: int
    seconds: float


class Cost(Struct, frozen=True):
    """What the runs of one task by one agent used (`tasks.costs`); `cost_usd` is None where no run told."""

    task_id: str
    title: str
    agent: str
    runs: int
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    cost_usd: float | None
    seconds: float


class Counts(Struct, frozen=True):
    """How many tasks of a list stand where (`tasks.counts`): `queued` includes `blocked` and `waiting`.

    `skipped` includes `missed`, those that something failed for.
    """

    total: int
    queued: int
    running: int
    completed: int
    failed: int
    skipped: int
    blocked: int
    waiting: int
    missed: int


class WorkerRow(Struct, frozen=True):
    """A live worker of a list (`workers.of_list`)."""

    worker_id: int
    name: str
    host: str
    pid: int
    slots: int
    started_at: datetime
    lease_left: timedelta


class FleetRow(Struct, frozen=True):
    """A worker as `executor workers` shows it (`workers.all`): `lists` are paths, `running` counts its runs."""

    worker_id: int
    name: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: int
    slots: int
    labels: Sequence[str]
    draining: bool
    version: str
    started_at: datetime
    lease_left: timedelta
    lists: Sequence[str]
    running: int


class ListName(Struct, frozen=True):
    """A list by its names (`lists.with_work`)."""

    list_id: int
    path: str


class Peer(Struct, frozen=True):
    """A worker that ran on this host, by what identifies its process (`workers.of_host`)."""

    worker_id: int
    name: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: int
    lease_over: bool


class Lost(Struct, frozen=True):
    """A task taken back from a worker that is gone (`workers.lose_runs`)."""

    queue_id: int
    task_id: str
    list_id: int
    status: str
    run_id: int
