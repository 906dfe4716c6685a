"""A large queue under load: written to a file, lost, and put back the same, in little memory.

CHAOS=long takes 10,000 tasks, 30,000 runs and a gigabyte of output (`make chaos`).
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from crash_site import Site, act
from psycopg import Connection

from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_TASKS, _OUTPUT = (10_000, 1 << 30) if _LONG else (200, 8 << 20)
_RUNS = 3 * _TASKS
_MEGABYTES_MAX = 200
_PATIENCE = 540 if _LONG else 60

_FILL = (
    """
    INSERT INTO executor.executor_state (task_list_path) VALUES ('/lists/big.md');
    INSERT INTO executor.task_queue
        (list_id, task_list_path, task_id, title, position, priority, rank, own_rank, runner, fingerprint, status,
         completed_at)
    SELECT list_id, task_list_path, 'T-' || n, 'Task ' || n, n, 'P3', 3, 3, 'shell', 'f', 'completed', now()
    FROM executor.executor_state, generate_series(1, {tasks}) AS n WHERE task_list_path = '/lists/big.md'
    """,
    """
    INSERT INTO executor.run (queue_id, worker_id, worker, attempt, status, ended_at)
    SELECT queue_id, 1, 'w', attempt, CASE attempt WHEN 3 THEN 'succeeded' ELSE 'failed' END, now()
    FROM executor.task_queue, generate_series(1, 3) AS attempt WHERE task_list_path = '/lists/big.md'
    """,
    # A third of it does not compress, as the output of real programs.
    """
    INSERT INTO executor.run_output (run_id, chunk, content)
    SELECT run_id, 0, decode(repeat(md5(run_id::text), {third} / 16), 'hex')
        || decode((SELECT string_agg(md5(run_id::text || n), '') FROM generate_series(1, {third} / 16) AS n), 'hex')
        || convert_to(repeat(E'a line of a log\\n', {third} / 16), 'UTF8')
    FROM executor.run
    """,
    """
    INSERT INTO executor.event (list_id, queue_id, kind, actor)
    SELECT list_id, queue_id, 'task.completed', 'w' FROM executor.task_queue, generate_series(1, 3)
    """,
)


@pytest.mark.chaos
def test_a_large_queue_is_lost_under_load_and_comes_back(site: Site, tmp_path: Path) -> None:
    with closing(site.connect()) as admin:
        for statement in _FILL:
            admin.execute(statement.format(tasks=_TASKS, third=_OUTPUT // _RUNS // 3).encode())
        site.write(*(make.task(id=f"L-{number}", run=act()) for number in range(2000 if _LONG else 100)))
        load = site.start("-j", "2")
        site.begun("L-0")
        backup = _measured(site, "db", "backup", tmp_path / "big.backup")
        assert load.process.poll() is None or load.process.returncode == 0
        site.end(load, _PATIENCE)
        before = _fixed_part(admin)
        admin.execute("DROP SCHEMA executor CASCADE")
        restored = _measured(site, "db", "restore", tmp_path / "big.backup")
        assert _fixed_part(admin) == before
    assert site.run("-j", "2", seconds=_PATIENCE) == 0, "the list that ran meanwhile goes on from the backup"
    print({"backup": backup, "restore": restored, "megabytes": (tmp_path / "big.backup").stat().st_size >> 20})


def _fixed_part(connection: Connection[Any]) -> list[Any]:
    """What nobody worked on while it was written, by the server's own arithmetic."""
    queries = (
        (
            "SELECT count(*), md5(string_agg(task::text, '' ORDER BY queue_id)) "
            "FROM executor.task_queue AS task WHERE task_list_path = '/lists/big.md'"
        ),
        "SELECT count(*), md5(string_agg(run::text, '' ORDER BY run_id)) FROM executor.run WHERE worker = 'w'",
        (
            "SELECT count(*), sum(length(content)), md5(string_agg(md5(content), '' ORDER BY run_id, chunk)) "
            "FROM executor.run_output JOIN executor.run USING (run_id) WHERE worker = 'w'"
        ),
        (
            "SELECT count(*), md5(string_agg((to_jsonb(event) - 'xid')::text, '' ORDER BY event_id)) "
            "FROM executor.event WHERE actor = 'w'"
        ),
    )
    return [connection.execute(query).fetchone() for query in queries]


def _measured(site: Site, *words: object) -> tuple[float, int]:
    """Run a command to its end: seconds, and its greatest memory in megabytes, which has a bound."""
    began = time.monotonic()
    worker = site.begin(*map(str, words))
    _, status, used = os.wait4(worker.pid, 0)
    worker.process.returncode = os.waitstatus_to_exitcode(status)
    assert worker.process.returncode == 0, worker.said()
    megabytes = used.ru_maxrss // 1024
    assert megabytes < _MEGABYTES_MAX
    return round(time.monotonic() - began, 1), megabytes
