"""One task's runs as people and programs see them."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from executor.database import translate
from executor.errors import UsageError
from executor.events import timestamp
from executor.model import RunRow
from executor.queue import events, tasks


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
        "artefacts": [{"name": kept["name"], "bytes": kept["bytes"]} for kept in run.artefacts],
        "agent": run.agent,
        "session": run.session,
        "answer": run.answer,
        "tokens_in": run.tokens_in,
        "tokens_out": run.tokens_out,
        "tokens_cached": run.tokens_cached,
        "cost_usd": run.cost_usd,
    }


def choose_run(connection: Connection[Any], queue_id: int, attempt: int | None, *, wait: bool) -> int:
    """The newest run of a task, or of one attempt at it; with `wait` 0 where a worker may still begin the first."""
    with translate.errors():
        runs = tasks.runs(connection, queue_id)
        wanted = [run for run in runs if attempt is None or run.attempt == attempt]
        if wanted:
            return wanted[-1].run_id
        if wait and attempt is None and events.attempts(connection, queue_id, 0).goes_on:
            return 0
    raise UsageError(
        "this task has not been run" if not runs else f"no attempt {attempt}",
        hint=f"attempts so far: {', '.join(str(run.attempt) for run in runs)}" if runs else "see `executor status`",
    )
