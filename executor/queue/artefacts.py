"""Files that runs keep, piece by piece."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from sql import queries

ARTEFACTS = queries.load("artefacts")
PIECE_BYTES = 1 << 20


def sizes(connection: Connection[Any], run_id: int) -> dict[str, int]:
    """What a run has kept so far, in bytes by name."""
    return dict(connection.execute(ARTEFACTS.sizes, {"run_id": run_id}).fetchall())


def drop(connection: Connection[Any], run_id: int, name: str) -> None:
    """Let go of a file of a run."""
    connection.execute(ARTEFACTS.drop, {"run_id": run_id, "name": name})


def add(connection: Connection[Any], run_id: int, name: str, piece: int, content: bytes) -> None:
    """Keep a piece, of `PIECE_BYTES` at most."""
    parameters = {"run_id": run_id, "name": name, "piece": piece, "content": content}
    connection.execute(ARTEFACTS.add, parameters, binary=True)


def newest(connection: Connection[Any], queue_id: int, name: str, attempt: int | None) -> int | None:
    """The last run of a task that kept a file of this name."""
    parameters = {"queue_id": queue_id, "name": name, "attempt": attempt}
    row = connection.execute(ARTEFACTS.newest, parameters).fetchone()
    return None if row is None else row[0]


def names(connection: Connection[Any], queue_id: int) -> list[str]:
    """The names of all that the runs of a task have kept."""
    return [name for (name,) in connection.execute(ARTEFACTS.names, {"queue_id": queue_id}).fetchall()]


def piece(connection: Connection[Any], run_id: int, name: str, number: int) -> bytes | None:
    """One piece; None behind the last."""
    parameters = {"run_id": run_id, "name": name, "piece": number}
    row = connection.execute(ARTEFACTS.piece, parameters, binary=True).fetchone()
    return None if row is None else row[0]
