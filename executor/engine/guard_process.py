"""The guard: ends every process of a worker when the worker dies (end of the pipe) or outlives its lease.

Run by path with nothing but the standard library; `executor.engine.guard` is its other end. One line a message on
standard input: `+PGID` a group to watch, `-PGID` one that is gone, `LSECONDS` the deadline on the boot-time clock.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterable

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_SWEEPS_MAX = 100
REMOVE_SECONDS = 30.0
# Between two looks at the pipe: a worker of short tasks must not wake its guard twice for each of them.
_REST_SECONDS = 0.005


def main(token: str, scratch: str) -> None:
    """Watch until the worker is gone, then end what it left, remove its scratch folder and leave."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    deadline: float | None = None
    rest = b""
    while True:
        patience = None if deadline is None else max(0.0, deadline - time.clock_gettime(_CLOCK))
        if not select.select([0], [], [], patience)[0]:
            end(token, groups, scratch)
            deadline = None
            continue
        read = os.read(0, 65536)
        if not read:
            break
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            sign, number = line[:1], line[1:]
            if sign == b"+":
                groups.add(int(number))
            elif sign == b"-":
                groups.discard(int(number))
            else:
                deadline = float(number)
        time.sleep(_REST_SECONDS)
    end(token, groups, scratch)
    remove(scratch)


def end(token: str, groups: set[int], scratch: str) -> None:
    """SIGKILL the groups, then whatever else carries the worker's token, until nothing of it is left; then containers,
    whose processes may be out of reach."""
    for pgid in groups:
        kill(os.killpg, pgid)
    groups.clear()
    for _ in range(_SWEEPS_MAX):
        found = list(of_worker(f"EXECUTOR_WORKER={token}".encode()))
        if not found:
            break
        for pid in found:
            kill(os.kill, pid)
        time.sleep(0.01)
    end_containers(scratch)


def end_containers(scratch: str) -> None:
    """As `executor.processes` does it: remove those that the worker's scratch folder tells of."""
    try:
        notes = [f"{scratch}/{name}" for name in os.listdir(scratch) if name.endswith(".container")]  # noqa: PTH208
    except FileNotFoundError:  # the worker left in good order
        return
    for note in notes:
        import subprocess  # few workers need it

        try:
            with open(note, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
                program, _, name = file.read().strip().partition("\n")
            subprocess.run(
                [program, "rm", "--force", name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=REMOVE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):  # gone by itself, or there is nobody to tell
            continue


def of_worker(entry: bytes) -> Iterable[int]:
    """Living processes with this entry in their environment; none where there is no /proc (the groups are all then)."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - no pathlib here: it would double the start
    except FileNotFoundError:
        return
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:  # noqa: PTH123
                environ = file.read()
        except OSError:  # gone meanwhile, or another user's
            continue
        if entry in environ.split(b"\0"):
            yield int(name)


def kill(send: object, number: int) -> None:
    """Send SIGKILL to what may be gone already."""
    try:
        send(number, signal.SIGKILL)  # type: ignore[operator]
    except (ProcessLookupError, PermissionError):
        return


def remove(scratch: str) -> None:
    """Remove the texts of the worker's blocks."""
    try:
        for name in os.listdir(scratch):  # noqa: PTH208
            os.unlink(f"{scratch}/{name}")  # noqa: PTH108
        os.rmdir(scratch)  # noqa: PTH106
    except OSError:  # already removed by the worker itself, or something of a task's is in there
        return


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
