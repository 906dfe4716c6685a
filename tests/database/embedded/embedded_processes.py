"""Processes of the tests: clients to drive, servers to find, facts to wait for."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil

from executor.database.embedded import Home, Limits
from executor.database.embedded.postmaster import StopLadder
from tests import bytecode

ROOT = Path(__file__).resolve().parents[3]
CLIENT = Path(__file__).with_name("client.py")
QUICK = Limits(lock_wait=10, start_wait=20, stop=StopLadder(fast=5, immediate=2, kill=2))


def fast_folder() -> str:
    """Memory, where there is enough of it and it may hold programs: a hundred databases are copied and synced here."""
    memory = "/dev/shm"
    if not Path(memory).is_dir() or shutil.disk_usage(memory).free < 2 << 30:
        return "/tmp"
    return "/tmp" if os.statvfs(memory).f_flag & os.ST_NOEXEC else memory


def copy(pattern: Path, home: Path, *, share: bool = True) -> None:
    """A home of its own; only the programs, which nobody changes, are shared, where that is possible."""
    (home / "pg").mkdir(parents=True)
    parts = [path for path in (pattern / "pg").iterdir() if path.name != "bin"]
    subprocess.run(["cp", "-a", *parts, home / "pg"], check=True)
    if (pattern / "pg" / "bin").exists():
        subprocess.run(["cp", "-al" if share else "-a", pattern / "pg" / "bin", home / "pg"], check=True)
    for made, like in ((home, pattern), (home / "pg", pattern / "pg")):
        made.chmod(like.stat().st_mode)


def wipe(home: Home) -> None:
    """Whatever a test did to it, nothing of this home runs or remains afterwards."""
    place = home.place()
    for process in servers_in(place.folder):
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue  # a backend that left with its postmaster
    assert eventually(lambda: not servers_in(place.folder))
    if place.folder != home.pg:
        shutil.rmtree(place.folder)
    shutil.rmtree(home.folder)


def servers_in(folder: Path) -> list[psutil.Process]:
    """Postmasters and whatever they left: every postgres at work somewhere below `folder`."""
    found = []
    for process in psutil.process_iter(["name", "cwd", "status"]):
        cwd = process.info["cwd"]
        if process.info["name"] == "postgres" and cwd and Path(cwd).is_relative_to(folder):
            found.append(process)
    return found


def is_gone(pid: int) -> bool:
    """Whether nothing runs under that number any more; a zombie, whose parent has not asked yet, does not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(question: Callable[[], bool], *, seconds: float = 10) -> bool:
    """Wait for a fact."""
    until = time.monotonic() + seconds
    while not question():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@dataclass
class Client:
    """One client process."""

    process: subprocess.Popen[str]

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, word: str) -> str:
        self.tell(word)
        return self.hear()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


@dataclass
class Clients:
    """Starts clients, as oneself or as another user, and ends them all."""

    started: list[Client] = field(default_factory=list)

    def start(
        self, home: Path, *, user: str | int | None = None, through: Sequence[str] = (), **environ: str
    ) -> Client:
        process = subprocess.Popen(
            [*through, interpreter(user), str(CLIENT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=process_environ(home, **environ),
            cwd="/",
            start_new_session=True,
            user=user,
            group=group_of(user),
            extra_groups=[] if user else None,
        )
        self.started.append(Client(process))
        return self.started[-1]


def process_environ(home: Path, **more: str) -> dict[str, str]:
    """The environment of a process that uses the server of this home."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]]),
        **bytecode.ENVIRON,
        "EXECUTOR_HOME": str(home),
        **more,
    }


def group_of(user: str | int | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if isinstance(user, str) else user


@cache
def interpreter(user: str | int | None) -> str:
    """A Python of this version that the user can execute; the one of this environment may lie under /root."""
    if user is None:
        return sys.executable
    name = f"python3.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        command = ["/bin/sh", "-c", '"$0" -c "import ctypes"', path]
        tried = subprocess.run(command, user=user, extra_groups=[], capture_output=True)
        if tried.returncode == 0:
            return path
    raise AssertionError(f"no Python 3.{sys.version_info.minor} that {user} can execute")
