"""A lock on a file that dies with its process, so that no list of pids can go stale."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

POLL = 0.02
NOTICE_AFTER = 2.0


class Flock:
    """One open lock file. Never inherited by programs we start: Python opens files close-on-exec."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def share(self, *, wait: float) -> bool:
        """Hold it together with others; False when somebody held it alone all through `wait` seconds."""
        return self._take(fcntl.LOCK_SH, wait, None)

    def own(self, *, wait: float, on_wait: Callable[[], None] | None = None) -> bool:
        """Hold it alone, or turn a share into that; False when others held it all through `wait` seconds.

        A share is given up by the attempt even when that fails, as flock converts by letting go first.
        """
        return self._take(fcntl.LOCK_EX, wait, on_wait)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, mode: int, wait: float, on_wait: Callable[[], None] | None) -> bool:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        started = time.monotonic()
        while not _locked(self._descriptor, mode):
            waited = time.monotonic() - started
            if waited >= wait:
                self.release()
                return False
            if on_wait is not None and waited > NOTICE_AFTER:
                on_wait()
                on_wait = None
            time.sleep(POLL)
        return True


def _locked(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
