"""The thread that hears NOTIFY: it wakes the loop, which then looks for itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from executor import clock
from executor.engine.inbox import Inbox
from executor.engine.messages import Woken
from executor.errors import DatabaseError
from executor.log import logger

_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 0.5
# However many notices come, the loop is woken for them at most this often; for the first of them at once.
_WAKE_SECONDS = 0.05


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
                woken_at = clock.monotonic()
                while not stop.is_set():
                    for list_id in _heard(connection, worker_id, woken_at + _WAKE_SECONDS):
                        woken_at = clock.monotonic()
                        if serves(list_id):
                            inbox.post(Woken(list_id))
        except (psycopg.Error, DatabaseError) as error:
            logger.info("not listening: %s", error)
            stop.wait(_RETRY_SECONDS)


def _heard(connection: psycopg.Connection[Any], worker_id: int, not_before: float) -> set[int]:
    """The lists to which something happened that was not this worker's doing: all that is known by `not_before`."""
    heard = _lists(connection.notifies(timeout=_LOOK_SECONDS, stop_after=1), worker_id)
    while heard and (left := not_before - clock.monotonic()) > 0:
        heard |= _lists(connection.notifies(timeout=left), worker_id)
    return heard


def _lists(notices: Iterable[psycopg.Notify], worker_id: int) -> set[int]:
    told = (notice.payload.partition(":") for notice in notices)
    return {int(list_id) for list_id, _, by in told if list_id.isdecimal() and by != str(worker_id)}
