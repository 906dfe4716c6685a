"""A run's way back to the loop: its output, its process groups, and the order to end."""

from __future__ import annotations

import os
import threading

from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.messages import Printed
from executor.queue.steps import Chunk

# Two megabytes of output may wait for the database; beyond that the task waits, as it would for a slow terminal.
CHUNKS_UNSAVED_MAX = 32


class RunIo:
    """The `Io` of one run. Runner threads call it, but for `cancel`, `saved` and `close`, which are the loop's."""

    def __init__(self, run_id: int, inbox: Inbox, guard: Guard) -> None:
        self._run_id = run_id
        self._inbox = inbox
        self._guard = guard
        self._chunks = 0
        self._room = threading.Semaphore(CHUNKS_UNSAVED_MAX)
        self.cancel_fd, self._cancel_from = os.pipe()

    def output(self, content: bytes) -> None:
        """Post a chunk, waiting while too many are unsaved."""
        self._room.acquire()
        self._inbox.post(Printed(Chunk(self._run_id, self._chunks, content)))
        self._chunks += 1

    def began(self, pgid: int) -> None:
        """Put a new process group under the guard."""
        self._guard.began(pgid)

    def ended(self, pgid: int) -> None:
        """Take it out again."""
        self._guard.ended(pgid)

    def cancel(self, *, at_once: bool) -> None:
        """Ask the run to end, or leave it no time."""
        os.write(self._cancel_from, b"k" if at_once else b"t")

    def saved(self) -> None:
        """A chunk is in the database: there is room for another."""
        self._room.release()

    def close(self) -> None:
        """The run is over."""
        os.close(self.cancel_fd)
        os.close(self._cancel_from)
