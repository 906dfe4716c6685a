"""The account that PostgreSQL runs as: oneself, or for root somebody without privileges."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TypedDict

from msgspec import Struct

from executor.errors import DatabaseError

CANDIDATES = ("postgres", "nobody")


class SpawnOptions(TypedDict, total=False):
    """The arguments of `subprocess` that decide who the child is and what it inherits."""

    user: int
    group: int
    extra_groups: list[int]
    env: dict[str, str]
    cwd: str
    umask: int


class Account(Struct, frozen=True):
    """`is_other` says that root stepped down to it; otherwise it is the user who runs us."""

    uid: int
    gid: int
    is_other: bool

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def spawn_options(self) -> SpawnOptions:
        # Nothing is inherited: PG* and LD_* would change the server, and EXECUTOR_RUN_ID would make it one of a task's
        # processes, to be ended with them.
        options = SpawnOptions(env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}, cwd="/", umask=0o077)
        if self.is_other:
            options |= SpawnOptions(user=self.uid, group=self.gid, extra_groups=[])
        return options

    def give(self, path: Path) -> None:
        """Hand a new file or folder over; only root has anything to hand over."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def choose(wanted: str | None, data: Path | None) -> Account:
    """The owner of the data if there is one, else `wanted`, else the first candidate there is. None is ever made."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    if data is not None:
        owner = data.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid, is_other=True)
    for name in [wanted] if wanted else CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid, is_other=True)
    raise DatabaseError(
        f"PostgreSQL refuses to run as root, and there is no unprivileged account {wanted or ' or '.join(CANDIDATES)}",
        hint="set EXECUTOR_PG_USER to an ordinary account, run as an ordinary user, or set DATABASE_URL",
        code="DB_ROOT",
    )


def can_enter(account: Account, folder: Path) -> bool:
    """Tried out as the account itself, since permissions have more causes than the mode bits of one folder."""
    if not account.is_other:
        return True
    command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    return run_as(account, command).returncode == 0


def run_as(account: Account, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a short command to its end. OSError when it cannot be executed at all."""
    options = account.spawn_options()
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=30, **options
        )
    except PermissionError as error:
        if account.is_other and not _may_switch(account):
            raise DatabaseError(
                f"this root may not act as {account.name}: it lacks the capabilities CAP_SETUID and CAP_SETGID",
                hint="run as an ordinary user, grant the capabilities, or set DATABASE_URL to an existing PostgreSQL",
                code="DB_ROOT_CAPS",
            ) from error
        raise


def _may_switch(account: Account) -> bool:
    try:
        subprocess.run(["/bin/sh", "-c", ":"], check=True, **account.spawn_options())
    except PermissionError:
        return False
    return True
