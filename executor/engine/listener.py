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
# However many notices come, the loop is woken for them at most this often.
_WAKE_SECONDS = 0.02


def start(
    attach: Callable[[str], psycopg.Connection[Any]], worker_id: int, serves: Callable[[int], bool], inbox: Inbox
) -> threading.Event:
    """Begin to listen for the lists a worker serves; setting the returned event ends it. Without it the loop polls."""
    stop = threading.Event()
    threading.Thread(target=_run, args=(attach, worker_id, serves, inbox, stop), name="listener", daemon=True).start()
    return stop


def _run(
    attach: Callable[[str], psycopg.Connection[Any]],
    worker_id: int,
    serves: Callable[[int], bool],
    inbox: Inbox,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            with attach("listener") as connection:
                connection.execute("LISTEN executor")
                inbox.post(Woken())  # whatever happened while nobody listened
                while not stop.is_set():
                    for list_id in _heard(connection, worker_id):
                        if serves(list_id):
                            inbox.post(Woken(list_id))
        except (psycopg.Error, DatabaseError) as error:
            logger.info("not listening: %s", error)
            stop.wait(_RETRY_SECONDS)


def _heard(connection: psycopg.Connection[Any], worker_id: int) -> set[int]:
    """The lists to which something happened that was not this worker's doing: all that is known after a short while."""
    heard = set()
    for timeout, most in ((_LOOK_SECONDS, 1), (_WAKE_SECONDS, None)):
        for notice in connection.notifies(timeout=timeout, stop_after=most):
            list_id, _, by = notice.payload.partition(":")
            if list_id.isdecimal() and by != str(worker_id):
                heard.add(int(list_id))
        if not heard:
            break
    return heard
