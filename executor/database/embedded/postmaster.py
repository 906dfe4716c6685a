"""The server's own process, known through postmaster.pid and through nothing else."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

STOP_POLL = 0.005


class PidFile(Struct, frozen=True):
    """What postmaster.pid says; `pid` is 0 when it says nothing usable."""

    pid: int
    port: int = 0
    socket_folder: str = ""
    listen: str = ""
    status: str = ""

    @property
    def is_ready(self) -> bool:
        return self.status == "ready" and self.port > 0


class StopLadder(Struct, frozen=True):
    """How long each signal may take: SIGINT (disconnect everybody, checkpoint), SIGQUIT (abort), SIGKILL.

    SIGTERM has no place here: it waits until the last client is gone.
    """

    fast: float = 15.0
    immediate: float = 5.0
    kill: float = 5.0


def read(data: Path) -> PidFile | None:
    """None when there is no file. A half-written file is read as far as it goes."""
    try:
        text = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return parse(text)


def parse(text: str) -> PidFile:
    lines = [line.strip() for line in text.split("\n")] + [""] * 8
    # a negative pid is a single-user session: not a server, but in the way all the same
    return PidFile(abs(_number(lines[0])), _number(lines[3]), lines[4], lines[5], lines[7])


def is_ours(pid: int, data: Path) -> bool:
    """Whether that process is a live postgres working in this data folder.

    A pid alone proves nothing: after a crash or a reboot it may belong to anything. One that is on its way out and has
    given its files and its folder back lives no more, though the kernel lists it a moment longer.
    """
    if pid <= 1:
        return False
    if sys.platform == "linux":
        return _is_ours_on_linux(pid, data)
    import psutil

    try:
        process = psutil.Process(pid)
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and "postgres" in process.name()
            and _same_folder(process.cwd(), data)
        )
    except psutil.Error:
        return False  # gone, or another user's: not ours either way


def is_alive(pid: int) -> bool:
    """Whether any process at all has that pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def stop(pid: int, data: Path, ladder: StopLadder, reap: Callable[[], object]) -> bool:
    """Stop our server, ever less gently; False when it survived everything.

    `reap` is called between looks, as a server that is our own child stays a zombie until somebody asks.
    """
    steps = ((signal.SIGINT, ladder.fast), (signal.SIGQUIT, ladder.immediate), (signal.SIGKILL, ladder.kill))
    for number, patience in steps:
        if not is_ours(pid, data):
            return True
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        until = time.monotonic() + patience
        while time.monotonic() < until:
            reap()
            if not is_ours(pid, data):
                return True
            time.sleep(STOP_POLL)
    return False


def _is_ours_on_linux(pid: int, data: Path) -> bool:
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        name, state = line[line.index("(") + 1 : line.rindex(")")], line[line.rindex(")") + 2]
        return name == "postgres" and state not in "ZX" and _same_folder(f"/proc/{pid}/cwd", data)
    except (OSError, ValueError):
        return False  # gone while we looked, or another user's: not ours either way


def _same_folder(path: str, data: Path) -> bool:
    try:
        return Path(path).samefile(data)
    except OSError:
        return False


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0
