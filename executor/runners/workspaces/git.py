"""Git commands as lists of words: without hooks, signatures, editors or questions, and one worker at a time."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from executor.runners import Io
from executor.runners.patience import Cancelled

# Hooks and signatures are for people who commit: nobody is there to answer, and what must hold is in `verify` blocks.
_OFF = (
    "core.hooksPath=/dev/null",
    "commit.gpgsign=false",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_QUIET = tuple(word for setting in _OFF for word in ("-c", setting))
_NOBODY = ("-c", "user.name=executor", "-c", "user.email=executor@localhost")
_LOOK_SECONDS = 0.05
_LOCK = "executor.lock"


class GitRefused(Exception):
    """Git could not do it; the message is what it said."""


class Git(Struct, frozen=True):
    """Git at work in one folder. A command that outlives its worker keeps the lock (`held`) until it is through."""

    folder: Path
    environ: Mapping[str, str]
    held: int | None = None

    def at(self, folder: Path) -> Git:
        """The same in another folder."""
        return Git(folder, self.environ, self.held)

    def ask(self, *words: str) -> str:
        """What a command prints; raises GitRefused."""
        done = self._run(*words)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise GitRefused(f"git {words[0]}: {said or f'ended with exit status {done.returncode}'}")
        return done.stdout.rstrip("\n")

    def holds(self, *words: str) -> bool:
        """Does a command that tests something succeed?"""
        return self._run(*words).returncode == 0

    def commit(self, *words: str) -> None:
        """A command that makes commits, by whoever git is set up for, or by the executor where it is for nobody."""
        known = self.holds("var", "GIT_COMMITTER_IDENT") and self.holds("var", "GIT_AUTHOR_IDENT")
        self.ask(*(() if known else _NOBODY), *words)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *_QUIET, *words],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            pass_fds=() if self.held is None else (self.held,),
        )


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Ours, but for what a git that started us says of its own repository."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name in _USERS}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_MERGE_AUTOEDIT": "no"}


# What a person sets: who commits, and where git finds its settings.
_USERS = {
    *(f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")),
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_SSH_COMMAND",
    "GIT_EXEC_PATH",
}


@contextmanager
def alone(git: Git, common: Path, io: Io) -> Iterator[Git]:
    """Git while no other worker changes the repository; raises Cancelled when the run is to end first."""
    lock = os.open(common / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while not _taken(lock):
            if select.select([io.wake_fd], [], [], _LOOK_SECONDS)[0] and os.read(io.wake_fd, 16).strip(b"r"):
                raise Cancelled
        yield Git(git.folder, git.environ, lock)
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
