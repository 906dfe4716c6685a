"""Runners killed at the worst moment, and many at once: each file is applied once. Numbers are those of the cases."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from sql.errors import DatabaseRefused

STEPS = 4
GATE = 4242


def stepped(gate: int = GATE) -> str:
    """A file that can be held before each of its statements, and at its end."""
    steps = [
        f"SELECT pg_advisory_xact_lock({gate + step});\nINSERT INTO log VALUES ({step});\n" for step in range(STEPS)
    ]
    return (
        "-- migrate: lock-timeout=0\nCREATE TABLE log (step int);\n"
        + "".join(steps)
        + f"SELECT pg_advisory_xact_lock({gate + STEPS});"
    )


def await_waiter(connection, runner: subprocess.Popen[str]) -> None:
    """Until a runner stands still at a lock."""
    deadline = time.monotonic() + 20
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while connection.execute(query).fetchone() == (0,):
        assert runner.poll() is None, runner.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_1_a_runner_killed_at_any_statement_leaves_a_file_that_is_applied_once(project, step):
    project.write("0001_log", stepped())
    with psycopg.connect(project.database, autocommit=True) as keeper:
        keeper.execute("SELECT pg_advisory_lock(%s)", [GATE + step])
        runner = project.start()
        await_waiter(project.connection, runner)
        runner.kill()
        runner.communicate()
        assert project.versions() == []
    assert project.up().newest == 1
    assert project.connection.execute("SELECT step FROM log").fetchall() == [(number,) for number in range(STEPS)]
    assert project.versions() == [1]


def test_3_a_runner_killed_between_its_statements_and_the_ledger_row_leaves_neither(project):
    project.write("0001_a", "SELECT 1;")
    project.up()
    project.write("0002_log", "CREATE TABLE log (step int); INSERT INTO log VALUES (1);")
    with psycopg.connect(project.database) as keeper:
        keeper.execute("LOCK TABLE executor.migration IN SHARE MODE")
        runner = project.start()
        await_waiter(project.connection, runner)
        runner.kill()
        runner.communicate()
    assert project.up().newest == 2
    assert project.connection.execute("SELECT step FROM log").fetchall() == [(1,)]
    assert project.versions() == [1, 2]


def test_4_a_backend_that_dies_is_told_as_a_lost_connection(project):
    project.write("0001_a", "CREATE TABLE a ();\nSELECT pg_terminate_backend(pg_backend_pid());")
    with psycopg.connect(project.database, autocommit=True) as connection:
        with pytest.raises(DatabaseRefused, match="the connection broke while 0001_a was applied") as caught:
            project.up(connection)
        assert caught.value.hint == "run it again: a migration is applied whole or not at all"
    assert project.ask("SELECT to_regclass('a')") is None


def test_6_an_interrupted_runner_leaves_nothing_of_its_file(project):
    project.write("0001_log", stepped())
    with psycopg.connect(project.database, autocommit=True) as keeper:
        keeper.execute("SELECT pg_advisory_lock(%s)", [GATE + 1])
        runner = project.start()
        await_waiter(project.connection, runner)
        runner.send_signal(signal.SIGINT)
        _, errors = runner.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors
    assert project.ask("SELECT to_regclass('log')") is None
    assert project.up().newest == 1


def test_9_eight_runners_at_once_on_an_empty_database_all_succeed(project):
    project.write("0001_log", "CREATE TABLE log (version int);")
    for number in range(2, 16):
        project.write(f"{number:04d}_x", f"INSERT INTO log VALUES ({number});")
    runners = [project.start() for _ in range(8)]
    results = [runner.communicate(timeout=60) for runner in runners]
    assert [runner.returncode for runner in runners] == [0] * 8, [errors for _, errors in results]
    applied = sorted(int(word) for output, _ in results for word in output.split())
    assert applied == project.versions() == list(range(1, 16))
    assert project.ask("SELECT array_agg(version) FROM log") == list(range(2, 16))


def test_12_whatever_is_killed_each_file_is_applied_once_and_in_order(project):
    dice = random.Random(12)
    project.write("0001_log", "CREATE TABLE log (line serial, version int);")
    for number in range(2, 41):
        project.write(f"{number:04d}_x", f"INSERT INTO log (version) VALUES ({number}); SELECT pg_sleep(0.02);")
    runners = [project.start() for _ in range(3)]
    kills = 0
    while kills < 5 and any(runner.poll() is None for runner in runners):
        time.sleep(dice.uniform(0.05, 0.4))
        place = dice.randrange(3)
        kills += runners[place].poll() is None
        runners[place].kill()
        runners[place].communicate()
        runners[place] = project.start()
    for runner in runners:
        _, errors = runner.communicate(timeout=60)
        assert runner.returncode == 0, errors
    assert kills
    assert project.versions() == list(range(1, 41))
    assert project.ask("SELECT array_agg(version ORDER BY line) FROM log") == list(range(2, 41))


def test_15_sets_that_create_the_ledger_together_all_succeed(project):
    project.write("0001_a", "SELECT 1;")
    together = threading.Barrier(8)

    def run(number: int) -> int:
        with psycopg.connect(project.database, autocommit=True) as connection:
            together.wait(timeout=20)
            return project.up(connection, set_name=f"set_{number}").newest

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(8))) == [1] * 8
    assert project.ask("SELECT count(*) FROM executor.migration") == 8
