"""Processes that left their task's session: on Linux they come back to the worker, which ends them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

from executor import processes
from executor.log import logger

_PR_SET_CHILD_SUBREAPER = 36
_CHILDREN = Path("/proc/self/task")


def adopt() -> None:
    """Make this process the parent of what its descendants leave behind, where the system can (Linux)."""
    if sys.platform.startswith("linux") and ctypes.CDLL(None, use_errno=True).prctl(
        _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0
    ):
        logger.info("no child subreaper: %s", os.strerror(ctypes.get_errno()))


class Sweeper:
    """Ends adopted children that belong to no running run, and reaps the dead among those nobody waits for."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._dead: set[int] = set()

    def sweep(self, running: Collection[int], known: Collection[int]) -> None:
        """One look at our children. `running` are run ids, `known` pids that others wait for."""
        dead_before, self._dead = self._dead, set()
        for pid in _children():
            if pid in known:
                continue
            run_id = _run_of(pid, self._token)
            if run_id is not None and run_id not in running:
                logger.info("process %d of run %d outlived it and is ended", pid, run_id)
                processes.send(pid, signal.SIGKILL)
            if processes.started(pid) is None:
                # Reaped only when seen dead twice: the first time its runner may be about to ask for its status.
                if pid in dead_before:
                    _reap(pid)
                else:
                    self._dead.add(pid)


def _children() -> list[int]:
    found = []
    for thread in _CHILDREN.iterdir() if _CHILDREN.exists() else ():
        try:
            found += [int(pid) for pid in (thread / "children").read_text(encoding="ascii").split()]
        except OSError:  # the thread ended meanwhile, or the kernel keeps no such list
            continue
    return found


def _run_of(pid: int, token: str) -> int | None:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    if f"{processes.WORKER_VARIABLE}={token}".encode() not in environ:
        return None
    prefix = f"{processes.RUN_VARIABLE}=".encode()
    return next((int(entry.removeprefix(prefix)) for entry in environ if entry.startswith(prefix)), None)


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
