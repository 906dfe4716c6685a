"""Letting go of old runs, output and events: each call one small transaction, safe beside workers and readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from psycopg import Connection

from executor.queue import rows
from executor.queue.events import Cursor
from sql import queries

PRUNE = queries.load("prune")


class Kept(Struct, frozen=True):
    """A list and what it says of how long its things are kept (`prune.lists`)."""

    list_id: int
    path: str
    keep: Mapping[str, Any] | None


class Page(Struct, frozen=True):
    """Where a page of events ended, how many of them were old, and how many are gone (`prune.events`)."""

    xid: int
    event_id: int
    old: int
    gone: int


def lists(connection: Connection[Any], list_id: int | None) -> list[Kept]:
    """Every list, or one."""
    return rows.many(connection, Kept, PRUNE.lists, {"list_id": list_id})


def tasks(connection: Connection[Any], list_id: int, after: int) -> list[int]:
    """The next thousand tasks of a list after one, by queue id."""
    found = connection.execute(PRUNE.tasks, {"list_id": list_id, "after": after}).fetchall()
    return [queue_id for (queue_id,) in found]


def spent_output(connection: Connection[Any], queue_ids: Sequence[int], *, runs: int, output: timedelta) -> list[int]:
    """The runs of these tasks whose output and artefacts go."""
    parameters = {"queue_ids": list(queue_ids), "runs": runs, "output": output}
    return [run_id for (run_id,) in connection.execute(PRUNE.spent_output, parameters).fetchall()]


def drop_output(connection: Connection[Any], run_ids: Sequence[int]) -> int:
    """Let go of some chunks of these runs; how many, 0 when there is none left."""
    return connection.execute(PRUNE.output, {"run_ids": list(run_ids)}).rowcount


def drop_artefact(connection: Connection[Any], run_ids: Sequence[int]) -> bool:
    """Let go of one artefact of these runs; False when there is none left."""
    return connection.execute(PRUNE.artefacts, {"run_ids": list(run_ids)}).rowcount > 0


def drop_runs(connection: Connection[Any], queue_ids: Sequence[int], *, runs: int) -> int:
    """Let go of all but the last `runs` ended runs of each of these tasks; how many."""
    return connection.execute(PRUNE.runs, {"queue_ids": list(queue_ids), "runs": runs}).rowcount


def drop_events(connection: Connection[Any], list_id: int, cursor: Cursor, *, events: timedelta) -> Page | None:
    """Let go of what is old among the next few thousand events; None when there are no more."""
    parameters = {"list_id": list_id, "xid": cursor.xid, "event_id": cursor.event_id, "events": events}
    return rows.one(connection, Page, PRUNE.events, parameters)
