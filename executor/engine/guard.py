"""The worker's end of the guard: a small process that ends all tasks when their worker dies or freezes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from executor import processes

_PROGRAM = Path(__file__).with_name("guard_process.py")


class Guard:
    """Holds a pipe to the guard process. Only the loop and runner threads write, whole lines below PIPE_BUF each."""

    def __init__(self, identity: processes.Identity, scratch: Path) -> None:
        self._identity = identity
        self._scratch = scratch
        self._groups: set[int] = set()
        self._deadline: float | None = None
        self._process = self._start()

    @property
    def watched(self) -> frozenset[int]:
        """The guard itself and the groups under it: children that somebody waits for."""
        return frozenset(self._groups | {self._process.pid})

    def began(self, pgid: int) -> None:
        """A process group to end with the worker."""
        self._groups.add(pgid)
        self._tell(f"+{pgid}")

    def ended(self, pgid: int) -> None:
        """That group is gone, and its number may come back as somebody else's."""
        self._groups.discard(pgid)
        self._tell(f"-{pgid}")

    def lease(self, deadline: float) -> None:
        """Until when (`clock.boottime`) the tasks may run without another word from the worker."""
        self._deadline = deadline
        self._tell(f"L{deadline:.3f}")

    def check(self) -> None:
        """Start another guard when this one was killed: tasks never run without one for longer than a step."""
        if self._process.poll() is None:
            return
        self._process = self._start()
        for pgid in sorted(self._groups):
            self._tell(f"+{pgid}")
        if self._deadline is not None:
            self._tell(f"L{self._deadline:.3f}")

    def close(self) -> None:
        """Let the guard go; it makes sure that nothing of this worker is left."""
        assert self._process.stdin is not None, "opened as a pipe"
        self._process.stdin.close()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # -I -S: nothing but the standard library, whatever folder or environment this is, in a few milliseconds.
        # Without our variables in its environment: a sweep of an outer executor's task must not take the guard with it
        # before it has ended ours.
        environ = {
            name: value
            for name, value in os.environ.items()  # passed on to a child
            if name not in (processes.WORKER_VARIABLE, processes.RUN_VARIABLE)
        }
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), self._identity.token, str(self._scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            env=environ,
            cwd="/",
            bufsize=0,
        )

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None, "opened as a pipe"
        try:
            self._process.stdin.write(f"{line}\n".encode())
        except BrokenPipeError:  # killed; `check` starts another and tells it everything
            return
