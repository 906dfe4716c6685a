"""A machine short of files, processes or space: said at once where it is for good, waited for where it may pass."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from crash_record import check_completed
from crash_site import Site, act

from executor.runners.patience import Cancelled, patiently
from tests import make


@dataclass
class Pipes:
    """The `Io` of a run that prints nothing and starts nothing."""

    wake_fd: int
    wake_from: int
    full: bool = False
    printed: list[bytes] = field(default_factory=list)

    def output(self, content: bytes) -> None:
        self.printed.append(content)

    def began(self, pgid: int) -> None:
        """Nobody watches."""

    def ended(self, pgid: int) -> None:
        """Nobody watches."""


@pytest.fixture
def io() -> Iterator[Pipes]:
    made = Pipes(*os.pipe())
    yield made
    os.close(made.wake_fd)
    os.close(made.wake_from)


def _short_of(number: int, times: int) -> Callable[[], str]:
    """Something that fails so often for want of something, and then does not."""
    left = iter([number] * times)

    def make_it() -> str:
        for wanting in left:
            raise OSError(wanting, os.strerror(wanting))
        return "made"

    return make_it


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENOSPC])
def test_what_the_machine_lacks_for_a_moment_is_waited_for(io: Pipes, number: int) -> None:
    assert patiently(_short_of(number, 1), io) == "made"


def test_what_is_simply_wrong_is_not_waited_for(io: Pipes) -> None:
    with pytest.raises(FileNotFoundError):
        patiently(_short_of(errno.ENOENT, 1), io)


def test_a_cancel_ends_the_wait(io: Pipes) -> None:
    os.write(io.wake_from, b"t")
    with pytest.raises(Cancelled):
        patiently(_short_of(errno.EAGAIN, 1000), io)


def test_word_of_room_for_output_is_no_cancel(io: Pipes) -> None:
    os.write(io.wake_from, b"r")
    assert patiently(_short_of(errno.EAGAIN, 1), io) == "made"


def test_a_low_limit_of_open_files_is_raised_as_far_as_needed(site: Site) -> None:
    site.write(*(make.task(id=f"T-{number}", run=act(0.2)) for number in range(60)))
    worker = site.start("-j", "30", open_files=(64, 4096))
    assert site.end(worker) == 0
    check_completed(site)


def test_more_tasks_at_a_time_than_files_are_allowed_is_refused_before_anything_runs(site: Site) -> None:
    site.write(make.task(id="A", run=act()))
    worker = site.start("-j", "30", open_files=(128, 128))
    assert site.end(worker) == 2
    assert "30 tasks at a time need 304 open files" in worker.said()
    assert site.ledger() == []
    assert site.run() == 0
    check_completed(site)
