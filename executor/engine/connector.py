"""The thread that looks for a database that went away, so that the loop goes on hearing while it is gone."""

from __future__ import annotations

import threading

from executor.database.connection import Database
from executor.engine.inbox import Inbox
from executor.engine.messages import Connected, Unconnected

_PAUSE_SECONDS = 0.5


def start(database: Database, inbox: Inbox) -> threading.Event:
    """Begin to look: the connection comes as one `Connected`. Setting the returned event ends the search."""
    stop = threading.Event()
    threading.Thread(target=_run, args=(database, inbox, stop), name="connector", daemon=True).start()
    return stop


def _run(database: Database, inbox: Inbox, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            connection = database.connect("worker")
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop is told and the search goes on
            inbox.post(Unconnected(str(error)))
            stop.wait(_PAUSE_SECONDS)
        else:
            inbox.post(Connected(connection))
            return
