"""How a run is carried out: `run(claimed, io) -> Outcome`, one function a runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from executor.model import Claimed
from executor.outcome import Outcome
from executor.redaction import Redactor

if TYPE_CHECKING:
    from executor.runners.agents.keeper import Keeper


class Io(Protocol):
    """What a runner may do to the world while it runs: everything else it does is its own."""

    @property
    def wake_fd(self) -> int:
        """Readable when there is something to heed: `t` asks the run to end, `k` leaves it no time, `r` is for room."""

    @property
    def full(self) -> bool:
        """Is so much output not yet in the database that no more should be read? The end of it is told by `r`."""

    def output(self, content: bytes) -> None:
        """Keep a piece of output, at most 64 KB."""

    def talks(self, agent: str, session: str) -> None:
        """Keep the name of the conversation with an agent: a later run goes on with it, even if this one is killed."""

    def began(self, pgid: int) -> None:
        """A process group of this run exists."""

    def ended(self, pgid: int) -> None:
        """That process group is gone."""


class Surroundings(Struct, frozen=True):
    """Where the runs of a worker take place: the same for all of them."""

    list_path: str
    folder: Path
    scratch: Path  # private, for the text of blocks
    environ: Mapping[str, str]
    settings: Mapping[str, Any]  # the list's, below each task's own
    worker: str  # the worker's token
    queue: Callable[[], str] = str  # how to connect to the queue's own database
    secrets: Mapping[str, str] = field(default_factory=dict)  # those the list names, for its tasks to see
    redactor: Redactor = field(default_factory=Redactor)
    keeper: Keeper | None = None  # of what agents must not change
    record: Callable[[], Mapping[str, str]] = dict  # how the tasks of the list stand now, by id


Runner = Callable[[Claimed, Io, Surroundings], Outcome]


def find(name: str) -> Runner:
    """The runner of this name. A manual task that was approved runs only its verify blocks, in the shell runner."""
    from executor.runners import container, shell

    if name == "migrate":
        from executor.runners.migrate import run as migrate

        return migrate
    if name == "agent":
        from executor.runners.agents.carry import run as agent

        return agent
    return {"shell": shell.run, "sql": shell.run, "manual": shell.verify, "container": container.run}[name]
