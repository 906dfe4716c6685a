"""What waits for what: counters of unmet dependencies, tasks skipped for a failure, and their return."""

from __future__ import annotations

import pytest
from bench import bench

from executor.operations import control
from executor.queue import lists, steps, tasks
from executor.states import RunStatus
from tests import make

DIAMOND = make.document(
    make.task(id="T1"),
    make.task(id="T2", depends_on=["T1"]),
    make.task(id="T3", depends_on=["T1"]),
    make.task(id="T4", depends_on=["T2", "T3"]),
)
FAN_IN = make.document(
    *(make.task(id=f"T{n}") for n in range(5)), make.task(id="T9", depends_on=[f"T{n}" for n in range(5)])
)
FAN_OUT = make.document(make.task(id="T1"), *(make.task(id=f"T{n}", depends_on=["T1"]) for n in range(2, 7)))
SHAPES = {
    "chain": (make.chain("T1", "T2", "T3", "T4"), [["T1"], ["T2"], ["T3"], ["T4"]]),
    "diamond": (DIAMOND, [["T1"], ["T2", "T3"], ["T4"]]),
    "fan in": (FAN_IN, [["T0", "T1", "T2", "T3", "T4"], ["T9"]]),
    "fan out": (FAN_OUT, [["T1"], ["T2", "T3", "T4", "T5", "T6"]]),
}


def named(at, *task_ids):
    return [name for name in tasks.names(at.connection, at.list_id) if name.task_id in task_ids]


def row(at):
    return lists.find(at.connection, make.PATH)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("together", [True, False])
def test_each_wave_is_ready_when_the_one_before_is_done(connection, shape, together):
    text, waves = SHAPES[shape]
    at = bench(connection, text)
    for wave in waves:
        runs = at.claim(99)
        assert [run.task_id for run in runs] == wave
        for number, run in enumerate(runs):
            at.settle(run)
            if not together and number + 1 < len(runs) and shape in ("fan in", "diamond"):
                assert at.claim() == []
    assert set(at.statuses().values()) == {"completed"}
    assert steps.recount(connection, at.list_id) == 0
    assert set(at.column("unmet").values()) == {0}


def test_a_failure_skips_what_waits_for_it_at_any_distance_and_says_why(connection):
    at = bench(connection, DIAMOND)
    (first,) = at.claim()
    at.settle(first)
    two, three = at.claim(2)
    skipped = at.settle(two, RunStatus.FAILED).skipped
    assert [(one.task_id, one.skip_reason) for one in skipped] == [("T4", "depends on T2, which failed")]
    at.settle(three)
    assert at.statuses() == {"T1": "completed", "T2": "failed", "T3": "completed", "T4": "skipped"}
    assert at.column("skip_cause")["T4"] == at.queue_id("T2")


def test_requeue_of_the_cause_brings_everything_behind_it_back(connection):
    at = bench(connection, make.chain("T1", "T2", "T3"))
    at.settle(at.claim()[0], RunStatus.FAILED)
    assert at.statuses() == {"T1": "failed", "T2": "skipped", "T3": "skipped"}
    assert control.requeue(connection, row(at), named(at, "T1"), "ann", with_dependents=False) == {"T1": "failed"}
    assert set(at.statuses().values()) == {"queued"}
    assert at.column("unmet") == {"T1": 0, "T2": 1, "T3": 1}
    assert set(at.column("failures").values()) == {0}


def test_what_two_failures_hold_back_returns_with_the_second(connection):
    at = bench(
        connection, make.document(make.task(id="T1"), make.task(id="T2"), make.task(id="T3", depends_on=["T1", "T2"]))
    )
    for run in at.claim(2):
        at.settle(run, RunStatus.FAILED)
    control.requeue(connection, row(at), named(at, "T1"), "ann", with_dependents=False)
    assert at.statuses() == {"T1": "queued", "T2": "failed", "T3": "skipped"}
    assert at.column("skip_reason")["T3"] == "depends on T2, which failed"
    control.requeue(connection, row(at), named(at, "T2"), "ann", with_dependents=False)
    assert set(at.statuses().values()) == {"queued"}


def test_a_persons_skip_counts_as_met_and_a_skip_for_a_failure_does_not(connection):
    at = bench(connection, make.chain("T1", "T2", "T3"))
    assert control.skip(connection, row(at), named(at, "T1"), "ann") == {"T1": "queued"}
    assert at.column("unmet") == {"T1": 0, "T2": 0, "T3": 1}
    at.settle(at.claim()[0], RunStatus.FAILED)
    assert at.statuses() == {"T1": "skipped", "T2": "failed", "T3": "skipped"}
    assert at.column("unmet")["T3"] == 1
    control.skip(connection, row(at), named(at, "T2"), "ann")
    assert at.statuses() == {"T1": "skipped", "T2": "skipped", "T3": "queued"}
    assert at.ids() == ["T3"]


def test_requeue_with_dependents_takes_all_of_them_back(connection):
    at = bench(connection, DIAMOND)
    while runs := at.claim(9):
        for run in runs:
            at.settle(run)
    control.requeue(connection, row(at), named(at, "T2"), "ann", with_dependents=True)
    assert at.statuses() == {"T1": "completed", "T2": "queued", "T3": "completed", "T4": "queued"}
    assert at.column("unmet") == {"T1": 0, "T2": 0, "T3": 0, "T4": 1}


def test_done_on_a_failed_task_frees_what_was_skipped_for_it(connection):
    at = bench(connection, make.chain("T1", "T2"))
    at.settle(at.claim()[0], RunStatus.FAILED)
    control.done(connection, row(at), named(at, "T1"), "ann")
    assert at.statuses() == {"T1": "completed", "T2": "queued"}
    assert at.ids() == ["T2"]


def test_a_running_task_is_out_of_a_persons_reach_but_for_a_wish(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    (run,) = at.claim()
    here = row(at)
    assert control.requeue(connection, here, named(at, "T1"), "ann", with_dependents=False) == {"T1": "running"}
    assert control.done(connection, here, named(at, "T1"), "ann") == {"T1": "running"}
    assert control.skip(connection, here, named(at, "T1"), "ann") == {"T1": "running"}
    assert at.statuses() == {"T1": "running"}
    at.settle(run, RunStatus.CANCELLED, skip=True)
    assert at.statuses() == {"T1": "skipped"}


def test_a_recount_mends_counters_that_something_broke(connection):
    at = bench(connection, DIAMOND)
    connection.execute("UPDATE executor.task_queue SET unmet = 7 WHERE task_id <> 'T1'")
    assert steps.recount(connection, at.list_id) == 3
    assert at.column("unmet") == {"T1": 0, "T2": 1, "T3": 1, "T4": 2}


def test_retry_failed_takes_every_failed_task(connection):
    at = bench(connection, FAN_IN)
    for run in at.claim(2):
        at.settle(run, RunStatus.FAILED)
    assert control.retry_failed(connection, row(at), "ann") == 2
    assert set(at.statuses().values()) == {"queued"}
