"""Reading on as things happen, past lost notices and lost connections: the event log and what a task prints.

log:    a page after the cursor -- one query; nothing new? wait for a notice, a poll at the latest
output: how the run stands -- one query; the rest of its output, a page a query; wait, or the next attempt
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from msgspec import Struct
from psycopg import Connection

from executor import clock
from executor.database import translate
from executor.errors import DatabaseError
from executor.events import Event
from executor.queue import events
from executor.queue.events import Cursor

Answer = TypeVar("Answer")
Asked = ParamSpec("Asked")

# NOTIFY may be lost (a proxy, a broken connection): then the reader is this late, and no event is missing.
POLL_SECONDS = 1.0
# However many notices come, the database is asked at most this often.
_CALM_SECONDS = 0.1


class Line(Struct):
    """A reader's connection, made anew by `attach` when it breaks; for one thread.

    `list_id` is the list whose notices wake it, None is any. `is_left` says when nobody reads it any more, `notice`
    is told when the database goes and comes.
    """

    attach: Callable[[], Connection[Any]]
    list_id: int | None
    is_left: Callable[[], bool] = lambda: False
    notice: Callable[[str], None] = lambda _: None
    _connection: Connection[Any] | None = None
    _asked_at: float = 0.0
    _missed: bool = False  # gone, and people were told

    def ask(
        self, question: Callable[Concatenate[Connection[Any], Asked], Answer], *asked: Asked.args, **named: Asked.kwargs
    ) -> Answer | None:
        """The answer, from whichever connection gives one; None when the reader left while there was none."""
        while True:
            try:
                answer = question(self._connected(), *asked, **named)
            except (psycopg.Error, DatabaseError) as error:
                self._lose(error)
            else:
                self._asked_at = clock.monotonic()
                return answer
            if self.is_left():
                return None
            clock.sleep(POLL_SECONDS)

    def wait(self) -> None:
        """Until something happened, or might have without a notice; never so short that a storm of notices matters."""
        try:
            connection = self._connected()
            self._hear(connection, POLL_SECONDS, first=True)
            calm = self._asked_at + _CALM_SECONDS - clock.monotonic()
            if calm > 0:
                self._hear(connection, calm, first=False)
        except (psycopg.Error, DatabaseError) as error:
            self._lose(error)

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection[Any]:
        if self._connection is None:
            connection = self.attach()
            connection.execute("LISTEN executor")
            self._connection = connection
            if self._missed:
                self.notice("the database is back; going on")
                self._missed = False
        return self._connection

    def _hear(self, connection: Connection[Any], seconds: float, *, first: bool) -> None:
        """Take notices in for a while, or up to the `first` that is meant for this reader."""
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            for notice in connection.notifies(timeout=left, stop_after=1 if first else None):
                if first and self.list_id in (None, _list_of(notice.payload)):
                    return

    def _lose(self, error: psycopg.Error | DatabaseError) -> None:
        """Raises what another connection would not mend."""
        if isinstance(error, psycopg.Error) and not translate.lost(error):
            raise translate.translate(error) from error
        if not self._missed:
            self._missed = True
            self.notice(f"the database is gone ({str(error).strip().partition(chr(10))[0]}); looking for it")
        self.close()


def log(line: Line, *, since: int, text: bool, follow: bool) -> Iterator[Event]:
    """Every event of the line's list, or of all, after the one with id `since` (0: from the beginning).

    In the order in which they became visible, each once, a page in memory at a time; up to now or, with `follow`,
    until the reader leaves. `text`: output events carry what was printed.
    """
    start = line.ask(events.cursor_of, line.list_id, since) if since else Cursor()
    cursor = start or Cursor()
    while not line.is_left():
        found = line.ask(events.since, line.list_id, cursor, text=text) or []
        yield from found
        cursor = events.after(found, cursor)
        if not found and not follow:
            return
        if not found:
            line.wait()


class Attempt(Struct, frozen=True):
    """From here on, the output is that of this attempt."""

    number: int


def output(line: Line, queue_id: int, run_id: int, *, follow: bool, next_attempts: bool) -> Iterator[bytes | Attempt]:
    """What a run printed, in order; with `follow` until it ends, and with `next_attempts` also what comes after it.

    That ends when the task is over, or when nobody is at work who would try it again. `run_id` 0 is before the first.
    """
    last = -1
    while not line.is_left():
        stands = line.ask(events.attempts, queue_id, run_id)
        for content in _rest(line, run_id, last) if run_id else ():
            last, printed = content
            yield printed
        if stands is None or not follow:
            return
        if not stands.running and next_attempts and stands.next_run is not None and stands.next_attempt is not None:
            run_id, last = stands.next_run, -1
            yield Attempt(stands.next_attempt)
        elif stands.running or (next_attempts and stands.goes_on):
            line.wait()
        else:  # asked before the output was read: nothing can have come after it
            return


def _rest(line: Line, run_id: int, last: int) -> Iterator[tuple[int, bytes]]:
    while chunks := line.ask(events.output, run_id, last):
        yield from chunks
        last = chunks[-1][0]


def _list_of(payload: str) -> int | None:
    number = payload.partition(":")[0]
    return int(number) if number.isdecimal() else None
