"""What a claim costs after a million settled tasks, beside the same queue without them.

Run with `make bench`, or alone; prints a Markdown table. 900,000 tasks are entered as completed, with a run and two
events each; the last 100,000 are claimed and settled as a worker does it, a hundred a turn, so that what they leave
behind is real.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import psycopg
from psycopg import Connection

from executor import outcome
from executor.outcome import Outcome
from executor.queue import steps
from executor.queue.steps import STEPS, Appetite, Turn
from executor.states import RunStatus
from tests import make
from tests.benchmarks.ground import Ground, ground, machine, table
from tests.database.queue.bench import Bench

ENTERED, CHURNED, QUEUED = 900_000, 100_000, 1_000
ROUNDS = 7
RATIO_MAX = 1.1
SETTLED = """
    WITH made AS (
        INSERT INTO executor.task_queue
            (list_id, task_list_path, task_id, title, priority, own_rank, rank, position, runner, fingerprint, status,
            completed_at, attempts)
        SELECT list_id, task_list_path, 'S' || n, 'Do it', 'P3', 3, 3, n, 'shell', 'f', 'completed', now(), 1
        FROM executor.executor_state, generate_series(1, %s) AS n
        RETURNING list_id, queue_id
    ), ran AS (
        INSERT INTO executor.run (queue_id, worker_id, worker, attempt, status, ended_at)
        SELECT queue_id, 1, 'bench', 1, 'succeeded', now() FROM made
        RETURNING run_id, queue_id
    )
    INSERT INTO executor.event (list_id, queue_id, run_id, attempt, kind, actor)
    SELECT list_id, queue_id, run_id, 1, kind, 'bench'
    FROM ran JOIN made USING (queue_id), unnest('{task.started,task.completed}'::text[]) AS kind
"""
MORE = """
    INSERT INTO executor.task_queue
        (list_id, task_list_path, task_id, title, priority, own_rank, rank, position, runner, fingerprint)
    SELECT list_id, task_list_path, %s || n, 'Do it', 'P3', 3, 3, n, 'shell', 'f'
    FROM executor.executor_state, generate_series(1, %s) AS n
"""


def turns(at: Bench, size: int) -> list[float]:
    """Seconds of each turn that settles what the last one claimed and claims as many again, until nothing is left."""
    took, moves = [], ()
    while True:
        began = time.perf_counter()
        turn = Turn(at.list_id, at.worker_id, at.name, moves=moves, appetite=Appetite(size, False, "infinity"))
        claimed = steps.take(at.connection, turn).claimed
        took.append(time.perf_counter() - began)
        if not claimed:
            return took
        ended = Outcome(RunStatus.SUCCEEDED, "", exit_code=0)
        moves = tuple(outcome.decide(one.run_id, one.queue_id, ended, again=None, skip=False) for one in claimed)


def blocks(at: Bench) -> int:
    """Pages that one claim of eight reads."""
    here = {"list_id": at.list_id, "worker_id": at.worker_id, "worker": at.name}
    query = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + STEPS.claim.replace(b"LIMIT 1 ", b"LIMIT 8 ")
    parameters = here | steps._appetite_columns(Appetite(8, False, "infinity"))
    with at.connection.transaction(force_rollback=True):
        row = at.connection.execute(query, parameters).fetchone()
    assert row is not None, "EXPLAIN answers"
    plan = row[0][0]["Plan"]
    assert "Seq Scan" not in json.dumps(plan) or "task_queue" not in _scanned(plan), "the claim reads its index alone"
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _scanned(plan: dict[str, Any]) -> set[str]:
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set[str]()
    return found.union(*(_scanned(child) for child in plan.get("Plans", ())))


def measure(at: Bench, name: str) -> tuple[float, int]:
    """Median milliseconds of a turn over a thousand queued tasks, and the pages of a claim."""
    at.connection.execute(MORE, [f"{name}-", QUEUED])
    read = blocks(at)
    return statistics.median(turns(at, 8)) * 1000, read


def fill(connection: Connection[Any], at: Bench) -> None:
    connection.execute(SETTLED, [ENTERED])
    connection.execute(MORE, ["C", CHURNED])
    turns(at, 100)


def _bench(on: Ground, name: str) -> Bench:
    connection = psycopg.connect(on.fresh(name, ours=True), autocommit=True)
    return Bench(connection, make.entered(connection, []))


def main() -> None:
    with ground() as on:
        settled, fresh = _bench(on, "settled"), _bench(on, "fresh")
        began = time.perf_counter()
        fill(settled.connection, settled)
        print(f"filled in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        # In turns, so that whatever else the machine does is shared; the best of each counts.
        rounds = [(measure(fresh, f"r{number}"), measure(settled, f"r{number}")) for number in range(ROUNDS)]
        before, after = (min(times) for times in zip(*rounds, strict=True))
        for at in (settled, fresh):
            at.connection.close()
    print(f"{machine()}.\n")
    table(
        ["settled tasks", "a turn (settle 8, claim 8)", "pages that a claim of 8 reads"],
        [
            [f"{number:,}", f"{milliseconds:.2f} ms", str(read)]
            for number, (milliseconds, read) in (
                (ROUNDS * QUEUED, before),
                (ENTERED + CHURNED + ROUNDS * QUEUED, after),
            )
        ],
    )
    print(f"\nRatio {after[0] / before[0]:.2f}; to hold: {RATIO_MAX}.")


if __name__ == "__main__":
    main()
