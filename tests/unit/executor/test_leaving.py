from __future__ import annotations

from datetime import timedelta

import pytest

from executor.engine import leaving
from executor.engine.leaving import POLL, Recount, Wait
from executor.engine.serving import Ending
from executor.model import Prospects


def left(**changes):
    none = dict.fromkeys(("ready", "keyed", "unfit", "due_later", "running", "blocked", "waiting", "failed"), 0)
    return Prospects(**(none | {"next_due": None} | changes))


def decided(*, recounted=False, **changes):
    return leaving.decide(left(**changes), recounted=recounted)


@pytest.mark.parametrize(
    ("facts", "decision"),
    [
        ({}, Ending.DONE),
        ({"failed": 1}, Ending.DONE),
        ({"failed": 1, "ready": 2}, Ending.HALTED),
        ({"failed": 1, "blocked": 2}, Ending.HALTED),
        ({"failed": 1, "waiting": 1}, Ending.HALTED),
        ({"failed": 1, "ready": 2, "running": 1}, Wait(POLL)),
        ({"failed": 1, "keyed": 1}, Ending.HALTED),
        ({"failed": 1, "unfit": 1}, Ending.HALTED),
        ({"keyed": 1}, Wait(POLL)),
        ({"keyed": 1, "unfit": 1, "waiting": 1}, Wait(POLL)),
        ({"unfit": 1}, Ending.UNFIT),
        ({"unfit": 1, "running": 1}, Wait(POLL)),
        ({"unfit": 1, "blocked": 1}, Ending.UNFIT),
        ({"running": 1}, Wait(POLL)),
        ({"running": 1, "waiting": 1}, Wait(POLL)),
        ({"waiting": 1}, Ending.WAITING),
        ({"waiting": 1, "blocked": 3}, Ending.WAITING),
        ({"blocked": 1}, Recount()),
    ],
)
def test_what_an_idle_worker_does(facts, decision):
    assert decided(**facts) == decision


def test_a_counter_is_believed_after_it_was_counted_again():
    assert decided(blocked=1, recounted=True) is Ending.DONE


def test_what_is_ready_is_looked_at_again_soon():
    wait = decided(ready=1)
    assert isinstance(wait, Wait)
    assert timedelta() < wait.duration < POLL


@pytest.mark.parametrize("seconds", [0.0, 0.3, 3600.0])
def test_a_retry_is_waited_for_but_never_longer_than_a_poll(seconds):
    wait = decided(due_later=1, next_due=timedelta(seconds=seconds))
    assert isinstance(wait, Wait)
    assert timedelta() < wait.duration <= POLL
