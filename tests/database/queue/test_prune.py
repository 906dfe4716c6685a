"""Old runs, output and events go in small batches; what is needed, running or wanted stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bench import bench

from executor.operations import artefacts, following, pruning
from executor.operations.following import Line
from executor.operations.pruning import Gone, Keep
from executor.queue import events, tasks
from executor.queue.events import Cursor
from executor.states import RunStatus
from tests import make

DAY = timedelta(days=1)


def prune(at, **typed):
    return pruning.prune(at.connection, at.list_id, typed, tell=lambda path, gone: None)


def age(connection, days):
    """Everything that ended, was printed or happened so far, that much longer ago."""
    for statement in (
        "UPDATE executor.run SET started_at = started_at - %s, ended_at = ended_at - %s",
        "UPDATE executor.run_output SET at = at - %s WHERE %s IS NOT NULL",
        "UPDATE executor.event SET at = at - %s WHERE %s IS NOT NULL",
    ):
        connection.execute(statement, [timedelta(days=days)] * 2)


def run_through(at, times, *, status=RunStatus.SUCCEEDED):
    for _ in range(times):
        (run,) = at.claim()
        at.output(run, b"one", b"two")
        at.settle(run, status)
        if _ < times - 1:
            tasks.requeue(at.connection, [run.queue_id], make.ACTOR, "again")
    return run


def left(at, table):
    return at.connection.execute(f"SELECT count(*) FROM executor.{table}".encode()).fetchone()[0]


def test_only_the_last_runs_of_a_task_stay_with_their_output(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    run_through(at, 5)
    assert prune(at, runs=2) == Gone(runs=3, output=6)
    assert [run.output_bytes for run in tasks.runs(connection, at.queue_id("T1"))] == [6, 6]
    assert prune(at, runs=2) == Gone()


def test_old_output_goes_and_its_runs_stay(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    run_through(at, 2)
    age(connection, 31)
    assert prune(at) == Gone(output=4)
    assert [(run.status, run.output_bytes) for run in tasks.runs(connection, at.queue_id("T1"))] == [
        ("succeeded", 0)
    ] * 2


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMED_OUT])
def test_what_a_failed_task_printed_last_stays_for_whoever_mends_it(connection, status):
    at = bench(connection, make.document(make.task(id="T1")))
    run_through(at, 2, status=status)
    age(connection, 400)
    assert prune(at, events=9999 * DAY) == Gone(output=2)
    assert [run.output_bytes for run in tasks.runs(connection, at.queue_id("T1"))] == [0, 6]


def test_what_runs_is_left_alone_and_is_not_the_last_run_that_is_kept(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    run_through(at, 3)
    tasks.requeue(connection, [at.queue_id("T1")], make.ACTOR, "again")
    (run,) = at.claim()
    at.output(run, b"now")
    age(connection, 400)
    assert prune(at, runs=1, output=timedelta(seconds=1)) == Gone(runs=2, output=4, events=left_events(at))
    at.output(run, b"and then", first=1)
    assert at.settle(run).settled
    kept = [(one.status, one.output_bytes) for one in tasks.runs(connection, run.queue_id)]
    assert sorted(kept) == [("succeeded", 6), ("succeeded", 11)]


def test_artefacts_go_with_the_output_of_their_run(connection, tmp_path):
    at = bench(connection, make.document(make.task(id="T1")))
    file = tmp_path / "report.bin"
    for number in range(3):
        (run,) = at.claim()
        for name in ("one", "two"):
            file.write_bytes(bytes(3 << 20 if name == "one" else 0))
            artefacts.attach(connection, run.run_id, file, name)
        at.settle(run, RunStatus.SUCCEEDED)
        if number < 2:
            tasks.requeue(connection, [run.queue_id], make.ACTOR, "again")
    assert left(at, "artefact") == 3 * 4
    assert prune(at, runs=2) == Gone(runs=1, artefacts=2)
    kept = [{"name": "one", "bytes": 3 << 20}, {"name": "two", "bytes": 0}]
    assert [run.artefacts for run in tasks.runs(connection, at.queue_id("T1"))] == [kept, kept]
    age(connection, 31)
    assert prune(at) == Gone(artefacts=4)
    assert [run.artefacts for run in tasks.runs(connection, at.queue_id("T1"))] == [[], []]


def left_events(at):
    """How many events such a list had that go when all are old: all but how it began."""
    return 1 + 1 + 3 * 4 + 3 + 1 + 1  # added, synced; started, twice output, completed; requeued; started, output


def test_old_events_go_but_for_how_the_list_last_began(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    run_through(at, 1)
    age(connection, 91)
    tasks.requeue(connection, [at.queue_id("T1")], make.ACTOR, "again")
    assert prune(at, output=9999 * DAY).events == 6
    assert [event.kind for event in events.since(connection, at.list_id, Cursor())] == ["list.started", "task.requeued"]


def test_a_readers_place_survives(ready_database, connection):
    at = bench(connection, make.document(make.task(id="T1")))
    run = run_through(at, 1)
    found = events.since(connection, at.list_id, Cursor())
    cursor, number = events.after(found, Cursor()), found[-1].id
    age(connection, 91)
    prune(at)
    tasks.requeue(connection, [run.queue_id], make.ACTOR, "again")
    new = events.since(connection, at.list_id, cursor)
    assert [event.kind for event in new] == ["task.requeued"]
    line = Line(lambda: connection, at.list_id)
    assert list(following.log(line, since=number, text=True, follow=False)) == new


def test_a_batch_is_bounded_and_what_is_gone_when_it_is_interrupted_stays_gone(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    for _ in range(2):
        (run,) = at.claim()
        connection.execute(
            "INSERT INTO executor.run_output (run_id, chunk, content) SELECT %s, n, 'x' FROM generate_series(1, 600) n",
            [run.run_id],
        )
        at.settle(run)
        tasks.requeue(connection, [run.queue_id], make.ACTOR, "again")
    told = []

    def tell(path, gone):
        told.append(gone)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pruning.prune(connection, None, {"runs": 1}, tell=tell)
    assert [one.output for one in told] == [256, 512]
    assert left(at, "run_output") == 1200 - 512
    assert prune(at, runs=1) == Gone(runs=1, output=600 - 512)


def test_each_list_keeps_what_its_file_says_and_what_is_typed_counts_first(connection):
    text = make.document(make.task(id="T1"), keep={"runs": 1, "output": "1h"})
    saving = bench(connection, text)
    other = bench(connection, make.document(make.task(id="T1")), path="/lists/other.md")
    for at in (saving, other):
        run_through(at, 3)
    assert pruning.prune(connection, None, {"runs": None}, tell=lambda path, gone: None) == Gone(runs=2, output=4)
    assert prune(other, runs=2) == Gone(runs=1, output=2)
    assert pruning.keep_of({"runs": 3, "output": 60.0}, {"output": DAY}) == Keep(runs=3, output=DAY)
