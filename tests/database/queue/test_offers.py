"""What workers of several kinds may claim: labels, tags, assignees, and keys that only so many runs may hold."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

import loader
from executor import sync
from executor.queue import lists, steps
from executor.queue.steps import Appetite, Offer
from tests import make
from tests.database.queue.bench import Bench


def claimed(at: Bench, limit: int = 10, **offer: Any) -> list[str]:
    appetite = Appetite(limit, in_order=False, stop_if_failed_since="infinity", offer=Offer(**offer))
    return [run.task_id for run in at.turn(appetite=appetite).claimed]


def bench(connection: psycopg.Connection[Any], *rows: dict[str, Any], path: str = make.PATH) -> Bench:
    return Bench(connection, make.entered(connection, rows, path))


def test_a_task_that_needs_a_label_goes_only_to_a_worker_that_has_it(connection):
    at = bench(
        connection,
        make.row(task_id="gpu", needs=["gpu"]),
        make.row(task_id="both", position=2, needs=["gpu", "linux"]),
        make.row(task_id="any", position=3),
    )
    assert claimed(at) == ["any"]
    assert claimed(at, labels=("gpu",)) == ["gpu"]
    assert claimed(at, labels=("linux", "gpu", "big")) == ["both"]


def test_a_worker_for_a_tag_or_a_person_takes_no_other_tasks(connection):
    at = bench(
        connection,
        make.row(task_id="mine", assignee="ann"),
        make.row(task_id="theirs", position=2, assignee="bob"),
        make.row(task_id="free", position=3),
        make.row(task_id="tagged", position=4, tags=["docs", "web"]),
    )
    assert claimed(at, tags=("web", "api")) == ["tagged"]
    assert claimed(at, person="ann") == ["mine", "free"]
    assert claimed(at) == ["theirs"]


def test_a_lock_is_held_by_one_run_of_its_list(connection):
    at = bench(
        connection,
        make.row(task_id="one", keys=["deploy"], places=[1]),
        make.row(task_id="two", position=2, keys=["deploy"], places=[1]),
        make.row(task_id="other", position=3, keys=["docs"], places=[1]),
        make.row(task_id="free", position=4),
    )
    elsewhere = bench(connection, make.row(task_id="there", keys=["deploy"], places=[1]), path="/other.md")
    assert claimed(at) == ["one", "other", "free"]
    assert claimed(at) == []
    assert claimed(elsewhere) == ["there"]
    run = next(run for run in steps.held(connection, at.worker_id) if run.task_id == "one")
    at.settle(run)
    assert claimed(at) == ["two"]


def test_a_lock_of_the_fleet_is_held_by_one_run_of_all_lists(connection):
    at = bench(connection, make.row(task_id="here", keys=["fleet/deploy"], places=[1]))
    elsewhere = bench(connection, make.row(task_id="there", keys=["fleet/deploy"], places=[1]), path="/other.md")
    assert claimed(at) == ["here"]
    assert claimed(elsewhere) == []


def test_a_limit_lets_as_many_runs_hold_a_key_as_it_has_places(connection):
    rows = [make.row(task_id=f"T{n}", position=n, keys=["db"], places=[2]) for n in range(1, 6)]
    at = bench(connection, *rows)
    assert claimed(at) == ["T1", "T2"]
    assert claimed(at) == []


def test_a_task_that_waits_for_one_key_leaves_its_other_key_to_those_behind_it(connection):
    at = bench(
        connection,
        make.row(task_id="long", keys=["a"], places=[1]),
        make.row(task_id="both", position=2, keys=["a", "b"], places=[1, 1]),
        make.row(task_id="behind", position=3, keys=["b"], places=[1]),
    )
    assert claimed(at, limit=1) == ["long"]
    assert claimed(at) == ["behind"]


def test_the_keys_of_tasks_for_others_are_not_kept_from_mine(connection):
    at = bench(
        connection,
        make.row(task_id="theirs", needs=["gpu"], keys=["db"], places=[1]),
        make.row(task_id="mine", position=2, keys=["db"], places=[1]),
    )
    assert claimed(at) == ["mine"]


def test_priority_decides_between_tasks_with_and_without_keys(connection):
    at = bench(
        connection,
        make.row(task_id="later"),
        make.row(task_id="urgent", position=2, rank=1, priority="P1", keys=["db"], places=[1]),
    )
    assert claimed(at, limit=1) == ["urgent"]


def test_what_may_be_held_is_asked_once_a_claim_and_never_for_tasks_without_keys(connection):
    connection.execute("SET track_functions = 'pl'")

    def asked(*rows: dict[str, Any], path: str) -> int:
        at = bench(connection, *rows, path=path)
        before = _calls_of_startable(connection)
        assert len(claimed(at, limit=20)) == 20
        return _calls_of_startable(connection) - before

    assert asked(*(make.row(task_id=f"F{n}", position=n) for n in range(1, 40)), path="/free.md") == 0
    held = (make.row(task_id=f"K{n}", position=n, keys=[f"db{n}"], places=[1]) for n in range(1, 40))
    assert asked(*held, path="/held.md") == 1


def _calls_of_startable(connection: psycopg.Connection[Any]) -> int:
    connection.execute("SELECT pg_stat_force_next_flush()")
    found = connection.execute("SELECT calls FROM pg_stat_user_functions WHERE funcname = 'startable'").fetchone()
    return found[0] if found else 0


def test_two_workers_never_hold_one_place(ready_database):
    rows = [make.row(task_id=f"T{n}", position=n, keys=["db"], places=[3]) for n in range(1, 61)]
    with psycopg.connect(ready_database, autocommit=True) as connection:
        list_id = bench(connection, *rows).list_id
    most: list[int] = []

    def work() -> None:
        with psycopg.connect(ready_database, autocommit=True) as own:
            at = Bench(own, list_id)
            for _ in range(12):
                appetite = Appetite(2, in_order=False, stop_if_failed_since="infinity")
                for run in at.turn(appetite=appetite).claimed:
                    row = own.execute("SELECT count(*) FROM executor.task_queue WHERE status = 'running'").fetchone()
                    most.append(row[0] if row else 0)
                    at.settle(run)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most
    assert max(most) <= 3


def test_prospects_tell_tasks_for_others_and_held_keys_apart(connection):
    at = bench(
        connection,
        make.row(task_id="one", keys=["db"], places=[1]),
        make.row(task_id="two", position=2, keys=["db"], places=[1]),
        make.row(task_id="gpu", position=3, needs=["gpu"]),
    )
    assert claimed(at) == ["one"]
    left = steps.prospects(connection, at.list_id, Appetite(1, in_order=False, stop_if_failed_since="infinity"))
    assert (left.ready, left.keyed, left.unfit, left.running) == (0, 1, 1, 1)


def test_lists_with_work_are_those_in_which_this_worker_could_begin(connection):
    mine = make.entered(connection, [make.row()], "/mine.md")
    make.entered(connection, [make.row(needs=["gpu"])], "/gpu.md")
    make.entered(connection, [make.row(status="completed", mark="completed")], "/done.md")
    paused, stopped = (make.entered(connection, [make.row()], path) for path in ("/paused.md", "/stopped.md"))
    lists.pause(connection, paused, "ann")
    lists.stop(connection, stopped, "ann", now=False)

    def found(*, serving: list[int] | None = None, **offer: Any) -> list[str]:
        return [one.path for one in lists.with_work(connection, Offer(**offer), paths=None, serving=serving or [])]

    assert found() == ["/mine.md"]
    assert found(labels=("gpu",)) == ["/mine.md", "/gpu.md"]
    assert found(serving=[mine]) == []
    assert not lists.join(connection, paused, actor="w", jobs=1)
    assert not lists.join(connection, stopped, actor="w", jobs=1)
    lists.resume(connection, stopped, "ann")
    assert found(serving=[mine]) == ["/stopped.md"]


def test_a_list_that_halted_at_a_failure_is_not_taken_up(connection):
    halted = make.entered(connection, [make.row(status="failed"), make.row(task_id="T2", position=2)], "/halted.md")
    connection.execute("UPDATE executor.executor_state SET sequential = true WHERE list_id = %s", [halted])
    assert lists.with_work(connection, Offer(), paths=None, serving=[]) == []


@pytest.mark.parametrize(
    ("settings", "of_list", "keys"),
    [
        ({"lock": ("deploy",)}, {}, {"deploy": 1}),
        ({"limit": {"db": 2}}, {}, {"db": 2}),
        ({"limit": {"db": 0}}, {"limits": {"db": 4}}, {"db": 4}),
        ({"limit": {"db": 0}}, {}, {"db": 1}),
        ({"lock": ("db",), "limit": {"db": 2, "fleet/api": 3}}, {}, {"db": 1, "fleet/api": 3}),
    ],
)
def test_what_a_task_holds_is_its_locks_and_limits(settings, of_list, keys):
    (task,) = loader.parse(make.document(make.task(id="T1")).encode()).tasks

    assert sync.keys_of(replace(task, settings=settings), of_list) == keys
