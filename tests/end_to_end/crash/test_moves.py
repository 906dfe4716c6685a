"""The queue moves to another database and back, killed at any moment: one of the two is the truth, and nothing is lost.

CHAOS=long kills at every named moment and at twenty random ones, in both directions (`make chaos`).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from crash_site import Site, act, act_until
from psycopg import Connection

from executor.database import relocation
from executor.errors import DatabaseError
from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
# Up to the commit that changes the truth a move can be taken back, and also after it while nobody used the copy.
_BEFORE = ("move-begun", "move-drained", "move-dumped", "move-restored", "move-not-left", "move-left")
_AFTER = ("move-opened", "move-chosen")
_KILLED = -9
_TABLES = ("executor_state", "task_queue", "task_dependency", "run", "run_output", "event", "migration")


@pytest.fixture
def moving(embedded: Site) -> Site:
    """A site with an embedded server, a list that was run, and no DATABASE_URL."""
    embedded.write(make.task(id="A", run="echo one"), make.task(id="B", run="exit 3"), make.task(id="C", run=act()))
    assert embedded.run("-k") == 1
    return embedded


def move(site: Site, *words: str, **environ: str) -> tuple[int, str]:
    worker = site.begin("db", "move", *words, **environ)
    worker.process.wait(60)
    return worker.process.returncode, worker.said()


@contextmanager
def _both(site: Site, server: str) -> Iterator[dict[str, Connection[Any]]]:
    with (
        site.looked_at(),
        closing(site.connect()) as embedded,
        closing(psycopg.connect(server, autocommit=True)) as other,
    ):
        yield {"embedded": embedded, server: other}


def truths(site: Site, server: str) -> list[str]:
    """Which of the two databases hold a queue that can be worked with, by their own words."""
    found = []
    with _both(site, server) as both:
        for name, connection in both.items():
            if connection.execute("SELECT to_regclass('executor.task_queue')").fetchone() == (None,):
                continue
            if connection.execute("SELECT count(*) FROM executor.executor_state").fetchone() == (0,):
                continue
            try:
                relocation.refuse(connection, name)
            except DatabaseError:
                continue
            found.append(name)
    return found


def everything(site: Site, server: str, where: str) -> list[Any]:
    """Counts and checksums by the server's own arithmetic; transaction ids belong to one server."""
    row = "(to_jsonb(t) - 'xid')::text"
    with _both(site, server) as both:
        return [
            both[where]
            .execute(f"SELECT count(*), md5(string_agg({row}, '' ORDER BY {row})) FROM executor.{table} t".encode())
            .fetchone()
            for table in _TABLES
        ]


def test_there_and_back_with_somebody_at_work(moving: Site, database: str) -> None:
    moving.write(make.task(id="A", run="echo one"), make.task(id="LONG", run=act_until("go")), make.task(id="D"))
    worker = moving.start()
    moving.begun("LONG")
    mover = moving.begin("db", "move", "--to", database)
    moving.until(lambda: "workers: 1, running tasks: 1" in mover.said(), "it waits for what runs")
    refused = subprocess.run(
        [sys.executable, "-m", "executor", "status", str(moving.file)],
        env=moving.environment(),
        capture_output=True,
        text=True,
    )
    assert (refused.returncode, "[DB_MOVING]" in refused.stderr) == (4, True), refused.stderr
    moving.put("go")
    assert mover.process.wait(60) == 0, mover.said()
    worker.process.wait(30)
    assert moving.effects("LONG") == 1
    assert truths(moving, database) == [database]
    assert "db move --to embedded" in mover.said()
    assert moving.run() == 0, "the choice was written: this goes to the server"
    with closing(psycopg.connect(database)) as other:
        statuses = dict(
            other.execute("SELECT task_id, status FROM executor.task_queue WHERE removed_at IS NULL").fetchall()
        )
    assert statuses == dict.fromkeys(("A", "LONG", "D"), "completed")
    with _both(moving, database) as both, pytest.raises(psycopg.errors.ReadOnlySqlTransaction, match="was moved"):
        both["embedded"].execute("UPDATE executor.task_queue SET title = ''")

    before = everything(moving, database, database)
    assert move(moving, "--to", "embedded")[0] == 0
    assert truths(moving, database) == ["embedded"]
    assert everything(moving, database, "embedded") == before
    assert "3 of 3 completed" in moving.command("status", str(moving.file))
    code, said = move(moving, "--to", "embedded")
    assert (code, "finished" in said) == (0, True), said


def test_what_runs_is_stopped_where_nobody_wants_to_wait(moving: Site, database: str) -> None:
    moving.write(make.task(id="LONG", run=act_until("go")), make.task(id="NEXT", run=act(), depends_on=["LONG"]))
    worker = moving.start()
    moving.begun("LONG")
    code, said = move(moving, "--to", database, "--now")
    assert code == 0, said
    worker.process.wait(30)
    moving.none_left()
    assert truths(moving, database) == [database]
    with closing(psycopg.connect(database)) as other:
        row = other.execute(
            "SELECT status, run_id, failures, losses FROM executor.task_queue WHERE task_id = 'LONG'"
        ).fetchone()
    assert row == ("queued", None, 0, 0), "it was stopped, which is no failure of its own"
    moving.put("go")
    moving.command("resume", str(moving.file))
    assert moving.run() == 0
    assert [moving.effects(one) for one in ("LONG", "NEXT")] == [1, 1]


_SHORT = [("move-dumped", ("abort",)), ("move-left", ("again",))]
_EVERY = [(point, ("again", "abort")) for point in _BEFORE] + [(point, ("again",)) for point in _AFTER]


@pytest.mark.chaos
@pytest.mark.parametrize(("point", "ways"), _EVERY if _LONG else _SHORT)
def test_killed_at_a_named_moment(moving: Site, ready_database: str, point: str, ways: tuple[str, ...]) -> None:
    target = ready_database
    for way in ways:
        for _ in range(2 if _LONG else 1):  # there, and back
            (source,) = truths(moving, ready_database)
            before = everything(moving, ready_database, source)
            assert move(moving, "--to", target, EXECUTOR_FAULT=f"{point}:kill")[0] == _KILLED
            assert len(truths(moving, ready_database)) <= 1
            _settle(moving, ready_database, target, way, source, before)
            if way == "again":
                target = "embedded" if target == ready_database else ready_database


@pytest.mark.chaos
@pytest.mark.parametrize("point", ["move-dumped", "move-restored", "move-left"] if _LONG else ["move-left"])
def test_killed_while_it_is_taken_back(moving: Site, ready_database: str, point: str) -> None:
    before = everything(moving, ready_database, "embedded")
    assert move(moving, "--to", ready_database, EXECUTOR_FAULT=f"{point}:kill")[0] == _KILLED
    assert move(moving, "--abort", EXECUTOR_FAULT="move-copy-dropped:kill")[0] == _KILLED
    assert truths(moving, ready_database) == []
    with _both(moving, ready_database) as both:
        assert relocation.read(both[ready_database]) is None, "no copy is left"
    if point == "move-left":
        code, said = move(moving, "--to", ready_database)
        assert (code, "[DB_MOVED]" in said, "db move --abort" in said) == (4, True, True), said
        _settle(moving, ready_database, ready_database, "abort", "embedded", before)
    _settle(moving, ready_database, ready_database, "again", "embedded", before)


@pytest.mark.chaos
def test_killed_at_random_moments(moving: Site, ready_database: str) -> None:
    print(f"CHAOS_SEED={_SEED}")
    chance = random.Random(_SEED)
    target, killed = ready_database, 0
    for _ in range(20 if _LONG else 1):
        (source,) = truths(moving, ready_database)
        before = everything(moving, ready_database, source)
        mover = moving.begin("db", "move", "--to", target)
        time.sleep(chance.uniform(0.2, 2.5))  # the moment is the input of this test
        mover.process.kill()
        killed += mover.process.wait() == _KILLED
        way = chance.choice(("again", "abort"))
        _settle(moving, ready_database, target, way, source, before)
        if truths(moving, ready_database) == [target]:
            target = "embedded" if target == ready_database else ready_database
    print(f"killed {killed} times")


def _settle(site: Site, server: str, target: str, way: str, source: str, before: list[Any]) -> None:
    """Finish a killed move, or take it back if it can be: one truth, with everything in it."""
    if way == "abort":
        code, said = move(site, "--abort")
        if code == 2:  # killed before it began, or after it was over
            assert len(truths(site, server)) == 1
        elif code == 4:
            assert "[DB_MOVED]" in said, said
            way = "again"
        else:
            assert code == 0, said
            assert truths(site, server) == [source]
    if way == "again":
        code, said = move(site, "--to", target)
        assert code == 0, said
        assert truths(site, server) == [target]
    (where,) = truths(site, server)
    assert everything(site, server, where) == before
    assert "of 3 completed" in site.command("status", str(site.file)), "the program uses the same one"


def test_a_move_to_itself_or_over_another_queue_is_refused(moving: Site, ready_database: str, tmp_path: Path) -> None:
    with closing(psycopg.connect(ready_database, autocommit=True)) as other:
        other.execute("INSERT INTO executor.executor_state (task_list_path) VALUES ('/lists/other.md')")
        code, said = move(moving, "--to", ready_database)
        assert (code, "[DB_NOT_EMPTY]" in said) == (4, True), said
        assert truths(moving, ready_database) == ["embedded", ready_database]
        other.execute("DELETE FROM executor.executor_state")
    code, said = move(moving, "--to", "embedded")
    assert (code, "already" in said) == (2, True), said
    code, said = move(moving, "--abort", "--to", ready_database)
    assert (code, "no move" in said) == (2, True), said
