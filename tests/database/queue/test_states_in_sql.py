"""The schema defends itself: the moves of states.NEXT and no others, and no row that cannot be."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import CheckViolation, ForeignKeyViolation, UniqueViolation

from executor.states import NEXT, ListStatus, RunStatus, TaskStatus
from tests import make

# What a row of each status needs beside it, so that nothing but the move itself can be refused.
ROWS = {
    TaskStatus.QUEUED: "run_id = NULL, worker_id = NULL, completed_at = NULL, skip_reason = NULL",
    TaskStatus.RUNNING: "run_id = 1, worker_id = 1, completed_at = NULL, skip_reason = NULL",
    TaskStatus.COMPLETED: "run_id = NULL, worker_id = NULL, completed_at = now(), skip_reason = NULL",
    TaskStatus.FAILED: "run_id = NULL, worker_id = NULL, completed_at = now(), skip_reason = NULL",
    TaskStatus.SKIPPED: "run_id = NULL, worker_id = NULL, completed_at = now(), skip_reason = 'because'",
}
A_RUN = "INSERT INTO executor.run (queue_id, worker_id, worker,"
# How to come to a status from a fresh row.
WAYS = {
    TaskStatus.QUEUED: (),
    TaskStatus.RUNNING: (TaskStatus.RUNNING,),
    TaskStatus.COMPLETED: (TaskStatus.COMPLETED,),
    TaskStatus.FAILED: (TaskStatus.RUNNING, TaskStatus.FAILED),
    TaskStatus.SKIPPED: (TaskStatus.SKIPPED,),
}


def move(connection, status):
    connection.execute(f"UPDATE executor.task_queue SET status = '{status}', {ROWS[status]}".encode())


@pytest.mark.parametrize("now", TaskStatus)
@pytest.mark.parametrize("then", TaskStatus)
def test_a_task_moves_as_the_table_says_and_in_no_other_way(connection, now, then):
    make.entered(connection, [make.row()])
    for status in WAYS[now]:
        move(connection, status)
    if then in NEXT[now] or then == now:
        move(connection, then)
        return
    with pytest.raises(CheckViolation) as refused:
        move(connection, then)
    assert refused.value.diag.constraint_name == "legal_move"
    assert f"may not go from {now} to {then}" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("priority = 'P5'", "task_priority_known"),
        ("rank = 9", "task_priority_known"),
        ("own_rank = 9", "task_rank_lent"),
        ("file_rank = 9", "file_rank_known"),
        ("keys = '{deploy}'", "places_for_keys"),
        ("runner = 'magic'", "task_runner_known"),
        ("hold = 'gone'", "task_hold_known"),
        ("wish = 'skip'", "task_wish_known"),
        ("run_id = 1", "run_iff_running"),
        ("worker_id = 1", "worker_iff_running"),
        ("status = 'running', worker_id = 1", "run_iff_running"),
        ("completed_at = now()", "ended_iff_over"),
        ("status = 'completed'", "ended_iff_over"),
        ("skip_reason = 'x'", "reason_iff_skipped"),
        ("status = 'skipped', completed_at = now()", "reason_iff_skipped"),
        ("skip_cause = 1", "cause_only_if_skipped"),
        ("unmet = -1", "counters_not_negative"),
        ("attempts = -1", "counters_not_negative"),
    ],
)
def test_a_task_that_cannot_be_is_refused_by_name(connection, change, constraint):
    make.entered(connection, [make.row()])
    with pytest.raises(CheckViolation) as refused:
        connection.execute(f"UPDATE executor.task_queue SET {change}".encode())
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("statement", "error", "constraint"),
    [
        ("UPDATE executor.executor_state SET status = 'resting'", CheckViolation, "list_status_known"),
        (
            "INSERT INTO executor.executor_state (task_list_path) VALUES ('/lists/tasks.md')",
            UniqueViolation,
            "list_path_unique",
        ),
        ("INSERT INTO executor.task_dependency VALUES (1, 1)", CheckViolation, "no_self_dependency"),
        ("UPDATE executor.task_queue SET task_list_path = '/elsewhere.md'", ForeignKeyViolation, "task_of_list"),
        ("UPDATE executor.task_queue SET task_id = 'T2' WHERE task_id = 'T1'", UniqueViolation, "task_id_unique"),
        (f"{A_RUN} attempt) SELECT queue_id, 1, 'w', 0 FROM executor.task_queue", CheckViolation, "attempt_positive"),
        (
            f"{A_RUN} attempt, status) SELECT queue_id, 1, 'w', 1, 'failed' FROM executor.task_queue",
            CheckViolation,
            "run_ended_iff_over",
        ),
    ],
)
def test_other_rows_that_cannot_be_are_refused_by_name(connection, statement, error, constraint):
    make.entered(connection, [make.row(), make.row(task_id="T2", position=2)])
    with pytest.raises(error) as refused:
        connection.execute(statement.encode())
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("constraint", "words"),
    [("task_status_known", TaskStatus), ("run_status_known", RunStatus), ("list_status_known", ListStatus)],
)
def test_the_words_are_the_same_in_sql_and_in_python(connection, constraint, words):
    definition = connection.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [constraint]
    ).fetchone()[0]
    assert {word for word in definition.split("'")[1::2]} == {str(word) for word in words}  # noqa: C416


def test_a_list_that_is_deleted_takes_everything_of_it_along(connection):
    make.entered(connection, [make.row()])
    connection.execute(f"{A_RUN} attempt) SELECT queue_id, 1, 'w', 1 FROM executor.task_queue".encode())
    connection.execute(
        "INSERT INTO executor.run_output (run_id, chunk, content) SELECT run_id, 0, 'a' FROM executor.run"
    )
    connection.execute("DELETE FROM executor.executor_state")
    for table in ("task_queue", "run", "run_output"):
        assert connection.execute(f"SELECT count(*) FROM executor.{table}".encode()).fetchone() == (0,)


def test_a_task_that_is_deleted_takes_its_own_runs_along(connection):
    make.entered(connection, [make.row(), make.row(task_id="T2", position=2)])
    connection.execute(f"{A_RUN} attempt) SELECT queue_id, 1, task_id, 1 FROM executor.task_queue".encode())
    connection.execute("DELETE FROM executor.task_queue WHERE task_id = 'T1'")
    assert connection.execute("SELECT worker FROM executor.run").fetchall() == [("T2",)]


def test_the_active_queue_shows_what_is_still_to_run_most_urgent_first(connection):
    rows = [make.row(task_id="T1", position=1), make.row(task_id="T2", position=2, priority="P1", rank=1)]
    make.entered(connection, [*rows, make.row(task_id="T3", position=3, status="completed")])
    found = connection.execute("SELECT task_id FROM executor.v_active_queue").fetchall()
    assert found == [("T2",), ("T1",)]


def test_a_reader_of_the_queue_is_not_told_of_a_half_made_change(ready_database, connection):
    with psycopg.connect(ready_database) as other:
        make.entered(other, [make.row()])
        assert connection.execute("SELECT count(*) FROM executor.task_queue").fetchone() == (0,)
