"""Lists: finding one by its path, and what people and workers ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from executor.events import Kind
from executor.model import ListName, ListRow
from executor.queue import rows
from executor.queue.steps import Offer
from sql import queries

LISTS = queries.load("lists")
WORKERS = queries.load("workers")


def now(connection: Connection[Any]) -> datetime:
    """The clock that decides."""
    moment: datetime = rows.scalar(connection, LISTS.now, {})
    return moment


def find(connection: Connection[Any], path: str) -> ListRow | None:
    """The list kept under this path, if it was ever run."""
    return rows.one(connection, ListRow, LISTS.find, {"path": path})


def create(connection: Connection[Any], path: str) -> int:
    """Enter a list, or find it; its id."""
    list_id: int = rows.scalar(connection, LISTS.create, {"path": path})
    return list_id


def start(connection: Connection[Any], list_id: int, *, actor: str, jobs: int) -> bool:
    """Set a list running; False when it is paused and stays so."""
    return rows.scalar(connection, LISTS.start, {"list_id": list_id, "actor": actor, "jobs": jobs}) is not None


def join(connection: Connection[Any], list_id: int, *, actor: str, jobs: int) -> bool:
    """Take a list up without having been asked for it; False when a person paused or stopped it."""
    return rows.scalar(connection, LISTS.join, {"list_id": list_id, "actor": actor, "jobs": jobs}) is not None


def with_work(
    connection: Connection[Any], offer: Offer, *, paths: Sequence[str] | None, serving: Sequence[int]
) -> list[ListName]:
    """Lists in which such a worker could begin something; `serving` are those it is at work on already."""
    parameters = offer.columns() | {"paths": None if paths is None else list(paths), "serving": list(serving)}
    return rows.many(connection, ListName, LISTS.with_work, parameters)


def finish(
    connection: Connection[Any], list_id: int, *, worker_id: int, actor: str, kind: Kind, detail: dict[str, Any]
) -> None:
    """Take a worker off a list that it is through with; the last one stops it."""
    columns = {"list_id": list_id, "worker_id": worker_id, "actor": actor, "kind": kind.value, "detail": Jsonb(detail)}
    with connection.transaction():  # whole or not at all: it may have to be done again
        connection.execute(LISTS.leave_one_by_one, columns)
        connection.execute(LISTS.finish, columns)
        connection.execute(WORKERS.unserve, columns)


def pause(connection: Connection[Any], list_id: int, actor: str) -> bool:
    """No new claims from now on; False when it was paused already."""
    return rows.scalar(connection, LISTS.pause, {"list_id": list_id, "actor": actor}) is not None


def resume(connection: Connection[Any], list_id: int, actor: str) -> bool:
    """Lift a pause; False when there was none."""
    return rows.scalar(connection, LISTS.resume, {"list_id": list_id, "actor": actor}) is not None


def halt(connection: Connection[Any], list_id: int, actor: str, reason: str) -> None:
    """Stop a list until a person has done what `reason` says; what runs is let finish."""
    connection.execute(LISTS.halt, {"list_id": list_id, "actor": actor, "reason": reason})


def stop(connection: Connection[Any], list_id: int, actor: str, *, now: bool) -> None:
    """Ask all workers of a list to leave."""
    connection.execute(LISTS.stop, {"list_id": list_id, "actor": actor, "now": now})
