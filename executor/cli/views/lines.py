"""The events of a run as JSON, one a line, as the database keeps them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg

from executor import clock
from executor.cli import console
from executor.cli.views.plain import paused_line, refused_lines, rested_line
from executor.database.connection import Database
from executor.engine.entry import Closing
from executor.engine.serving import Ending
from executor.errors import DatabaseError, ListError
from executor.events import Kind
from executor.log import logger
from executor.model import Claimed, Counts, ListRow, Lost, Skipped, Waiting
from executor.outcome import Move
from executor.queue import events
from executor.queue.events import Cursor
from loader.model import Diagnostic

if TYPE_CHECKING:
    from psycopg import Connection

_LOOK_SECONDS = 0.1
# A transaction that somebody holds open on the server delays the last events: how long to wait for them.
_LAST_SECONDS = 10.0
_LAST_LOOK_SECONDS = 0.02
_LAST_KINDS = (Kind.LIST_FINISHED, Kind.LIST_STOPPED)


class JsonLines:
    """Reads new events after each step and prints them: those of other commands and machines too, in one order.

    In a thread: whoever reads slowly, or not at all, is far behind in the event log and holds nobody up. Nothing is
    dropped, and the command ends once all of it was read.
    """

    def __init__(self, database: Database, row: ListRow, since: Cursor) -> None:
        self._database = database
        self._list_id = row.list_id
        self._spelled = console.spelled(row.path)
        self._cursor = since
        self._connection: Connection[Any] | None = None
        self._woken, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._last_kind = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def abandon(self) -> None:
        return

    def started(self, run: Claimed) -> None:
        return

    def printed(self, run: Claimed, content: bytes) -> None:
        return

    def progressed(self, run: Claimed, progress: str) -> None:
        return

    def ended(self, run: Claimed, move: Move, took: timedelta | None) -> None:
        return

    def skipped(self, task: Skipped) -> None:
        return

    def recovered(self, tasks: list[Lost]) -> None:
        return

    def synced(self, changes: Mapping[str, int], counts: Counts) -> None:
        return

    def warned(self, path: Path, found: Sequence[Diagnostic]) -> None:
        console.diagnostics(path, found)

    def refused(self, error: ListError) -> None:
        for text in refused_lines(error):
            console.warn(text)

    def waits(self, tasks: list[Waiting]) -> None:
        return

    def paused(self, by: str) -> None:
        console.warn(paused_line(by, self._spelled))

    def rested(self, reason: Ending, failed: Sequence[str]) -> None:
        console.warn(rested_line(reason, failed, self._spelled))

    def said(self, text: str) -> None:
        console.warn(text)

    def turned(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="events", daemon=True)
            self._thread.start()
        self._woken.set()

    def finish(self, ending: Ending, closing: Closing | None) -> None:
        self._over.set()
        self.turned()
        assert self._thread is not None, "turned starts it"
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            self._woken.wait()
            self._woken.clear()
            while self._look():
                continue
            self._over.wait(_LOOK_SECONDS)
        until = clock.monotonic() + _LAST_SECONDS
        while self._look() or (self._last_kind not in _LAST_KINDS and clock.monotonic() < until):
            clock.sleep(_LAST_LOOK_SECONDS)
        if self._connection is not None:
            self._connection.close()

    def _look(self) -> bool:
        """Print what is new; whether there was anything."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._database.attach("events")
            found = events.since(self._connection, self._list_id, self._cursor)
        except (psycopg.Error, DatabaseError) as error:  # the loop deals with it; the cursor stays
            logger.info("no events now: %s", error)
            if self._connection is not None:
                self._connection.close()
            return False
        for event in found:
            console.pour_json(event.as_dict())
            self._last_kind = event.kind
        self._cursor = events.after(found, self._cursor)
        return bool(found)
