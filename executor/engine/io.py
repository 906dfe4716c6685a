"""A run's way back to the loop: its output, its process groups, and the word to end."""

from __future__ import annotations

import os

from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.messages import Printed, Talking
from executor.queue.steps import Chunk, Talk
from executor.redaction import Redactor, Stream

# Two megabytes of output may wait for the database; beyond that tasks wait, as they would for a slow terminal.
CHUNKS_UNSAVED_MAX = 32
_CHUNK_BYTES = 64 * 1024


class Wakes:
    """Pipes by which the loop wakes runner threads; only the loop takes them and gives them back.

    One that nothing was written to serves the next run too: opening and closing a pipe lets go of Python's lock three
    times, for which the loop then waits behind every runner.
    """

    def __init__(self) -> None:
        self._unused: list[tuple[int, int]] = []

    def take(self) -> tuple[int, int]:
        """The end to wait for, and the end to write to."""
        return self._unused.pop() if self._unused else os.pipe()

    def give_back(self, ends: tuple[int, int], *, written: bool) -> None:
        """Its run is over, and its runner thread waits for it no more."""
        if written:
            _close(ends)
        else:
            self._unused.append(ends)

    def close(self) -> None:
        """No more runs will come."""
        while self._unused:
            _close(self._unused.pop())


def _close(ends: tuple[int, int]) -> None:
    for end in ends:
        os.close(end)


class RunIo:
    """The `Io` of one run. Its runner thread calls it, but for `cancel`, `saved` and `close`, which are the loop's."""

    def __init__(
        self,
        run_id: int,
        inbox: Inbox,
        guard: Guard,
        wakes: Wakes,
        *,
        redactor: Redactor,
        chunks_max: int = CHUNKS_UNSAVED_MAX,
    ) -> None:
        self._run_id = run_id
        self._stream = Stream(redactor)
        self._inbox = inbox
        self._guard = guard
        self._chunks_max = chunks_max
        # Each is written by one thread alone, before that thread reads the other: no full run is left asleep.
        self._posted = 0
        self._saved = 0
        self._wakes = wakes
        self._is_woken = False
        self.wake_fd, self._wake_from = wakes.take()

    @property
    def full(self) -> bool:
        """Is enough of the output on its way to the database?"""
        return self._posted - self._saved >= self._chunks_max

    def output(self, content: bytes) -> None:
        """Post a piece, without its secrets; what could be the beginning of one waits for the next."""
        self._post(self._stream.feed(content))

    def flush(self) -> None:
        """Post what waits: no more will come."""
        self._post(self._stream.end())

    def _post(self, content: bytes) -> None:
        for start in range(0, len(content), _CHUNK_BYTES):
            self._posted += 1
            chunk = Chunk(self._run_id, self._posted - 1, content[start : start + _CHUNK_BYTES])
            self._inbox.post(Printed(chunk))

    def talks(self, agent: str, session: str) -> None:
        """Post the conversation that the run is part of."""
        self._inbox.post(Talking(Talk(self._run_id, agent, session)))

    def began(self, pgid: int) -> None:
        """Put a new process group under the guard."""
        self._guard.began(pgid)

    def ended(self, pgid: int) -> None:
        """Take it out again."""
        self._guard.ended(pgid)

    def cancel(self, *, at_once: bool) -> None:
        """Ask the run to end, or leave it no time."""
        self._wake(b"k" if at_once else b"t")

    def saved(self) -> None:
        """A chunk is in the database; where that makes room for another, the runner hears of it."""
        self._saved += 1
        if self._posted - self._saved == self._chunks_max - 1:
            self._wake(b"r")

    def _wake(self, word: bytes) -> None:
        self._is_woken = True
        os.write(self._wake_from, word)

    def close(self) -> None:
        """The run is over."""
        self._wakes.give_back((self.wake_fd, self._wake_from), written=self._is_woken)
