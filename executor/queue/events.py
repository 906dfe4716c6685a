"""Reading what happened: events in the order they became visible, and the output of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from psycopg import Connection

from executor.events import Event
from executor.queue import rows
from sql import queries

EVENTS = queries.load("events")


class Cursor(Struct, frozen=True):
    """A place in the event log that no late commit can slip past: transaction first, then event id."""

    xid: int = 0
    event_id: int = 0


class _Row(Struct, frozen=True):
    id: int
    at: datetime
    kind: str
    list: str
    task: str | None
    attempt: int | None
    actor: str
    content: bytes | None
    detail: dict[str, object]
    xid: int


class Attempts(Struct, frozen=True):
    """What may still come of a task's output: of the run that is read, and of runs after it."""

    running: bool
    next_run: int | None
    next_attempt: int | None
    goes_on: bool


def since(connection: Connection[Any], list_id: int | None, cursor: Cursor, *, text: bool = True) -> list[Event]:
    """A page of events after `cursor`, oldest first; of all lists where `list_id` is None.

    Up to 500 of them. With `text`, output events carry what was printed, and a page holds about a megabyte of it.
    """
    found = rows.many(
        connection,
        _Row,
        EVENTS.since,
        {"list_id": list_id, "xid": cursor.xid, "event_id": cursor.event_id, "text": text},
    )
    return [
        Event(
            row.id,
            row.at,
            row.kind,
            row.list,
            row.task,
            row.attempt,
            row.actor,
            row.detail if row.content is None else row.detail | {"text": row.content.decode("utf-8", "replace")},
            row.xid,
        )
        for row in found
    ]


def after(events: list[Event], cursor: Cursor) -> Cursor:
    """The cursor behind these events."""
    return Cursor(events[-1].xid, events[-1].id) if events else cursor


def cursor_of(connection: Connection[Any], list_id: int | None, event_id: int) -> Cursor:
    """The cursor just after the event with this id; where there is none such, before those with greater ids."""
    return (
        rows.one(connection, Cursor, EVENTS.cursor_of, {"event_id": event_id})
        or rows.one(connection, Cursor, EVENTS.cursor_before, {"list_id": list_id, "event_id": event_id})
        or newest(connection, list_id)
    )


def newest(connection: Connection[Any], list_id: int | None) -> Cursor:
    """The cursor of now."""
    return rows.one(connection, Cursor, EVENTS.newest, {"list_id": list_id}) or Cursor()


def output(connection: Connection[Any], run_id: int, after_chunk: int = -1) -> list[tuple[int, bytes]]:
    """The next chunks of a run's output after a chunk, in order, a megabyte at most; none when it was all."""
    with connection.cursor(binary=True) as cursor:  # as text, bytes take twice the room
        return cursor.execute(EVENTS.output, {"run_id": run_id, "after": after_chunk}).fetchall()


def attempts(connection: Connection[Any], queue_id: int, run_id: int) -> Attempts:
    """What may still come after what was read of a task's run; `run_id` 0 is before the first."""
    found = rows.one(connection, Attempts, EVENTS.attempts, {"queue_id": queue_id, "run_id": run_id})
    return found or Attempts(running=False, next_run=None, next_attempt=None, goes_on=False)
