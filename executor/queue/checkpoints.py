"""What tasks keep for their next attempt, and how far they say they are."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from sql import queries

CHECKPOINTS = queries.load("checkpoints")


def held(connection: Connection[Any], run_id: int) -> tuple[int, dict[str, str]] | None:
    """Queue id and checkpoint of the task that this run holds, kept from others to the end of the transaction."""
    row: tuple[int, dict[str, str]] | None = connection.execute(CHECKPOINTS.held, {"run_id": run_id}).fetchone()
    return row


def keep(connection: Connection[Any], queue_id: int, key: str, value: str) -> None:
    """Keep a value under its key."""
    connection.execute(CHECKPOINTS.keep, {"queue_id": queue_id, "key": key, "value": value})


def of_run(connection: Connection[Any], run_id: int) -> dict[str, str] | None:
    """What the task of a run has kept; None for a run that nobody knows."""
    row = connection.execute(CHECKPOINTS.of_run, {"run_id": run_id}).fetchone()
    return None if row is None else row[0]


def tell(connection: Connection[Any], run_id: int, progress: str) -> bool:
    """Note how far a run says it is; False when it no longer holds its task."""
    return connection.execute(CHECKPOINTS.tell, {"run_id": run_id, "progress": progress}).fetchone() is not None
