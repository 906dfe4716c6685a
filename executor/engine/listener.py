"""The thread that hears NOTIFY: it wakes the loop, which then looks for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from executor.engine.inbox import Inbox
from executor.engine.messages import Woken
from executor.errors import DatabaseError
from executor.log import logger

_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 0.5


def start(
    attach: Callable[[str], psycopg.Connection[Any]], list_id: int, worker_id: int, inbox: Inbox
) -> threading.Event:
    """Begin to listen for a list; setting the returned event ends it. Without it the loop still polls."""
    stop = threading.Event()
    threading.Thread(
        target=_run, args=(attach, list_id, f"{list_id}:{worker_id}", inbox, stop), name="listener", daemon=True
    ).start()
    return stop


def _run(
    attach: Callable[[str], psycopg.Connection[Any]], list_id: int, own: str, inbox: Inbox, stop: threading.Event
) -> None:
    while not stop.is_set():
        try:
            with attach("listener") as connection:
                connection.execute("LISTEN executor")
                inbox.post(Woken())  # whatever happened while nobody listened
                _hear(connection, list_id, own, inbox, stop)
        except (psycopg.Error, DatabaseError) as error:
            logger.info("not listening: %s", error)
            stop.wait(_RETRY_SECONDS)


def _hear(connection: psycopg.Connection[Any], list_id: int, own: str, inbox: Inbox, stop: threading.Event) -> None:
    while not stop.is_set():
        for notice in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
            if notice.payload.partition(":")[0] == str(list_id) and notice.payload != own:
                inbox.post(Woken())
