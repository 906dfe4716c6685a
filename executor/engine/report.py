"""What the loop tells whoever shows a run: facts, as they become true in the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from executor.errors import ListError
from executor.model import Claimed, Counts, Lost, Skipped, Waiting
from executor.outcome import Move
from loader.model import Diagnostic

if TYPE_CHECKING:
    from executor.engine.serving import Ending


class Reporter(Protocol):
    """Called by the loop alone, after the commit of what it tells."""

    def started(self, run: Claimed) -> None:
        """A run began."""

    def printed(self, run: Claimed, content: bytes) -> None:
        """A run printed something."""

    def progressed(self, run: Claimed, progress: str) -> None:
        """A run said how far it is."""

    def ended(self, run: Claimed, move: Move, took: timedelta | None) -> None:
        """A run ended and its task moved on."""

    def skipped(self, task: Skipped) -> None:
        """A task was skipped for a failure."""

    def recovered(self, tasks: list[Lost]) -> None:
        """Tasks of workers that are gone were queued again."""

    def synced(self, changes: Mapping[str, int], counts: Counts) -> None:
        """The file was brought into the queue again; `changes` may be none."""

    def warned(self, path: Path, found: Sequence[Diagnostic]) -> None:
        """A save was brought into the queue, but these things in it are not as they should be."""

    def refused(self, error: ListError) -> None:
        """The file cannot be brought into the queue, and why; nothing was changed."""

    def waits(self, tasks: list[Waiting]) -> None:
        """What only people can move, as it stands now; the first of them where there are many."""

    def paused(self, by: str) -> None:
        """A person paused the list."""

    def rested(self, reason: Ending, failed: Sequence[str]) -> None:
        """A list that is watched has nothing to begin with, and why; the ids of what failed."""

    def said(self, text: str) -> None:
        """Something to know that is not about one run."""

    def turned(self) -> None:
        """A step is over: a good moment to draw."""
