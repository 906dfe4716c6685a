"""What threads tell the loop: everything that can arrive in the inbox of a worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg
from msgspec import Struct

from executor.outcome import Outcome
from executor.queue.steps import Chunk, Talk
from executor.watch.reader import Save


class Ended(Struct, frozen=True):
    """A runner is through with a run."""

    run_id: int
    outcome: Outcome


class Printed(Struct, frozen=True):
    """A run has printed something."""

    chunk: Chunk


class Talking(Struct, frozen=True):
    """A run is part of a conversation with its agent."""

    talk: Talk


class Woken(Struct, frozen=True):
    """Somebody changed something of this list in the database (None: any of them), or it is time to look."""

    list_id: int | None = None


class Signalled(Struct, frozen=True):
    """The process received a signal; `urgent` means no waiting for what runs (SIGTERM)."""

    urgent: bool


class Beaten(Struct, frozen=True):
    """The lease of this entry was renewed."""

    worker_id: int


class BeatFailed(Struct, frozen=True):
    """The lease of this entry could not be renewed this time; `left` is how long it still holds."""

    worker_id: int
    left: timedelta
    reason: str


class LeaseLost(Struct, frozen=True):
    """This entry is off the books, the worker was taken for dead: its runs belong to others now."""

    worker_id: int


class Connected(Struct, frozen=True):
    """There is a database again."""

    connection: psycopg.Connection[Any]


class Unconnected(Struct, frozen=True):
    """There is still no database, and why."""

    reason: str


class MarksWritten(Struct, frozen=True):
    """Marks now in the file: task id to status word, and the hash of the bytes they are part of. `ticked` are the tasks
    whose boxes this write has ticked: the other marks were there before. `before` and `after` are the hashes of what
    stood there and of what stands there now, whether the queue agrees with it or not."""

    list_id: int
    marks: Mapping[str, str]
    sha256: str | None
    failure: str
    missing: tuple[str, ...]
    ticked: frozenset[str] = frozenset()
    changed_ns: int = 0  # when they were there, by the file system's clock
    before: str | None = None
    after: str | None = None


class Edited(Struct, frozen=True):
    """Somebody saved the file of a list, or took it away."""

    list_id: int
    save: Save


Message = (
    Ended
    | Printed
    | Talking
    | Woken
    | Signalled
    | Beaten
    | BeatFailed
    | LeaseLost
    | Connected
    | Unconnected
    | MarksWritten
    | Edited
)
