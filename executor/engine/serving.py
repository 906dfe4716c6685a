"""One list at which a worker is at work: everything the loop knows of it between two steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field
from psycopg import Connection

from executor.budget import Budget
from executor.engine.report import Reporter
from executor.engine.scribe import Scribe
from executor.model import Claimed, Counts
from executor.outcome import Move
from executor.queue.steps import Appetite, Chunk, Offer, Talk
from executor.queue.waterline import Waterline
from executor.retry import RetryPolicy
from executor.runners import Surroundings
from executor.states import TaskStatus
from executor.watch.reader import Reader, Save
from loader.model import TaskList

if TYPE_CHECKING:
    from executor.engine.worker import Worker


class Stopping(IntEnum):
    """How far a worker is on its way out, of one list or altogether."""

    NO = 0
    AFTER_RUNNING = 1
    NOW = 2


class Ending(StrEnum):
    """Why a worker left its list."""

    DONE = "done"  # nothing more that this worker could do
    HALTED = "halted"  # a task failed, and this list stops at a failure
    WAITING = "waiting"  # only a person can go on
    STOPPED = "stopped"  # by `executor stop`
    DRAINED = "drained"  # by `executor drain`
    INTERRUPTED = "interrupted"  # by a signal
    UNFIT = "unfit"  # what is left is for other workers, and none is at it
    REFUSED = "refused"  # an agent cannot work before a person has done something
    SPENT = "spent"  # a budget is used up
    ABANDONED = "abandoned"  # interrupted while there was no database to tell


class Choices(Struct, frozen=True):
    """How this worker runs this list."""

    in_order: bool  # a waiting retry holds up what is behind it
    stop_if_failed_since: datetime | str  # 'infinity' where a failure stops nothing
    only: Sequence[int] | None
    retry: RetryPolicy
    mark_running: bool
    retry_of_agents: RetryPolicy = field(default_factory=RetryPolicy)
    budget: Budget | None = None
    offer: Offer = field(default_factory=Offer)
    most: int | None = None  # how many of its tasks may run at the same time on all workers


class Synced(Struct, frozen=True):
    """A list after its file was brought into the queue again: what changed, how it stands, and how it is run now.

    `overtaken` are boxes that a save emptied only because it did not know of our tick. `again` are the queue ids
    of running tasks after whose end the file is to be brought in once more. `jobs` is for a worker of this list alone.
    """

    changes: Mapping[str, int]
    counts: Counts
    choices: Choices
    settings: Mapping[str, Any]
    sha256: str
    overtaken: Sequence[str] = ()
    again: Collection[int] = ()
    jobs: int | None = None


# Brings a parsed file into the queue, in one transaction; None when the file holds something else by now. The last are
# the tasks whose boxes were ticked, by us, a moment before it was saved, one set for each write.
Sync = Callable[[Connection[Any], TaskList, Sequence[frozenset[str]]], Synced | None]


class Ticked(Struct, frozen=True):
    """The tasks whose boxes one write of marks ticked, and when, by the file system's clock."""

    tasks: frozenset[str]
    at_ns: int


class Watch(Struct):
    """What there is to a list that is watched. Only the loop touches it; its reader looks at `agreed`."""

    sync: Sync
    agreed: str | None  # the hash of the bytes that the queue agrees with
    reader: Reader
    save: Save | None = None  # what was heard of, and not brought in yet
    warned: frozenset[tuple[str, str]] = frozenset()  # code and message of what was told of the file already
    is_unread: bool = False  # the last save was no list, or none was there
    ticked: tuple[Ticked, ...] = ()  # by the last few writes of marks
    saved: dict[str, str] = field(default_factory=dict)  # by the hash of what we wrote last: of what a person had saved
    refused: str = ""  # the hash of the save that was last refused, as its author left it
    again: frozenset[int] = frozenset()  # the queue ids of `Synced.again`
    resting: Ending | None = None  # why nothing runs, as last told


class Recruiter(Protocol):
    """Finds lists for a worker that was started for none in particular."""

    def look(self, worker: Worker) -> None:
        """Take up lists with work, let go of those without, and hear whether the worker is to leave."""

    def wake(self) -> None:
        """Something happened to a list that is not served."""


class Serving(Struct):
    """A list and a worker's dealings with it. Only the loop touches it."""

    list_id: int
    path: Path
    choices: Choices
    surroundings: Surroundings
    reporter: Reporter
    scribe: Scribe | None
    moves: list[Move] = field(default_factory=list)
    moving: dict[int, Claimed] = field(default_factory=dict)  # the runs of `moves`
    chunks: list[Chunk] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    marks: dict[str, str] = field(default_factory=dict)
    are_marks_asked: bool = False  # was the queue asked which marks the file lacks, since the two were compared?
    file_sha256: str | None = None
    file_failure: str = ""  # why the file could not be marked the last time
    stopping: Stopping = Stopping.NO
    stopped_by: Ending = Ending.STOPPED
    paused_by: str | None = None
    hungry: bool = True
    line: Waterline = field(default_factory=Waterline)
    woken: bool = True
    orders_at: float = 0.0  # when to ask for orders again, on the monotonic clock
    look_at: float = 0.0  # when to look for work again, on the monotonic clock
    ask_at: float = 0.0  # when to look whom it waits for
    told_at: float = 0.0
    news: bool = False  # committed, but not yet told to listeners
    ending: Ending | None = None
    stop_reason: str = ""  # what a person has to do before it can go on
    watch: Watch | None = None

    @property
    def has_something_to_tell(self) -> bool:
        """Is there anything that must be in the record, and is not yet?"""
        return bool(self.moves or self.chunks or self.talks or self.marks)

    def appetite(self, limit: int) -> Appetite:
        """What this worker would claim of this list with so many slots free."""
        chosen = self.choices
        if chosen.in_order or any(move.task_status is TaskStatus.QUEUED for move in self.moves):
            self.line.fall()
        return Appetite(
            limit if chosen.most is None else 1,
            chosen.in_order,
            chosen.stop_if_failed_since,
            chosen.only,
            chosen.offer,
            chosen.most,
            self.surroundings.settings.get("workspace"),
            self.line.now(),
        )

    def is_chosen(self, claimed: Claimed) -> bool:
        """Is this run of a task that was asked for? A parent box is completed with its children, chosen or not."""
        only = self.choices.only
        return only is None or claimed.runner != "container" or claimed.queue_id in only

    def wake(self) -> None:
        """Look again at the next step, at everything."""
        self.woken = self.hungry = True
        self.line.fall()
