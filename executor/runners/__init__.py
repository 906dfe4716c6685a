"""How a run is carried out: `run(claimed, io) -> Outcome`, one function a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from executor.model import Claimed
from executor.outcome import Outcome


class Io(Protocol):
    """What a runner may do to the world while it runs: everything else it does is its own."""

    @property
    def cancel_fd(self) -> int:
        """Readable once the run is to end: `t` asks it to, `k` leaves it no time."""

    def output(self, content: bytes) -> None:
        """Keep a piece of output. Blocks while too much of it is not yet in the database."""

    def began(self, pgid: int) -> None:
        """A process group of this run exists."""

    def ended(self, pgid: int) -> None:
        """That process group is gone."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the runs of a worker take place: the same for all of them."""

    list_path: str
    folder: Path
    scratch: Path  # private, for the text of blocks
    environ: Mapping[str, str]
    settings: Mapping[str, Any]  # the list's, below each task's own
    worker: str  # the worker's token


Runner = Callable[[Claimed, Io, Surroundings], Outcome]


def find(name: str) -> Runner:
    """The runner of this name. A manual task that was approved runs only its verify blocks, in the shell runner."""
    from executor.runners import container, shell

    return {"shell": shell.run, "manual": shell.verify, "container": container.run}[name]
