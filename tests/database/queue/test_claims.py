"""Which tasks a worker gets, how many, and that nobody else gets them too."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from bench import Bench, bench

from executor import outcome
from executor.outcome import Outcome
from executor.queue import lists, people, steps, tasks, workers
from executor.queue.steps import STEPS, Appetite, Turn
from executor.states import RunStatus
from tests import make


def test_claims_go_by_priority_then_by_place(connection):
    parts = (("A-1", None), ("A-2", "P1"), ("A-3", "P4"), ("A-4", "P2"), ("A-5", "P1"), ("A-6", "P0"))
    at = bench(connection, make.document(*(make.task(id=one, priority=urgent) for one, urgent in parts)))
    assert at.ids(4) == ["A-6", "A-2", "A-5", "A-4"]
    assert at.ids(4) == ["A-1", "A-3"]
    assert at.ids(4) == []


def test_a_claim_takes_no_more_than_asked_for(connection):
    at = bench(connection, make.document(*(make.task(id=f"T{n}") for n in range(10))))
    assert [len(at.claim(limit)) for limit in (1, 2, 3, 9)] == [1, 2, 3, 4]


def test_a_claim_begins_a_run_with_a_number_that_never_comes_back(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    (first,) = at.claim()
    assert first.attempt == 1
    at.settle(first, RunStatus.FAILED, again=timedelta())
    (second,) = at.claim()
    assert second.attempt == 2
    assert second.run_id > first.run_id
    assert second.failures == 1
    assert second.last_error == "it broke"
    assert at.column("run_id") == {"T1": second.run_id}


def test_two_workers_never_get_the_same_task_and_never_wait_for_each_other(ready_database, connection):
    text = make.document(*(make.task(id=f"T{n}") for n in range(6)))
    one = bench(connection, text)
    with psycopg.connect(ready_database) as held, psycopg.connect(ready_database, autocommit=True) as free:
        held.execute("SET statement_timeout = '2s'")
        free.execute("SET statement_timeout = '2s'")
        other = Bench(held, one.list_id)
        held.commit()
        third = Bench(free, one.list_id)
        held.execute("SELECT 1")  # what follows is part of a transaction that stays open
        taken = other.ids(2)
        assert taken == ["T0", "T1"]
        assert third.ids(3) == ["T2", "T3", "T4"]
        held.rollback()
        assert one.ids(9) == ["T0", "T1", "T5"]


def test_a_row_that_somebody_else_holds_is_passed_by(ready_database, connection):
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2")))
    with psycopg.connect(ready_database) as other:
        other.execute("SELECT FROM executor.task_queue WHERE task_id = 'T1' FOR UPDATE")
        assert at.ids(2) == ["T2"]
    assert at.ids(2) == ["T1"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (make.document(make.task("ask", None, id="T1"), make.task(id="T2")), ["T2"]),
        (make.document(make.task(id="T1", settings={"gate": "approval"}), make.task(id="T2")), ["T2"]),
        (make.document(make.task(id="T1", mark="!"), make.task(id="T2")), ["T2"]),
        (make.document(make.task(id="T1", mark="x"), make.task(id="T2")), ["T2"]),
        (make.chain("T1", "T2"), ["T1"]),
    ],
)
def test_only_what_is_ready_is_claimed(connection, text, ids):
    assert bench(connection, text).ids(9) == ids


def test_an_approved_task_is_ready_and_a_new_turn_of_it_needs_a_new_approval(connection):
    at = bench(connection, make.document(make.task(id="T1", settings={"gate": "approval"})))
    assert people.approve(connection, [at.queue_id("T1")], "ann") == {"T1": "held"}
    (run,) = at.claim()
    at.settle(run)
    tasks.requeue(connection, [run.queue_id], "ann", "again")
    assert at.claim() == []


def test_a_paused_or_stopped_list_gives_nothing(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    lists.pause(connection, at.list_id, "ann")
    assert at.claim() == []
    assert not lists.start(connection, at.list_id, actor="bob", jobs=1)
    assert at.claim() == []
    assert lists.resume(connection, at.list_id, "ann")
    lists.stop(connection, at.list_id, "ann", now=False)
    assert at.claim() == []
    lists.start(connection, at.list_id, actor="ann", jobs=1)
    assert at.ids() == ["T1"]


def test_a_worker_that_is_off_the_books_gets_nothing(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    workers.leave(connection, [at.worker_id])
    assert at.claim() == []


def test_a_task_that_backs_off_is_passed_by_in_a_graph_and_waited_for_in_a_sequence(connection):
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2")))
    (first,) = at.claim()
    at.settle(first, RunStatus.FAILED, again=timedelta(hours=1))
    assert at.ids(1, in_order=True) == []
    assert at.ids(1) == ["T2"]
    left = steps.prospects(connection, at.list_id, Appetite(1, False, "infinity"))
    assert (left.ready, left.due_later, left.running) == (0, 1, 1)
    assert timedelta(minutes=59) < left.next_due < timedelta(minutes=61)


def test_a_failure_stops_claims_where_it_is_asked_to(connection):
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2")))
    (first,) = at.claim()
    at.settle(first, RunStatus.FAILED)
    assert at.ids(1, stop_if_failed_since="-infinity") == []
    assert at.ids(1, stop_if_failed_since="-infinity", only=[at.queue_id("T2")]) == ["T2"]


def test_a_choice_of_tasks_is_all_that_is_claimed(connection):
    at = bench(connection, make.document(*(make.task(id=f"T{n}") for n in range(4))))
    assert at.ids(9, only=[at.queue_id("T1"), at.queue_id("T3")]) == ["T1", "T3"]


def test_a_stale_settle_changes_nothing(connection):
    """The fence: the run id, which another claim has replaced meanwhile."""
    at = bench(connection, make.chain("T1", "T2"))
    (first,) = at.claim()
    workers.leave(connection, [at.worker_id])
    assert [lost.task_id for lost in workers.lose_runs(connection, "test")] == ["T1"]
    at.enter()
    (second,) = at.claim()
    before = rows_of(connection)

    for status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED):
        assert at.settle(first, status).settled == []

    assert rows_of(connection) == before
    assert [one.run_id for one in at.settle(second).settled] == [second.run_id]
    assert at.settle(second).settled == [], "the same settle twice counts once"
    assert at.ids() == ["T2"]


def rows_of(connection):
    return [
        connection.execute(f"SELECT {table}::text FROM executor.{table} ORDER BY 1".encode()).fetchall()
        for table in ("task_queue", "run", "event", "executor_state")
    ]


def test_a_settle_tells_how_long_and_what_next(connection):
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2", depends_on=["T1"])))
    (first,) = at.claim()
    answer = at.settle(first, RunStatus.FAILED, error="no\0thing")
    assert [one.task_id for one in answer.skipped] == ["T2"]
    assert answer.settled[0].took >= timedelta()
    assert at.statuses() == {"T1": "failed", "T2": "skipped"}
    assert at.column("last_error")["T1"] == "no\N{REPLACEMENT CHARACTER}thing"
    assert at.column("skip_reason")["T2"] == "depends on T1, which failed"


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (RunStatus.CANCELLED, (0, 0, 0)),
        (RunStatus.LOST, (1, 0, 1)),
        (RunStatus.FAILED, (1, 1, 0)),
        (RunStatus.TIMED_OUT, (1, 1, 0)),
    ],
)
def test_what_a_run_that_ended_early_costs(connection, status, counts):
    at = bench(connection, make.document(make.task(id="T1")))
    (run,) = at.claim()
    at.settle(run, status, again=timedelta())
    assert at.statuses() == {"T1": "queued"}
    assert (at.column("attempts")["T1"], at.column("failures")["T1"], at.column("losses")["T1"]) == counts


def test_a_task_that_kills_its_worker_again_and_again_fails_in_the_end(connection):
    at = bench(connection, make.chain("T1", "T2"))
    for _ in range(21):
        (run,) = at.claim()
        workers.leave(connection, [at.worker_id])
        workers.lose_runs(connection, "test")
        at.enter()
    assert at.statuses() == {"T1": "failed", "T2": "skipped"}
    assert run.attempt == 21


def test_output_arrives_once_and_in_order_however_often_it_is_sent(connection):
    from executor.queue import events

    at = bench(connection, make.document(make.task(id="T1")))
    (run,) = at.claim()
    at.output(run, b"one ", b"two ")
    at.output(run, b"two ", b"\0three", first=1)
    assert list(events.output(connection, run.run_id)) == [(0, b"one "), (1, b"two "), (2, b"\0three")]
    assert list(events.output(connection, run.run_id, after_chunk=1)) == [(2, b"\0three")]
    assert connection.execute("SELECT count(*) FROM executor.event WHERE kind = 'task.output'").fetchone() == (3,)


def test_a_worker_hears_what_people_asked(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    (run,) = at.claim()
    assert at.orders().status == "running"
    tasks.skip(connection, [run.queue_id], "ann")
    assert at.orders(run).skip == [run.run_id]
    lists.pause(connection, at.list_id, "ann")
    assert (at.orders().status, at.orders().status_by, at.orders().stop) == ("paused", "ann", False)
    lists.stop(connection, at.list_id, "bob", now=True)
    assert (at.orders().status, at.orders().stop_now, at.orders().stop) == ("paused", True, True)
    connection.execute("DELETE FROM executor.executor_state")
    assert at.orders() is None


def test_a_worker_that_left_a_word_behind_does_not_stop_the_next_one(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    lists.stop(connection, at.list_id, "ann", now=True)
    workers.leave(connection, [at.worker_id])
    following = Bench(connection, at.list_id)
    assert (following.orders().stop, following.orders().stop_now) == (False, False)


def test_the_last_worker_out_stops_the_list_and_no_other(connection):
    from executor.events import Kind

    one = bench(connection, make.document(make.task(id="T1")))
    two = Bench(connection, one.list_id)
    for at, status in ((one, "running"), (two, "stopped")):
        lists.finish(connection, at.list_id, worker_id=at.worker_id, actor="a", kind=Kind.LIST_FINISHED, detail={})
        workers.leave(connection, [at.worker_id])
        assert lists.find(connection, make.PATH).status == status


def test_of_two_that_leave_at_once_the_second_stops_the_list(connection, ready_database):
    from executor.events import Kind

    one = bench(connection, make.document(make.task(id="T1")))
    with psycopg.connect(ready_database, autocommit=True) as another:
        two = Bench(another, one.list_id)

        def leave(at):
            ending = {"actor": "a", "kind": Kind.LIST_FINISHED, "detail": {}}
            lists.finish(at.connection, at.list_id, worker_id=at.worker_id, **ending)

        with ThreadPoolExecutor(1) as pool:
            with connection.transaction():
                leave(one)
                leaving = pool.submit(leave, two)
                with pytest.raises(TimeoutError):
                    leaving.result(0.3)
            leaving.result(10)
    assert lists.find(connection, make.PATH).status == "stopped"


@pytest.fixture
def crowded(connection):
    """Fifty thousand tasks: most wait for one that runs, five hundred are ready."""
    list_id = make.entered(connection, [make.row()])
    connection.execute(
        """
        INSERT INTO executor.task_queue
            (list_id, task_list_path, task_id, title, priority, own_rank, rank, position, runner, fingerprint,
            unmet)
        SELECT list_id, task_list_path, 'N' || n, title, 'P3', 3, 3, n, runner, fingerprint, (n % 100 > 0)::integer
        FROM executor.task_queue, generate_series(2, 50000) AS n
        """
    )
    connection.execute("ANALYZE executor.task_queue")
    return Bench(connection, list_id)


@pytest.mark.parametrize("statistics", ["of this moment", "of an empty queue"])
def test_a_claim_among_fifty_thousand_reads_only_what_it_takes(crowded, connection, statistics):
    query = STEPS.claim.replace(b"LIMIT 1 ", b"LIMIT 8 ")
    here = {"list_id": crowded.list_id, "worker_id": crowded.worker_id, "worker": "w"}
    parameters = here | {"settled": []} | steps._appetite_columns(Appetite(8, False, "-infinity"))
    if statistics == "of an empty queue":
        connection.execute("UPDATE pg_class SET reltuples = 0, relpages = 0 WHERE relname = 'task_queue'")
        connection.execute("DELETE FROM pg_statistic WHERE starelid = 'executor.task_queue'::regclass")
    with connection.transaction():
        connection.execute(STEPS.enter, here)
        row = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query, parameters).fetchone()
    nodes = list(walk(row[0][0]["Plan"]))
    scans = [node for node in nodes if node.get("Relation Name") == "task_queue" and "Scan" in node["Node Type"]]
    assert any(node.get("Index Name") == "task_ready" for node in scans), json.dumps(row[0], indent=1)
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and node.get("Relation Name") == "task_queue"]
    assert all(node["Actual Rows"] * node["Actual Loops"] <= 8 for node in scans), scans
    assert all(node.get("Rows Removed by Filter", 0) <= 8 for node in scans)
    assert row[0][0]["Plan"]["Shared Hit Blocks"] + row[0][0]["Plan"]["Shared Read Blocks"] < 1000


def test_a_claim_that_looks_at_a_row_again_asks_for_no_lock(connection):
    """To look again at a row that changed meanwhile PostgreSQL works out every InitPlan of the statement. `startable`
    takes a lock, for which workers without any keys would wait for each other then, in a circle even."""
    at = Bench(connection, make.entered(connection, [make.row()]))
    here = {"list_id": at.list_id, "worker_id": at.worker_id, "worker": "w"}
    parameters = here | {"settled": []} | steps._appetite_columns(Appetite(1, False, "-infinity"))
    with connection.transaction():
        connection.execute(STEPS.enter, here)
        row = connection.execute(b"EXPLAIN (FORMAT JSON) " + STEPS.claim, parameters).fetchone()
    found = [node for node in walk(row[0][0]["Plan"]) if node.get("Function Name") == "startable"]
    assert [node["Parent Relationship"] for node in found] == ["SubPlan"], json.dumps(row[0], indent=1)


def test_a_settle_among_fifty_thousand_reads_only_what_it_changes(crowded, connection):
    claimed = crowded.claim(8)
    moves = [
        outcome.decide(one.run_id, one.queue_id, Outcome(RunStatus.SUCCEEDED), again=None, skip=False)
        for one in claimed
    ]
    parameters = {"list_id": crowded.list_id, "worker": "w"} | steps._move_columns(moves)
    row = connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + STEPS.settle, parameters).fetchone()
    nodes = list(walk(row[0][0]["Plan"]))
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and node.get("Relation Name") == "task_queue"]
    assert row[0][0]["Plan"]["Shared Hit Blocks"] < 2000


def walk(node):
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)


def test_a_turn_is_one_transaction(ready_database, connection):
    """What a turn settles, keeps and claims is there at once or not at all."""
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2")))
    (run,) = at.claim()
    move = outcome.decide(run.run_id, run.queue_id, Outcome(RunStatus.SUCCEEDED), again=None, skip=False)
    appetite = Appetite(1, False, "no time at all")
    broken = Turn(at.list_id, at.worker_id, "w", moves=[move], marks=[("T1", "completed")], appetite=appetite)
    with pytest.raises(psycopg.DataError):
        steps.take(connection, broken)
    assert at.statuses() == {"T1": "running", "T2": "queued"}
    assert at.column("mark")["T1"] == "pending"
