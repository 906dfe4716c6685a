"""The queue without the work: claim and settle with a runner that does nothing, beside three job queues of Python.

Run with `make bench`, or alone; prints a Markdown table. Rates are without start-up and without filling the queue, on
the same server, a fresh database each; every round measures all, and the median of the rounds counts. Ours is fenced
and keeps run, events and row of every task; Procrastinate and DBOS keep the row; PgQueuer deletes it and logs a line.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from msgspec.structs import replace

from executor import outcome
from executor.engine import loop
from executor.model import Claimed
from executor.outcome import Outcome
from executor.queue import lists, steps, workers
from executor.queue.steps import Appetite, Turn
from executor.queue.waterline import Waterline
from executor.states import RunStatus
from tests import make
from tests.benchmarks.ground import Ground, ground, machine, middle, peers, rounds, table, versions

TASKS, SINGLE, ROUNDS = 10_000, 2_000, rounds(3)
LAYERS, FAN = 20, 5_000  # the ids of more would be a line longer than a task may have
DONE = Outcome(RunStatus.SUCCEEDED, exit_code=0)


def free(number: int, tasks: int) -> list[int]:
    return []


def chain(number: int, tasks: int) -> list[int]:
    return [number - 1] if number else []


def fan_out(number: int, tasks: int) -> list[int]:
    return [0] if number else []


def fan_in(number: int, tasks: int) -> list[int]:
    return list(range(max(0, number - FAN), number)) if number == tasks - 1 else []


def layered(number: int, tasks: int) -> list[int]:
    width = tasks // LAYERS
    above = (number // width - 1) * width
    return [] if number < width else sorted({above + (number * 7 + step * 13) % width for step in range(3)})


def document(shape: Callable[[int, int], list[int]], tasks: int) -> str:
    """A list whose tasks wait for each other in this shape."""
    return make.document(
        *(
            make.task(id=f"T-{number}", depends_on=[f"T-{one}" for one in shape(number, tasks)])
            for number in range(tasks)
        )
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """Tasks a second; for each task, milliseconds of processor time in the client and in the server, and commits."""

    rate: float
    client: float = 0.0
    server: float = 0.0
    commits: float = 0.0


def drain(connection: psycopg.Connection[Any], list_id: int, batch: int) -> int:
    """Work a list off, a batch a turn, hearing what people want as often as the loop does; how many tasks it were."""
    worker_id = workers.register(
        connection,
        name="bench",
        host="here",
        boot_id="boot",
        pid_namespace="1",
        pid=1,
        pid_started=1,
        slots=batch,
        version="bench",
        lease=timedelta(hours=1),
        labels=[],
    )
    workers.serve(connection, worker_id, list_id)
    lists.start(connection, list_id, actor="bench", jobs=batch)
    all_of_it = Appetite(batch, in_order=False, stop_if_failed_since="infinity")
    held: Sequence[Claimed] = ()
    line, done, asked_at, is_hungry = Waterline(), 0, 0.0, True
    while held or is_hungry:
        moves = [outcome.decide(one.run_id, one.queue_id, DONE, again=None, skip=False) for one in held]
        done += len(moves)
        now = time.monotonic()
        asks = now >= asked_at + loop.ORDERS_SECONDS
        asked_at = now if asks else asked_at
        appetite = replace(all_of_it, beyond=line.now())
        held = steps.take(
            connection, Turn(list_id, worker_id, "bench", moves=moves, appetite=appetite, orders=asks)
        ).claimed
        is_hungry = line.rise(appetite.beyond, batch, held)
    return done


def ours(on: Ground, shape: Callable[[int, int], list[int]], batch: int, *, pinned: bool = False) -> Rate:
    """Our rate, with one worker."""
    url = on.fresh("ours", ours=True)
    tasks = TASKS if batch > 1 else SINGLE
    with psycopg.connect(url, autocommit=True) as connection, psycopg.connect(url) as elsewhere:
        list_id, _ = make.synced(connection, document(shape, tasks))
        connection.execute("VACUUM ANALYZE")
        if pinned:
            elsewhere.execute("SELECT pg_current_xact_id()")
        commits = on.commits()
        server, client, began = on.cpu(), time.process_time(), time.perf_counter()
        assert drain(connection, list_id, batch) == tasks
        took = time.perf_counter() - began
        client, server = time.process_time() - client, on.cpu() - server
        return Rate(tasks / took, client / tasks * 1e3, server / tasks * 1e3, (on.commits() - commits) / tasks)


def side_by_side(on: Ground, number: int) -> Rate:
    """Our rate with so many workers at one list, batches of 20 each."""
    url = on.fresh("ours", ours=True)
    with psycopg.connect(url, autocommit=True) as connection:
        list_id, _ = make.synced(connection, document(free, TASKS))
        connection.execute("VACUUM ANALYZE")
    command = [sys.executable, "-m", "tests.benchmarks.queue_core", url, str(list_id)]
    with ThreadPoolExecutor(number) as pool:
        figures = list(pool.map(lambda _: _answer(command), range(number)))
    took = max(end for _, end in figures) - min(begin for begin, _ in figures)
    return Rate(TASKS / took)


def _answer(command: list[str]) -> tuple[float, float]:
    begin, end = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(begin), float(end)


def one_of_many(url: str, list_id: int) -> None:
    """A worker of `side_by_side`: prints when it began and ended."""
    with psycopg.connect(url, autocommit=True) as connection:
        began = time.monotonic()
        drain(connection, list_id, 20)
        print(began, time.monotonic())


def peer(on: Ground, python: Path, name: str, jobs: int, how: int) -> Rate:
    """The rate of a peer's script."""
    script = Path(__file__).parent / "peers" / f"{name}_noop.py"
    url = on.fresh("peer")
    ended = subprocess.run([python, script, url, str(jobs), str(how)], check=True, capture_output=True, text=True)
    return Rate(jobs / float(ended.stdout.split()[-1]))


def commits(on: Ground) -> Rate:
    """What the server commits for one client that inserts one row a time, as pgbench counts it."""
    url = on.fresh("commits")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number integer)")
    script = on.data.parent / "insert.sql"
    script.write_text("INSERT INTO kept VALUES (1);\n")
    script.chmod(0o644)
    command = [on.binaries / "pgbench", "-n", "-M", "prepared", "-c", "1", "-T", "4", "-f", script, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Rate(float(said.rsplit("tps = ", 1)[1].split()[0]))


def subjects(on: Ground, python: Path | None) -> dict[str, Callable[[], Rate]]:
    """What a round measures, by name."""
    measured: dict[str, Callable[[], Rate]] = {"the server's own commits, one client (pgbench)": lambda: commits(on)}
    if python:
        others = {
            "PgQueuer, batches of 100": ("pgqueuer", TASKS, 100),
            "PgQueuer, batches of 10": ("pgqueuer", TASKS, 10),
            "Procrastinate, 10 at a time": ("procrastinate", SINGLE, 10),
            "DBOS, as many as it likes": ("dbos", SINGLE, 0),
            "Procrastinate, one at a time": ("procrastinate", SINGLE // 4, 1),
            "DBOS, one at a time": ("dbos", SINGLE // 100, 1),
        }
        measured |= {
            name: lambda peers=one: peer(on, python, *peers)  # type: ignore[misc]
            for name, one in others.items()
        }
    for shape in (free, fan_out, fan_in, layered):
        name = shape.__name__.replace("_", " ")
        measured[f"executor, batches of 100, {name}"] = lambda shape=shape: ours(on, shape, 100)  # type: ignore[misc]
    for shape in (free, chain, layered):
        measured[f"executor, one at a time, {shape.__name__}"] = lambda shape=shape: ours(on, shape, 1)  # type: ignore[misc]
    measured["executor, one at a time, a transaction held open elsewhere"] = lambda: ours(on, free, 1, pinned=True)
    measured["executor, batches of 100, a transaction held open elsewhere"] = lambda: ours(on, free, 100, pinned=True)
    for number in (1, 2, 4, 8):
        measured[f"executor, {number} workers, batches of 20"] = lambda number=number: side_by_side(on, number)  # type: ignore[misc]
    return measured


def main() -> None:
    python = peers()
    with ground() as on:
        measured = subjects(on, python)
        rates: dict[str, list[Rate]] = {name: [] for name in measured}
        for _ in range(ROUNDS):
            for name, measure in measured.items():
                rates[name].append(measure())
                print(f"{name}: {rates[name][-1]}", file=sys.stderr)
    named = versions(python, "procrastinate", "pgqueuer", "dbos") if python else "without peers"
    print(f"{machine()}; {named}. Median of {ROUNDS} rounds.\n")
    table(
        ["tasks without work", "tasks/s", "client ms", "server ms", "commits a task"],
        [
            [
                name,
                f"{middle([one.rate for one in found]):,.0f}",
                *(
                    f"{middle(figures):.3f}" if any(figures) else ""
                    for figures in (
                        [one.client for one in found],
                        [one.server for one in found],
                        [one.commits for one in found],
                    )
                ),
            ]
            for name, found in rates.items()
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        one_of_many(sys.argv[1], int(sys.argv[2]))
    else:
        main()
