"""Random deaths at random moments: worker, child, guard, server or all at once, and at the end nothing is amiss.

CHAOS=long kills two hundred times and more (`make chaos`); CHAOS_SEED repeats a run as far as chance allows.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from crash_record import check_completed
from crash_site import Site, Worker, act

from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_KILLS = 200 if _LONG else 15
_KILLS_OF_A_LIST = 40
_KILLS_OF_WORKER = 20
_TASKS = 300
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
_VICTIMS = {"worker": 6, "child": 4, "guard": 3, "server": 2, "worker and guard": 2, "everything": 2}


@pytest.fixture
def chance() -> random.Random:
    print(f"CHAOS_SEED={_SEED}")
    return random.Random(_SEED)


def _layers(chance: random.Random, tasks: int) -> list[str]:
    """Tasks in layers: most wait for one or two of the layer above, every tenth layer is a fan-in and a fan-out."""
    made: list[str] = []
    above: list[str] = []
    while len(made) < tasks:
        width = 1 if above and not len(made) // 20 % 5 else min(20, tasks - len(made))
        layer = [f"T-{len(made) + number:03d}" for number in range(width)]
        for one in layer:
            needed = above if width == 1 else chance.sample(above, min(len(above), chance.choice((0, 1, 1, 2))))
            seconds = round(chance.uniform(0.05, 0.3), 2) if chance.random() < 0.35 else 0
            made.append(make.task(id=one, run=act(seconds), depends_on=needed, settings={"retries": 9}))
        above = layer
    return made


@pytest.mark.chaos
def test_twenty_deaths_of_the_worker_leave_three_hundred_tasks_done_once(embedded: Site, chance: random.Random) -> None:
    embedded.write(*_layers(chance, _TASKS))
    for _ in range(_KILLS_OF_WORKER):
        worker = embedded.start("-j", "8")
        _let_it_work(embedded, worker, chance)
        assert worker.process.poll() is None, f"too soon done\n{embedded.story()}"
        worker.kill()
        embedded.none_left()
    assert embedded.run("-j", "8", seconds=60) == 0
    with embedded.looked_at():
        check_completed(embedded)
        lost = embedded.rows("SELECT count(*) FROM executor.run WHERE status = 'lost'")[0][0]
        failed = embedded.rows("SELECT count(*) FROM executor.run WHERE status IN ('failed', 'cancelled', 'timed_out')")
        assert failed == [(0,)], "a death of the worker is no failure of its tasks"
        print(f"{lost} runs lost")


@pytest.mark.chaos
def test_whatever_is_killed_the_list_is_completed(make_embedded: Callable[[], Site], chance: random.Random) -> None:
    killed: Counter[str] = Counter()
    while killed.total() < _KILLS:
        site = make_embedded()
        site.write(*_layers(chance, _TASKS if _LONG else 120), retry_delay="100ms")
        _carry_through(site, chance, killed)
        with site.looked_at():
            check_completed(site)
    print(dict(killed))


def _carry_through(site: Site, chance: random.Random, killed: Counter[str]) -> None:
    """Run a list to its end, killing one thing after another while it runs."""
    most = min(killed.total() + _KILLS_OF_A_LIST, _KILLS)
    while True:
        worker = site.start("-j", "8")
        while _let_it_work(site, worker, chance) and killed.total() < most:
            victim = chance.choices(list(_VICTIMS), list(_VICTIMS.values()))[0]
            if _kill(site, worker, victim, chance):
                killed[victim] += 1
        code = site.end(worker, 60)
        assert code in (0, 4, -signal.SIGKILL), f"exit {code}\n{site.story()}"  # 4: the server died with its last words
        if code == 0:
            return


def _let_it_work(site: Site, worker: Worker, chance: random.Random) -> bool:
    """Wait until it has begun and a random while longer, which is the input of this test; whether it still runs."""
    before = len(site.ledger())
    site.until(lambda: worker.process.poll() is not None or len(site.ledger()) > before, "a task at work", 60)
    time.sleep(chance.uniform(0.0, 0.4))
    return worker.process.poll() is None


def _kill(site: Site, worker: Worker, victim: str, chance: random.Random) -> bool:
    """kill -9; whether there was anything to kill."""
    children = site.left()
    match victim:
        case "worker":
            pids = [worker.pid]
        case "child":
            pids = [chance.choice(children)] if children else []
        case "guard":
            pids = [worker.guard()]
        case "server":
            pids = [site.postmaster()]
        case "worker and guard":
            pids = [worker.guard(), worker.pid]
        case _:
            pids = [worker.pid, worker.guard(), site.postmaster(), *children]
    chance.shuffle(pids)
    return sum(_kill_one(pid) for pid in pids) > 0


def _kill_one(pid: int) -> bool:
    if pid <= 1 or not Path(f"/proc/{pid}").exists():
        return False
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return False
    return True
