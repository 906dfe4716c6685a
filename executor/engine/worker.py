"""A worker: everything the loop knows between two steps."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

import psycopg

from executor import processes
from executor.database.connection import Database
from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.io import RunIo
from executor.engine.orphans import Sweeper
from executor.engine.report import Reporter
from executor.engine.scribe import Scribe
from executor.model import Claimed
from executor.outcome import Move
from executor.queue.steps import Appetite, Chunk
from executor.retry import RetryPolicy
from executor.runners import Surroundings


class Stopping(IntEnum):
    """How far a worker is on its way out."""

    NO = 0
    AFTER_RUNNING = 1
    NOW = 2


class Fate(StrEnum):
    """Why a run was told to end."""

    STOP = "stop"
    SKIP = "skip"
    LOST = "lost"


class Ending(StrEnum):
    """Why a worker left its list."""

    DONE = "done"  # nothing more that this worker could do
    HALTED = "halted"  # a task failed, and this list stops at a failure
    WAITING = "waiting"  # only a person can go on
    STOPPED = "stopped"  # by `executor stop`
    INTERRUPTED = "interrupted"  # by a signal
    ABANDONED = "abandoned"  # interrupted while there was no database to tell


@dataclass(slots=True)
class Active:
    """A run that is being carried out."""

    claimed: Claimed
    io: RunIo
    began: float  # on the boot-time clock, as leases are
    fate: Fate | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """How this worker runs its list."""

    jobs: int
    in_order: bool  # a waiting retry holds up what is behind it
    stop_if_failed_since: datetime | str  # 'infinity' where a failure stops nothing
    only: Sequence[int] | None
    retry: RetryPolicy
    mark_running: bool
    lease: timedelta


@dataclass(slots=True)
class Worker:
    """One process at work on one list. Only the loop touches it."""

    database: Database
    list_id: int
    name: str
    identity: processes.Identity
    choices: Choices
    surroundings: Surroundings
    reporter: Reporter
    inbox: Inbox
    guard: Guard
    sweeper: Sweeper
    scribe: Scribe | None
    connection: psycopg.Connection[Any] | None
    worker_id: int = 0
    threads: list[threading.Event] = field(default_factory=list)  # each ends one thread
    running: dict[int, Active] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    moving: dict[int, Claimed] = field(default_factory=dict)  # the runs of `moves`
    chunks: list[Chunk] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    file_sha256: str | None = None
    file_failure: str = ""  # why the file could not be marked the last time
    stopping: Stopping = Stopping.NO
    stopped_by: Ending = Ending.STOPPED
    paused_by: str | None = None
    hungry: bool = True
    woken: bool = True
    lease_lost: bool = False
    lease_shaky: bool = False
    looked_at: float = 0.0  # when the loop last came round, on the boot-time clock
    look_at: float = 0.0  # when to look for work again, on the monotonic clock
    swept_at: float = 0.0
    told_at: float = 0.0
    news: bool = False  # committed, but not yet told to listeners
    connector: threading.Event | None = None  # ends the search for a database
    unconnected: str = ""  # why there is none, as last told
    estranged: bool = False  # the connection broke: the record may know of other runs than this worker
    ending: Ending | None = None

    @property
    def appetite(self) -> Appetite:
        """What this worker would claim with every slot free."""
        return Appetite(self.choices.jobs, self.choices.in_order, self.choices.stop_if_failed_since, self.choices.only)

    @property
    def may_claim(self) -> bool:
        """Is there nothing that forbids new runs?"""
        return not (self.stopping or self.paused_by or self.lease_shaky or self.lease_lost)
