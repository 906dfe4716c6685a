from __future__ import annotations

import pytest

from executor import states
from executor.errors import IllegalMove
from executor.states import NEXT, TaskStatus


def test_every_status_has_a_row_and_leads_somewhere():
    assert set(NEXT) == set(TaskStatus)
    assert all(NEXT.values())


def test_a_move_in_the_table_is_given_back_and_any_other_raises():
    for now in TaskStatus:
        for then in TaskStatus:
            if states.may(now, then):
                assert states.check(now, then) is then
            else:
                with pytest.raises(IllegalMove, match=f"from {now} to {then}"):
                    states.check(now, then)


def test_every_status_can_be_left_for_the_queue_or_for_work():
    assert TaskStatus.RUNNING in NEXT[TaskStatus.QUEUED]
    assert all(TaskStatus.QUEUED in NEXT[status] for status in TaskStatus if status is not TaskStatus.QUEUED)


def test_nothing_runs_that_was_not_queued():
    assert [now for now in TaskStatus if TaskStatus.RUNNING in NEXT[now]] == [TaskStatus.QUEUED]


def test_the_diagram_has_an_arrow_for_every_move():
    lines = states.diagram().split("\n")
    assert lines[0] == "stateDiagram-v2"
    assert len(lines) == 2 + sum(len(thens) for thens in NEXT.values())
    assert "    running --> failed" in lines
