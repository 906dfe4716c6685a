"""SQL tasks under random deaths at every step of their runner: worker, target or queue, and each effect is there once.

CHAOS=long kills five hundred times (`make chaos`); CHAOS_SEED repeats a run as far as chance allows.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from crash_site import Site, Worker

from executor.database.embedded import Home, Server
from tests import make
from tests.conftest import free_port

_LONG = os.environ.get("CHAOS") == "long"
_KILLS = 500 if _LONG else 6
_KILLS_OF_A_LIST = 50
_TASKS = 30 if _LONG else 6
# Of the stops, how many are used to kill: more, and a task would lose so many workers in a row that it is given up.
_SHARE = 0.15 if _LONG else 0.25
_ROWS = 60
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
_POINTS = (
    "claimed-not-spawned",
    "block-begun",
    "statement-done",
    "block-recorded",
    "block-committed",
    "batch-not-committed",
    "exited-not-settled",
    "settled-not-marked",
)
_STOPS = ",".join(f"{point}:stop" for point in _POINTS)
_VICTIMS = {"worker": 4, "target": 3, "target while the worker goes on": 2, "queue": 2, "worker and target": 2}


class Shop:
    """The target, in a server of its own."""

    def __init__(self, home: Path) -> None:
        self.server = Server(Home(home, port=free_port()))  # one port, whoever else starts
        self.url = self.server.keep().conninfo()
        self.do("CREATE TABLE effect (task text)")
        self.do("CREATE TABLE counter (list integer, id integer, n integer NOT NULL DEFAULT 0, PRIMARY KEY (list, id))")

    def do(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def kill(self) -> None:
        """kill -9 of the server, which is up again when this returns."""
        pid = self.server.status().pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        self.server.keep()


@pytest.fixture
def shop(make_home: Callable[[], Path]) -> Iterator[Shop]:
    made = Shop(make_home())
    yield made
    made.server.stop(force=True)


def _write(site: Site, number: int) -> None:
    """Tasks that would show it if a statement were carried out twice, or not at all; every third is a backfill."""
    tasks = []
    for task in range(_TASKS):
        if task % 3 == 2:
            mine = f"list = {number} AND id % 3 = {task % 9 // 3}"
            text = f"UPDATE counter SET n = n + 1 WHERE {mine} AND id BETWEEN :from AND :to"
            batch = {"batch": f"{_ROWS // 3} key: id"}
            run = make.task(run=text, language="sql", id=f"L{number}-{task}", settings=batch)
        else:
            text = f"INSERT INTO effect VALUES ('{number}/{task}/1');\nINSERT INTO effect VALUES ('{number}/{task}/2')"
            run = make.task(run=text, language="sql", id=f"L{number}-{task}")
        tasks.append(run)
    site.write(*tasks, retries=99, retry_delay="10ms", target="SHOP_URL")


@pytest.mark.chaos
def test_whatever_is_killed_each_statement_has_its_effect_once(make_embedded: Callable[[], Site], shop: Shop) -> None:
    print(f"CHAOS_SEED={_SEED}")
    chance = random.Random(_SEED)
    killed: Counter[tuple[str, str]] = Counter()
    site, number = make_embedded(), 0
    while killed.total() < _KILLS:
        shop.do(f"INSERT INTO counter (list, id) SELECT {number}, n FROM generate_series(1, {_ROWS}) AS n")
        _write(site, number)
        _carry_through(site, shop, chance, killed)
        _check(site, shop, number)
        number += 1
        print(f"{killed.total()} kills in {number} lists", flush=True)
    assert not _LONG or {point for point, _ in killed} == set(_POINTS), "no point is left out"
    print(dict(killed))


def _carry_through(site: Site, shop: Shop, chance: random.Random, killed: Counter[tuple[str, str]]) -> None:
    most = min(killed.total() + _KILLS_OF_A_LIST, _KILLS)
    while True:
        faults = _STOPS if killed.total() < most else ""
        worker = site.start("-j", "2", SHOP_URL=shop.url, EXECUTOR_FAULT=faults)
        while _stopped(site, worker):
            if chance.random() < _SHARE and killed.total() < most:
                victim = chance.choices(list(_VICTIMS), list(_VICTIMS.values()))[0]
                killed[worker.said().rpartition("stopped at ")[2].partition("\n")[0], victim] += 1
                _kill(site, shop, worker, victim, chance)
            if worker.process.poll() is None:
                worker.send(signal.SIGCONT)
        code = worker.process.poll()
        assert "Traceback" not in worker.said(), site.story()
        assert code in (0, 4, -signal.SIGKILL), f"exit {code}\n{site.story()}"
        if code == 0:
            return


def _stopped(site: Site, worker: Worker) -> bool:
    """Wait until the worker stands still at one of the points, or has ended; whether it stands still."""
    deadline = time.monotonic() + 60
    while worker.process.poll() is None:
        try:
            state = Path(f"/proc/{worker.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            state = ""
        if state == "T":
            return True
        assert time.monotonic() < deadline, f"neither stopped nor through\n{site.story()}"
        time.sleep(0.005)
    return False


def _kill(site: Site, shop: Shop, worker: Worker, victim: str, chance: random.Random) -> None:
    """kill -9; the target is up again afterwards, the worker looks after the queue's server itself."""
    if victim == "target while the worker goes on":  # it may die in the middle of a commit
        worker.send(signal.SIGCONT)
        time.sleep(chance.uniform(0, 0.004))
    if victim == "queue" and (pid := site.postmaster()):  # 0 while it is down already: nobody's pid, but our group's
        os.kill(pid, signal.SIGKILL)
    if "worker" in victim and victim != "target while the worker goes on":
        worker.kill()
    if "target" in victim:
        shop.kill()


def _check(site: Site, shop: Shop, number: int) -> None:
    with site.looked_at():
        left = site.rows("SELECT task_id FROM executor.task_queue WHERE status <> 'completed' AND removed_at IS NULL")
    assert left == [], site.story()
    twice = shop.rows("SELECT task, count(*) FROM effect GROUP BY task HAVING count(*) <> 1")
    assert twice == [], site.story()
    blocks = len([task for task in range(_TASKS) if task % 3 != 2])
    assert shop.rows(f"SELECT count(*) FROM effect WHERE task LIKE '{number}/%'") == [(2 * blocks,)], site.story()
    times = {residue: sum(task % 9 // 3 == residue for task in range(2, _TASKS, 3)) for residue in range(3)}
    wrong = [
        (row, n)
        for row, n in shop.rows(f"SELECT id, n FROM counter WHERE list = {number}")
        if n != times[int(str(row)) % 3]
    ]
    assert wrong == [], site.story()
