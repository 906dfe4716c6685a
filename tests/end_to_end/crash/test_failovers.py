"""The server dies for good in mid-run and its standby takes over: the run goes on by itself, each task done once.

CHAOS=long does it ten times, at random moments (`make chaos`).
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from crash_record import check_completed
from crash_site import Site, act, act_until

from tests import conftest, make
from tests.standby import Pair, pair

_LONG = os.environ.get("CHAOS") == "long"
_ROUNDS = 10 if _LONG else 1
_TASKS = 60
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))


@contextmanager
def _ground(ground: Path, folder: Path) -> Iterator[tuple[Site, Pair]]:
    """A site, and two servers for it."""
    servers = Path(tempfile.mkdtemp(prefix="pair-", dir=ground))
    account = conftest._account()
    if account:
        shutil.chown(servers, account["user"], account["group"])
    folder.mkdir()
    with pair(servers) as both:
        site = Site(folder, {"DATABASE_URL": both.url, "EXECUTOR_HOME": str(folder / "home")}, both.url)
        yield site, both
        site.clear()
    shutil.rmtree(servers)


@pytest.mark.chaos
def test_a_run_goes_on_at_the_standby_that_took_over(ground: Path, tmp_path: Path) -> None:
    print(f"CHAOS_SEED={_SEED}")
    chance = random.Random(_SEED)
    for number in range(_ROUNDS):
        with _ground(ground, tmp_path / f"site-{number}") as (site, servers):
            _fail_over(site, servers, chance)


def _fail_over(site: Site, servers: Pair, chance: random.Random) -> None:
    site.write(
        make.task(id="LONG", run=act_until("go")),
        *(make.task(id=f"T-{number}", run=act(chance.choice((0, 0, 0.05)))) for number in range(_TASKS)),
        make.task(id="LAST", run=act(), depends_on=["LONG", f"T-{_TASKS - 1}"]),
    )
    worker = site.start("-j", "4")
    enough = chance.randrange(1, _TASKS // 2)
    site.until(lambda: len({one for one, _, word in site.ledger() if word == "end"}) >= enough, "tasks are done")
    time.sleep(chance.uniform(0.0, 0.1))  # the moment is the input of this test
    servers.primary.kill()
    site.until(lambda: "database is gone" in worker.said(), "it has noticed")
    servers.promote()
    site.put("go")
    assert site.end(worker) == 0
    check_completed(site)
    assert site.rows("SELECT status, count(*) FROM executor.run GROUP BY status") == [("succeeded", _TASKS + 2)]
    assert all(site.effects(f"T-{number}", "start") == 1 for number in range(_TASKS)), "none was done twice"


def test_a_pair_of_which_none_can_be_written_is_one_clear_line(ground: Path, tmp_path: Path) -> None:
    with _ground(ground, tmp_path / "site") as (site, servers):
        site.write(make.task(id="A", run=act()))
        standby = site.start(DATABASE_URL=servers.standby.conninfo("work"))
        assert site.end(standby) == 4
        assert "[DB_READONLY]" in standby.said(), "a hot standby is refused"
        servers.primary.kill()
        refused = site.start()
        assert site.end(refused) == 4
        fact, hint = refused.said().strip().split("\n")
        assert fact.startswith("error: [DB_READONLY] the server is read-only"), fact
        assert f"127.0.0.1:{servers.primary.port},127.0.0.1:{servers.standby.port}/work" in fact
        assert "promote" in hint
        servers.promote()
        assert site.run() == 0
        check_completed(site)
