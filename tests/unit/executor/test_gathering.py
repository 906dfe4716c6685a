"""Short runs are settled together; nothing waits for a long one, or where nobody is to be waited for."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from executor import clock
from executor.engine.gathering import gather
from executor.engine.inbox import Inbox
from executor.engine.messages import Ended, Signalled
from executor.outcome import Outcome
from executor.states import RunStatus


def ended(run_id: int) -> Ended:
    return Ended(run_id, Outcome(RunStatus.SUCCEEDED))


def worker(**ages: float) -> Any:
    """A worker with runs of these ages, in seconds: `run_7=0.001`. It has nothing but what `gather` looks at."""
    running = {
        int(name.removeprefix("run_")): SimpleNamespace(began=clock.boottime() - age) for name, age in ages.items()
    }
    return SimpleNamespace(inbox=Inbox(), running=running)


def test_runs_that_end_within_a_moment_of_each_other_come_together() -> None:
    two = worker(run_1=0, run_2=0)
    later = threading.Timer(0.0005, two.inbox.post, [ended(2)])
    for _ in range(100):  # a busy machine may be late with the second, but not a hundred times
        later = threading.Timer(0.0005, two.inbox.post, [ended(2)])
        later.start()
        came = gather(two, [ended(1)])
        later.join()
        if len(came) == 2:
            break
        two = worker(run_1=0, run_2=0)
    assert came == [ended(1), ended(2)]


def test_what_else_comes_meanwhile_is_kept_in_its_order() -> None:
    two = worker(run_1=0, run_2=0)
    two.inbox.post(Signalled(urgent=False))
    two.inbox.post(ended(2))
    assert gather(two, [ended(1)]) == [ended(1), Signalled(urgent=False), ended(2)]


@pytest.mark.parametrize(
    "ages",
    [{"run_1": 1.0, "run_2": 0.0}, {"run_1": 0.0, "run_2": 1.0}, {"run_1": 0.0}],
    ids=["a long one ended", "a long one is left", "none is left"],
)
def test_nobody_waits_in_vain(ages: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    one = worker(**ages)
    monkeypatch.setattr(one.inbox, "drain", lambda _: pytest.fail("it waited"))
    assert gather(one, [ended(1)]) == [ended(1)]


def test_the_wait_is_short() -> None:
    began = time.monotonic()
    assert gather(worker(run_1=0, run_2=0), [ended(1)]) == [ended(1)]
    assert time.monotonic() - began < 1  # a busy machine included
