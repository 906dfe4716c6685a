"""A connection that heeds the words to its run: every wait for the server is also a wait for a cancel and the clock."""

from __future__ import annotations

import math
import os
import select
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg.waiting import Ready, Wait

from executor import clock
from executor.outcome import Outcome
from executor.runners import Io, target
from executor.states import RunStatus

Result = TypeVar("Result")

# After a cancel the server needs a moment to answer; one that does not is left.
GRACE_SECONDS = 10.0
GRACE_AT_ONCE_SECONDS = 1.0
_EVENTS = {Wait.R: select.POLLIN, Wait.W: select.POLLOUT, Wait.RW: select.POLLIN | select.POLLOUT}


class Interrupted(Exception):
    """The run is to end, or its time is over: nothing more may be sent. The transaction was not committed."""


class Heeding(psycopg.Connection[tuple[Any, ...]]):
    """In autocommit mode. `why` is set once the run is to end: cancelled, or timed out."""

    why: RunStatus | None = None
    _io: Io | None = None
    _deadline: float | None = None
    _leave_at: float | None = None

    def heed(self, io: Io, deadline: float | None) -> None:
        """From now on. The deadline is on the monotonic clock."""
        self._io, self._deadline = io, deadline

    def wait(self, gen: Generator[Any, Any, Result], *arguments: Any, **options: Any) -> Result:
        """As psycopg waits; raises Interrupted where nothing may begin any more."""
        if self._io is None:
            return super().wait(gen, *arguments, **options)
        self._refuse()
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._ready(wanted))
        except StopIteration as end:
            answer: Result = end.value
            return answer

    def pause(self, seconds: float) -> None:
        """Let others through for a while; raises Interrupted."""
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            if self._io is not None and select.select([self._io.wake_fd], [], [], left)[0]:
                self._hear()
            self._refuse()

    def say(self, text: str) -> None:
        """Put text into the output of the run, in its turn; waits while there is no room for it."""
        assert self._io is not None, "said by a run"
        content = text.encode("utf-8", "replace")
        for start in range(0, len(content), 65_536):
            while self._io.full and self.why is None:
                if select.select([self._io.wake_fd], [], [], 1.0)[0]:
                    self._hear()
            self._io.output(content[start : start + 65_536])

    def _refuse(self) -> None:
        if self.why is None and self._deadline is not None and clock.monotonic() >= self._deadline:
            self.why = RunStatus.TIMED_OUT
        if self.why is not None:
            raise Interrupted

    def _ready(self, wanted: Wait) -> Ready:
        """Wait until the server is ready for more, ending the statement when the word or the time comes."""
        assert self._io is not None
        poll = select.poll()
        poll.register(self.pgconn.socket, _EVENTS[wanted])
        poll.register(self._io.wake_fd, select.POLLIN)
        while True:
            events = dict(poll.poll(self._patience()))
            if self._io.wake_fd in events and self._hear():
                self._cancel(RunStatus.CANCELLED)
            self._look_at_the_clock()
            if event := events.get(self.pgconn.socket):
                broken = event & (select.POLLERR | select.POLLHUP) and not event & (select.POLLIN | select.POLLOUT)
                can_read = Ready.R if event & select.POLLIN or broken else Ready.NONE
                return Ready(can_read | (Ready.W if event & select.POLLOUT else Ready.NONE))

    def _patience(self) -> int | None:
        moment = self._leave_at if self.why is not None else self._deadline
        return None if moment is None else math.ceil(max(0.0, moment - clock.monotonic()) * 1000)

    def _look_at_the_clock(self) -> None:
        now = clock.monotonic()
        if self.why is None and self._deadline is not None and now >= self._deadline:
            self._cancel(RunStatus.TIMED_OUT)
        if self._leave_at is not None and now >= self._leave_at:
            self.pgconn.finish()
            raise Interrupted

    def _hear(self) -> bool:
        """Read what was said to the run; was it a word to end?"""
        assert self._io is not None
        word = os.read(self._io.wake_fd, 16)
        if word.strip(b"r"):
            grace = GRACE_AT_ONCE_SECONDS if b"k" in word else GRACE_SECONDS
            self._leave_at = min(self._leave_at or math.inf, clock.monotonic() + grace)
            self.why = self.why or RunStatus.CANCELLED
            return True
        return False

    def _cancel(self, why: RunStatus) -> None:
        self.why = self.why or why
        if self._leave_at is None:
            self._leave_at = clock.monotonic() + GRACE_SECONDS
        try:
            self.cancel_safe(timeout=GRACE_AT_ONCE_SECONDS)
        except psycopg.Error:
            return  # the server does not answer: it is left when the grace is over


def connect(parts: dict[str, Any], io: Io, timeout: float | None) -> Heeding:
    """Raises target.NoTarget when the server cannot be reached; the time runs from now."""
    deadline = None if timeout is None else clock.monotonic() + timeout
    given = {"application_name": "executor", **parts}
    try:
        connection = Heeding.connect(**given, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise target.NoTarget(target.redacted(str(error).strip(), parts)) from None
    connection.heed(io, deadline)
    return connection


def outcome(why: RunStatus | None, which: str, timeout: float | None) -> Outcome:
    """What is told of a run that was interrupted."""
    if why is RunStatus.TIMED_OUT:
        return Outcome(RunStatus.TIMED_OUT, f"{which} ran longer than its timeout of {timeout or 0:g} s and was ended")
    return Outcome(RunStatus.CANCELLED, f"{which} was stopped")
