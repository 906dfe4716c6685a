"""Eight runners, 120 files, 20 outside transactions, and a hand that kills: each file is applied once, in order.

CHAOS=long runs twenty seeds instead of two (`make chaos`).
"""

from __future__ import annotations

import os
import random
import time

import pytest

SEEDS = range(1, 21 if os.environ.get("CHAOS") == "long" else 3)
RUNNERS = 8
FILES = 120
EVERY = 6  # each sixth file builds an index concurrently
KILLS = 14


def write(project) -> None:
    """Files that note themselves in a log; an index is only built where the log has everything before it."""
    project.write("0001_log", "CREATE TABLE log (line bigserial, version int, x int DEFAULT 1);")
    for number in range(2, FILES + 1):
        if number % EVERY:
            project.write(f"{number:04d}_x", f"INSERT INTO log (version) VALUES ({number});")
        else:
            index = f"CREATE INDEX CONCURRENTLY IF NOT EXISTS log_{number} ON log (x);"
            project.write(f"{number:04d}_i", f"-- migrate: no-transaction\n{index}")


@pytest.mark.chaos
@pytest.mark.parametrize("seed", SEEDS)
def test_12_with_8_runners_and_concurrent_indexes_nothing_is_lost_or_done_twice(project, seed):
    dice = random.Random(seed)
    write(project)
    runners = [project.start() for _ in range(RUNNERS)]
    kills = 0
    deadline = time.monotonic() + 120
    while kills < KILLS and any(runner.poll() is None for runner in runners):
        assert time.monotonic() < deadline
        time.sleep(dice.uniform(0.02, 0.5))
        place = dice.randrange(RUNNERS)
        if runners[place].poll() is None:
            kills += 1
            runners[place].kill()
        runners[place].communicate()
        runners[place] = project.start()
    for runner in runners:
        _, errors = runner.communicate(timeout=120)
        assert runner.returncode == 0, errors
    assert kills
    assert project.versions() == list(range(1, FILES + 1))
    noted = [number for number in range(2, FILES + 1) if number % EVERY]
    assert project.ask("SELECT array_agg(version ORDER BY line) FROM log") == noted
    assert project.ask("SELECT count(*) FROM executor.migration WHERE state <> 'applied'") == 0
    assert project.ask("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    assert project.ask("SELECT count(*) FROM pg_indexes WHERE tablename = 'log'") == FILES // EVERY
    in_order = "SELECT bool_and(ok) FROM (SELECT finished_at >= lag(finished_at, 1, '-infinity')"
    in_order += " OVER (ORDER BY version) AS ok FROM executor.migration WHERE set_name = 'main') AS every"
    assert project.ask(in_order) is True
