"""The worker's end of the guard: a small process that ends all tasks when their worker dies or freezes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from executor import clock, processes
from executor.log import logger

_PROGRAM = Path(__file__).with_name("guard_process.py")
# A deadline that passed while its renewal was on the way may already have been acted upon.
_CLOSE_SECONDS = 0.25
_LEAVE_SECONDS = 5.0


class Guard:
    """Holds a pipe to the guard process, whole lines below PIPE_BUF each.

    The loop, the heartbeat and the runners write. The lock is for `check` alone: a group that ends while a new guard is
    being told of all groups must not stay with it, for its number may come back as somebody else's.
    """

    def __init__(self, identity: processes.Identity, scratch: Path) -> None:
        self._identity = identity
        self._scratch = scratch
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._deadline: float | None = None
        self._lapsed_at = 0.0
        self._needed = False
        self._process = self._start()

    @property
    def watched(self) -> frozenset[int]:
        """The guard itself and the groups under it: children that somebody waits for."""
        with self._lock:
            return frozenset(self._groups | {self._process.pid})

    @property
    def is_over(self) -> bool:
        """Has the lease run out, so that whatever begins now is ended at once?"""
        return self._deadline is not None and clock.boottime() >= self._deadline - _CLOSE_SECONDS

    def began(self, pgid: int) -> None:
        """A process group to end with the worker."""
        with self._lock:
            self._needed = True
            self._groups.add(pgid)
            self._tell(f"+{pgid}")

    def ended(self, pgid: int) -> None:
        """That group is gone, and its number may come back as somebody else's."""
        with self._lock:
            self._groups.discard(pgid)
            self._tell(f"-{pgid}")

    def lease(self, deadline: float) -> None:
        """Until when (`clock.boottime`) the tasks may run without another word from the worker."""
        with self._lock:
            if self.is_over:
                self._lapsed_at = clock.boottime()
            self._deadline = deadline
            self._tell(f"L{deadline:.3f}")

    def lapsed_since(self, moment: float) -> bool:
        """Was there a time after `moment` (`clock.boottime`) without a lease? Then the guard ended what was running."""
        with self._lock:
            return self._lapsed_at >= moment or self.is_over

    def check(self) -> None:
        """Start another guard when this one was killed: tasks never run without one for longer than a step."""
        if self._process.poll() is None:
            return
        with self._lock:
            self._process.stdin.close()  # type: ignore[union-attr]
            try:
                self._process = self._start()
            except OSError as error:  # no process to be had right now: the next step tries again
                logger.warning("no guard: %s", error)
                return
            for pgid in sorted(self._groups):
                self._tell(f"+{pgid}")
            if self._deadline is not None:
                self._tell(f"L{self._deadline:.3f}")

    def close(self) -> None:
        """Let the guard go; it makes sure that nothing of this worker is left."""
        self._process.stdin.close()  # type: ignore[union-attr]
        if not self._needed:  # it has nothing to end; waiting for it would be most of the time of an idle run
            return
        try:
            self._process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:  # frozen: its work is ours then
            self._process.kill()
            self._process.wait()
            processes.end(self._identity.token)

    def _start(self) -> subprocess.Popen[bytes]:
        # -I -S: nothing but the standard library, whatever folder or environment this is, in a few milliseconds.
        # Without our variables in its environment: a sweep of an outer executor's task must not take the guard with it
        # before it has ended ours.
        environ = {
            name: value
            for name, value in os.environ.items()  # passed on to a child
            if name not in (processes.WORKER_VARIABLE, processes.RUN_VARIABLE)
        }
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), self._identity.token, str(self._scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env=environ,
            cwd="/",
            bufsize=0,
        )
        assert process.stdin is not None, "opened as a pipe"
        os.set_blocking(process.stdin.fileno(), False)
        return process

    def _tell(self, line: str) -> None:
        stdin = self._process.stdin
        if stdin is None or stdin.closed:  # `check` could not start another yet
            return
        try:
            os.write(stdin.fileno(), f"{line}\n".encode())
        except BrokenPipeError:  # killed; `check` starts another and tells it everything
            return
        except BlockingIOError:  # frozen for thousands of lines: no guard at all
            self._process.kill()
