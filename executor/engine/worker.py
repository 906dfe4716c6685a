"""A worker: everything the loop knows between two steps, but for what is about one of its lists."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct, field

from executor import processes
from executor.database.connection import Database
from executor.engine.guard import Guard
from executor.engine.hands import Hands
from executor.engine.inbox import Inbox
from executor.engine.io import RunIo, Wakes
from executor.engine.lifeline import Lifeline
from executor.engine.orphans import Sweeper
from executor.engine.report import Reporter
from executor.engine.serving import Ending, Recruiter, Serving, Stopping
from executor.model import Claimed


class Fate(StrEnum):
    """Why a run was told to end."""

    STOP = "stop"
    SKIP = "skip"
    LOST = "lost"


class Active(Struct):
    """A run that is being carried out, and the list it is of."""

    claimed: Claimed
    serving: Serving
    io: RunIo
    began: float  # on the boot-time clock, as leases are
    fate: Fate | None = None
    progress: str = ""  # how far it says it is, as last told


class Worker(Struct):
    """One process at work on one or more lists. Only the loop touches it."""

    database: Database
    name: str
    identity: processes.Identity
    jobs: int
    lease: timedelta
    reporter: Reporter
    inbox: Inbox
    scratch: Path  # private, for the texts of blocks
    guard: Guard
    hands: Hands
    sweeper: Sweeper
    connection: psycopg.Connection[Any] | None
    servings: dict[int, Serving] = field(default_factory=dict)  # by list id
    wakes: Wakes = field(default_factory=Wakes)
    lifeline: Lifeline = field(default_factory=Lifeline)  # of the connection, for the heartbeat
    labels: tuple[str, ...] = ()
    recruiter: Recruiter | None = None  # looks for lists with work, where there are no lists of its own
    worker_id: int = 0
    threads: list[threading.Event] = field(default_factory=list)  # each ends one thread
    notices: threading.Event | None = None  # ends the notices of changed files
    running: dict[int, Active] = field(default_factory=dict)
    stopping: Stopping = Stopping.NO
    stopped_by: Ending = Ending.INTERRUPTED
    lease_lost: bool = False
    lease_shaky: bool = False
    looked_at: float = 0.0  # when the loop last came round, on the boot-time clock
    swept_at: float = 0.0
    connector: threading.Event | None = None  # ends the search for a database
    unconnected: str = ""  # why there is none, as last told
    put_off_for: str = ""  # why the server can take nothing in, as last told
    put_off_until: float = 0.0  # on the monotonic clock
    estranged: bool = False  # the connection broke: the record may know of other runs than this worker

    @property
    def free(self) -> int:
        """How many more runs it could carry out now. After a broken connection it may hold more than it has slots."""
        return max(0, self.jobs - len(self.running))

    @property
    def is_over(self) -> bool:
        """Is there nothing left to do for it?"""
        ended = all(serving.ending is not None for serving in self.servings.values())
        return ended and (self.recruiter is None or self.stopping is not Stopping.NO)

    @property
    def has_something_to_tell(self) -> bool:
        """Is there anything that must be in the record, and is not yet?"""
        return any(serving.has_something_to_tell for serving in self.servings.values())

    def may_claim(self, serving: Serving) -> bool:
        """Is there nothing that forbids new runs of this list?"""
        return not (
            self.stopping
            or self.lease_shaky
            or self.lease_lost
            or self.guard.is_over
            or serving.stopping
            or serving.paused_by
            or serving.ending
        )

    def serves(self, list_id: int) -> bool:
        """Is it at work on this list? Asked by the listener's thread too."""
        return list_id in self.servings or self.recruiter is not None

    def wake(self) -> None:
        """Look at every list again at the next step."""
        for serving in self.servings.values():
            serving.wake()

    def runs_of(self, serving: Serving) -> Iterator[Active]:
        """What runs of one list."""
        return (active for active in self.running.values() if active.serving is serving)
