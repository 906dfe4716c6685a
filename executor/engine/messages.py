"""What threads tell the loop: everything that can arrive in the inbox of a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from executor.outcome import Outcome
from executor.queue.steps import Chunk, Talk
from executor.watch.reader import Save


@dataclass(frozen=True, slots=True)
class Ended:
    """A runner is through with a run."""

    run_id: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Printed:
    """A run has printed something."""

    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Talking:
    """A run is part of a conversation with its agent."""

    talk: Talk


@dataclass(frozen=True, slots=True)
class Woken:
    """Somebody changed something of this list in the database (None: any of them), or it is time to look."""

    list_id: int | None = None


@dataclass(frozen=True, slots=True)
class Signalled:
    """The process received a signal; `urgent` means no waiting for what runs (SIGTERM)."""

    urgent: bool


@dataclass(frozen=True, slots=True)
class Beaten:
    """The lease of this entry was renewed."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class BeatFailed:
    """The lease of this entry could not be renewed this time; `left` is how long it still holds."""

    worker_id: int
    left: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """This entry is off the books, the worker was taken for dead: its runs belong to others now."""

    worker_id: int


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a database again."""

    connection: psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Unconnected:
    """There is still no database, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class MarksWritten:
    """Marks now in the file: task id to status word, and the hash of the bytes they are part of."""

    list_id: int
    marks: Mapping[str, str]
    sha256: str | None
    failure: str
    missing: tuple[str, ...]
    changed_ns: int = 0  # when they were there, by the file system's clock


@dataclass(frozen=True, slots=True)
class Edited:
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
