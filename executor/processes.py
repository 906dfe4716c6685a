"""Processes of this machine: which one is which, and the end of everything a worker started."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

from executor.log import logger

# Every process a worker starts carries these two, and its children inherit them, also through setsid.
WORKER_VARIABLE = "EXECUTOR_WORKER"
RUN_VARIABLE = "EXECUTOR_RUN_ID"
# What a worker leaves in its scratch folder beside each container: two lines, its engine's program and its name.
CONTAINER_SUFFIX = ".container"
_REMOVE_SECONDS = 30.0
_LINUX = sys.platform.startswith("linux")
_SWEEPS_MAX = 50


class Identity(Struct, frozen=True):
    """What tells a process from every other, also from a later one with the same pid."""

    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_started: int

    @property
    def token(self) -> str:
        """The value of EXECUTOR_WORKER in the environment of everything this process starts as a worker."""
        return token(self.boot_id, self.pid_namespace, self.pid, self.pid_started)


def token(boot_id: str, pid_namespace: str, pid: int, pid_started: int) -> str:
    """The token of the worker with this identity."""
    return f"{boot_id[:8]}.{pid_namespace}.{pid}.{pid_started}"


def scratch_prefix(token: str) -> str:
    """How the names of a worker's scratch folders begin, in the system's temporary folder."""
    return f"executor-{token}-"


def own() -> Identity:
    """The identity of this process."""
    pid = os.getpid()
    return Identity(host(), boot_id(), pid_namespace(), pid, started(pid) or 0)


@cache
def host() -> str:
    """A name of this machine that survives a change of its host name; the host name where there is none."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            found = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return found
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Changes with every boot of this machine."""
    if _LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    import psutil

    return str(int(psutil.boot_time()))


@cache
def pid_namespace() -> str:
    """Pids mean something only inside their namespace: two containers of one machine both have a pid 7."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"


def started(pid: int) -> int | None:
    """When a process started, on a scale that only compares; None when there is no such process, or only its zombie."""
    if _LINUX:
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = text[text.rindex(")") + 2 :].split()
        return None if fields[0] in "ZX" else int(fields[19])
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except psutil.Error:
        return None


def alive(pid: int, pid_started: int) -> bool:
    """Is it still that process?"""
    return started(pid) == pid_started


def exists(pid: int, pid_started: int) -> bool:
    """Might it still be that process? Only what can be seen to be gone is: /proc may hide other users' processes."""
    if alive(pid, pid_started):
        return True
    if started(pid) is not None:
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return False  # our own, and only its zombie


def of_worker(worker: str, run_id: int | None = None) -> list[int]:
    """Pids of the living processes that a worker started, of one run or of all."""
    wanted = {f"{WORKER_VARIABLE}={worker}"}
    if run_id is not None:
        wanted.add(f"{RUN_VARIABLE}={run_id}")
    return [pid for pid, environ in _environments() if wanted <= environ and pid != os.getpid()]


def end(worker: str, run_id: int | None = None) -> int:
    """SIGKILL everything that a worker (or one run of it) started, until nothing of it is left; how many there were."""
    ended: set[int] = set()
    for _ in range(_SWEEPS_MAX):
        found = of_worker(worker, run_id)
        if not found:
            break
        ended.update(found)
        for pid in found:
            send(pid, signal.SIGKILL)
        time.sleep(0.01)  # a process that was forking while we read shows up in the next sweep
    return len(ended)


def send(pid: int, sign: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return


def send_group(pgid: int, sign: signal.Signals) -> None:
    """Signal a process group that may be gone already."""
    try:
        os.killpg(pgid, sign)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return


def end_containers(scratch: Path) -> None:
    """Remove the containers that a worker's scratch folder tells of: they are no children of ours."""
    try:
        if scratch.stat().st_uid != os.geteuid():
            return
        notes = [note.read_text(encoding="utf-8") for note in scratch.glob(f"*{CONTAINER_SUFFIX}")]
    except OSError:  # its guard is at it
        return
    for note in notes:
        program, _, name = note.strip().partition("\n")
        remove_container(program, name)


def remove_container(program: str, name: str) -> None:
    """End a container, which may be gone already, and all that is in it."""
    import subprocess  # few runs need it

    command = [program, "rm", "--force", name]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_REMOVE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("container %s may still be there: %s", name, error)


def _environments() -> Iterator[tuple[int, set[str]]]:
    if _LINUX:
        for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for every process would double the time of a sweep
            if not name.isdigit():
                continue
            try:
                raw = Path(f"/proc/{name}/environ").read_bytes()
            except OSError:  # gone meanwhile, or another user's
                continue
            if raw and WORKER_VARIABLE.encode() in raw:
                yield int(name), set(raw.decode("utf-8", "surrogateescape").split("\0"))
        return
    import psutil

    for process in psutil.process_iter():
        try:
            yield process.pid, {f"{name}={value}" for name, value in process.environ().items()}
        except psutil.Error:
            continue
