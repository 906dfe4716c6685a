"""Pipes that wake runner threads: used again only while nothing was ever said through them."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from typing import cast

import pytest

from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.io import RunIo, Wakes
from executor.redaction import Redactor


@pytest.fixture
def wakes() -> Iterator[Wakes]:
    made = Wakes()
    yield made
    made.close()


def begin(wakes: Wakes) -> RunIo:
    """A run that has no process, so that no guard is asked."""
    return RunIo(1, Inbox(), cast("Guard", None), wakes, redactor=Redactor(), chunks_max=2)


def is_woken(io: RunIo) -> bool:
    return bool(select.select([io.wake_fd], [], [], 0)[0])


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_a_pipe_that_nothing_was_written_to_serves_the_next_run(wakes: Wakes) -> None:
    first = begin(wakes)
    number = first.wake_fd
    first.close()

    second = begin(wakes)

    assert second.wake_fd == number
    assert not is_woken(second)
    second.close()


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("is_read", [False, True])
def test_a_pipe_of_a_cancelled_run_is_closed_and_wakes_no_other(wakes: Wakes, at_once: bool, is_read: bool) -> None:
    first = begin(wakes)
    number = first.wake_fd
    first.cancel(at_once=at_once)
    if is_read:
        os.read(first.wake_fd, 16)
    first.close()
    assert not is_open(number)

    second = begin(wakes)

    assert not is_woken(second)
    second.close()


def test_a_pipe_of_a_run_that_waited_for_room_wakes_no_other(wakes: Wakes) -> None:
    first = begin(wakes)
    first.output(b"x" * 65_536 * 2)
    assert first.full
    first.saved()
    assert is_woken(first)
    first.close()

    second = begin(wakes)

    assert not is_woken(second)
    second.close()


def test_runs_at_the_same_time_have_pipes_of_their_own_and_none_is_left_open(wakes: Wakes) -> None:
    runs = [begin(wakes) for _ in range(4)]
    numbers = [run.wake_fd for run in runs]
    assert len(set(numbers)) == 4
    runs[2].cancel(at_once=False)
    assert [is_woken(run) for run in runs] == [False, False, True, False]

    for run in runs:
        run.close()
    wakes.close()

    assert not any(map(is_open, numbers))
