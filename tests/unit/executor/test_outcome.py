from __future__ import annotations

from datetime import timedelta

import pytest

from executor import outcome, states
from executor.errors import IllegalMove
from executor.outcome import Outcome
from executor.states import RunStatus, TaskStatus

WAIT = timedelta(seconds=3)


def decided(status, *, again=None, skip=False):
    return outcome.decide(1, 2, Outcome(status, "e", exit_code=7, signal=9), again=again, skip=skip)


@pytest.mark.parametrize(
    ("status", "again", "skip", "task"),
    [
        (RunStatus.SUCCEEDED, None, False, TaskStatus.COMPLETED),
        (RunStatus.SUCCEEDED, WAIT, True, TaskStatus.COMPLETED),  # it was through before it could be skipped
        (RunStatus.FAILED, None, False, TaskStatus.FAILED),
        (RunStatus.FAILED, WAIT, False, TaskStatus.QUEUED),
        (RunStatus.FAILED, WAIT, True, TaskStatus.SKIPPED),
        (RunStatus.TIMED_OUT, None, False, TaskStatus.FAILED),
        (RunStatus.TIMED_OUT, timedelta(), False, TaskStatus.QUEUED),
        (RunStatus.CANCELLED, None, False, TaskStatus.QUEUED),
        (RunStatus.CANCELLED, None, True, TaskStatus.SKIPPED),
        (RunStatus.LOST, None, False, TaskStatus.QUEUED),
        (RunStatus.LOST, WAIT, True, TaskStatus.SKIPPED),
    ],
)
def test_where_a_task_goes_after_a_run(status, again, skip, task):
    move = decided(status, again=again, skip=skip)
    assert move.task_status is task
    assert move.run_status is status
    assert (move.run_id, move.queue_id, move.error, move.exit_code, move.signal) == (1, 2, "e", 7, 9)
    assert states.may(TaskStatus.RUNNING, move.task_status)


def test_only_a_run_that_we_cut_short_costs_nothing():
    free = [status for status in RunStatus if status is not RunStatus.RUNNING and not decided(status).counts]
    assert free == [RunStatus.CANCELLED, RunStatus.REFUSED]


def test_only_a_failure_that_is_tried_again_waits():
    assert decided(RunStatus.FAILED, again=WAIT).wait == WAIT
    assert decided(RunStatus.LOST, again=WAIT).wait == timedelta()
    assert decided(RunStatus.SUCCEEDED, again=WAIT).wait == timedelta()


def test_a_run_that_has_not_ended_decides_nothing():
    with pytest.raises(IllegalMove, match="run 1 has not ended"):
        decided(RunStatus.RUNNING)
