"""What happened and what was printed: one task's runs, the event log and output, now or as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from executor.database import translate
from executor.errors import UsageError
from executor.events import Event, timestamp
from executor.model import ListRow, RunRow
from executor.queue import events, tasks
from executor.queue.events import Cursor

# NOTIFY may be lost (a proxy, a broken connection): then the reader is this late, and no event is missing.
POLL_SECONDS = 1.0


def run_as_dict(run: RunRow) -> dict[str, object]:
    """One run of `show --json`."""
    return {
        "run_id": run.run_id,
        "attempt": run.attempt,
        "status": run.status,
        "worker": run.worker,
        "started_at": timestamp(run.started_at),
        "ended_at": timestamp(run.ended_at),
        "exit_code": run.exit_code,
        "signal": run.signal,
        "error": run.error,
        "cpu_seconds": run.cpu_seconds,
        "memory_bytes": run.memory_bytes,
        "output_bytes": run.output_bytes,
    }


def choose_run(connection: Connection[Any], queue_id: int, attempt: int | None) -> RunRow:
    """The newest run of a task, or of one attempt at it."""
    with translate.errors():
        runs = tasks.runs(connection, queue_id)
    wanted = [run for run in runs if attempt is None or run.attempt == attempt]
    if not wanted:
        raise UsageError(
            "this task has not been run" if not runs else f"no attempt {attempt}",
            hint=f"attempts so far: {', '.join(str(run.attempt) for run in runs)}" if runs else "see `executor status`",
        )
    return wanted[-1]


def log(connection: Connection[Any], row: ListRow, since: int, *, follow: bool) -> Iterator[Event]:
    """Every event after the one with id `since` (0: from the beginning), up to now or, with `follow`, for ever.

    As NOTIFY tells of them, and by polling where it does not; in the order in which they became visible.
    """
    with translate.errors():
        if follow:
            connection.execute("LISTEN executor")
        cursor = events.cursor_of(connection, row.list_id, since) if since else Cursor()
        while True:
            found = events.since(connection, row.list_id, cursor)
            yield from found
            cursor = events.after(found, cursor)
            if not found and not follow:
                return
            if not found:
                _wait(connection)


def output(connection: Connection[Any], run_id: int, queue_id: int, *, follow: bool) -> Iterator[bytes]:
    """What a run printed, in order; with `follow` until it ends."""
    with translate.errors():
        if follow:
            connection.execute("LISTEN executor")
        after = -1
        while True:
            running = follow and any(
                run.run_id == run_id and run.ended_at is None for run in tasks.runs(connection, queue_id)
            )
            for number, content in events.output(connection, run_id, after):
                yield content
                after = number
            if not running:  # asked before the output was read: nothing can have come after it
                return
            _wait(connection)


def _wait(connection: Connection[Any]) -> None:
    for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
        return
