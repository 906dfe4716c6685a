"""What threads tell the loop: everything that can arrive in the inbox of a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from executor.outcome import Outcome
from executor.queue.steps import Chunk


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
class Woken:
    """Somebody changed something in the database, or it is time to look."""


@dataclass(frozen=True, slots=True)
class Signalled:
    """The process received a signal; `urgent` means no waiting for what runs (SIGTERM)."""

    urgent: bool


@dataclass(frozen=True, slots=True)
class Beaten:
    """The lease was renewed."""


@dataclass(frozen=True, slots=True)
class BeatFailed:
    """The lease could not be renewed this time; `left` is how long it still holds."""

    left: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """The worker was taken for dead: its runs belong to others now."""


@dataclass(frozen=True, slots=True)
class MarksWritten:
    """Marks now in the file: task id to status word, and the hash of the bytes they are part of."""

    marks: Mapping[str, str]
    sha256: str | None
    failure: str
    missing: tuple[str, ...]


Message = Ended | Printed | Woken | Signalled | Beaten | BeatFailed | LeaseLost | MarksWritten
