from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from executor.engine import wishes
from executor.engine.wishes import Wishes
from executor.errors import UsageError
from executor.model import ListRow, TaskRow
from executor.queue.steps import Offer
from executor.selection import Filters

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(*, sequential=True, **settings):
    return ListRow(
        list_id=1,
        path="/l.md",
        title="",
        dialect="",
        sequential=sequential,
        settings=settings,
        status="stopped",
        status_by=None,
        source_sha256=None,
        reader=None,
        synced_at=None,
        started_at=None,
        paused_at=None,
        stopped_at=None,
        created_at=NOW,
        held=False,
        host=None,
        reading={},
        stop_reason=None,
        workers=0,
    )


def task(queue_id, *, section=(), tags=(), priority="P3"):
    return TaskRow(
        queue_id=queue_id,
        task_id=f"T{queue_id}",
        title="",
        description="",
        priority=priority,
        section=section,
        status="queued",
        position=queue_id,
        dependencies=(),
        tags=tags,
        blocked_by=(),
        unmet=0,
        hold=None,
        approved_at=None,
        runner="shell",
        assignee=None,
        agent=None,
        attempts=0,
        last_error=None,
        failed_before=False,
        skip_reason=None,
        backing_off=False,
        due_in=None,
        queued_at=NOW,
        started_at=None,
        completed_at=None,
        worker_id=None,
        worker=None,
        lease_left=None,
        review=None,
        notes=(),
        checkpoint={},
        progress=None,
        asked=None,
        asked_at=None,
        answer_until=None,
        elapsed=None,
        file_priority=None,
        rank=3,
    )


def chosen(wished=None, **more):
    return wishes.choices(wished or Wishes(), row(**more), only=None, now=NOW)


def test_a_list_that_says_nothing_runs_one_task_at_a_time_without_retries():
    choices = chosen()
    assert (choices.retry.retries, choices.retry.delay) == (0, timedelta(seconds=5))
    assert wishes.jobs(Wishes(), {}) == 1


def test_the_command_line_comes_before_the_list():
    wished = Wishes(jobs=2, overrides={"retries": 1})
    choices = chosen(wished, retries=5, retry_delay=0.5)
    assert (choices.retry.retries, choices.retry.delay) == (1, timedelta(seconds=0.5))
    assert (wishes.jobs(wished, {"jobs": 8}), wishes.jobs(Wishes(), {"jobs": 8})) == (2, 8)


@pytest.mark.parametrize(
    ("sequential", "settings", "fail_fast", "since"),
    [
        (True, {}, None, "-infinity"),
        (True, {"keep_going": True}, None, "infinity"),
        (True, {}, False, "infinity"),
        (True, {"keep_going": True}, True, "-infinity"),
        (False, {}, None, "infinity"),
        (False, {"fail_fast": True}, None, NOW),
        (False, {"fail_fast": True}, False, "infinity"),
        (False, {}, True, NOW),
    ],
)
def test_which_failures_stop_a_list(sequential, settings, fail_fast, since):
    choices = chosen(Wishes(fail_fast=fail_fast), sequential=sequential, **settings)
    assert choices.stop_if_failed_since == since
    assert choices.in_order is (sequential and since != "infinity"), "with --keep-going nothing waits behind a retry"


def test_filters_are_all_to_be_met():
    tasks = [
        task(1, section=("Build", "Wheels"), tags=("fast",), priority="P1"),
        task(2, section=("Build",), priority="P2"),
        task(3, section=("Ship",), tags=("fast",)),
    ]
    assert wishes.select(Wishes(), tasks) is None
    assert wishes.select(Wishes(filters=Filters(section="build")), tasks) == [1, 2]
    assert wishes.select(Wishes(filters=Filters(tag="#fast")), tasks) == [1, 3]
    assert wishes.select(Wishes(filters=Filters(min_priority="P2")), tasks) == [1, 2]
    assert wishes.select(Wishes(filters=Filters(section="wheel", tag="fast"), only=[1, 2]), tasks) == [1]


@pytest.mark.parametrize(
    ("wished", "said"),
    [
        (Wishes(filters=Filters(tag="slow")), "matches these filters"),
        (Wishes(filters=Filters(min_priority="P0")), "no priority 'P0'"),
        (Wishes(only=[9]), "matches"),
    ],
)
def test_a_filter_that_leaves_nothing_is_an_error(wished, said):
    with pytest.raises(UsageError, match=said):
        wishes.select(wished, [task(1)])


@pytest.mark.parametrize(
    ("sequential", "settings", "most"),
    [(True, {}, 1), (True, {"jobs": 3}, 3), (False, {}, None), (False, {"jobs": 3}, 3)],
)
def test_how_many_tasks_of_a_list_the_fleet_runs_at_a_time(sequential, settings, most):
    choices = wishes.of_fleet(row(sequential=sequential, **settings), Offer(labels=("gpu",)))
    assert (choices.most, choices.offer.labels, choices.only) == (most, ("gpu",), None)
