"""Reading what happened: events in the order they became visible, and the output of runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from executor.events import Event
from executor.queue import rows
from sql import queries

EVENTS = queries.load("events")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the event log that no late commit can slip past: transaction first, then event id."""

    xid: int = 0
    event_id: int = 0


@dataclass(frozen=True, slots=True)
class _Row:
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


def since(connection: Connection[Any], list_id: int, cursor: Cursor) -> list[Event]:
    """Up to a thousand events after `cursor`, oldest first. Output events carry their text."""
    found = rows.many(
        connection, _Row, EVENTS.since, {"list_id": list_id, "xid": cursor.xid, "event_id": cursor.event_id}
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


def cursor_of(connection: Connection[Any], list_id: int, event_id: int) -> Cursor:
    """The cursor just after the event with this id, or after the last one before it."""
    return rows.one(connection, Cursor, EVENTS.cursor_of, {"list_id": list_id, "event_id": event_id}) or Cursor()


def newest(connection: Connection[Any], list_id: int) -> Cursor:
    """The cursor of now."""
    return rows.one(connection, Cursor, EVENTS.newest, {"list_id": list_id}) or Cursor()


def output(connection: Connection[Any], run_id: int, after_chunk: int = -1) -> Iterator[tuple[int, bytes]]:
    """Chunks of a run's output after a chunk, in order, a hundred to a query: never the whole of it at once."""
    while True:
        chunks = connection.execute(EVENTS.output, {"run_id": run_id, "after": after_chunk}).fetchall()
        for number, content in chunks:
            yield number, content
            after_chunk = number
        if not chunks:
            return
