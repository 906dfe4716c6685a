"""The folders made before anything else: EXECUTOR_HOME, and for root a place its account can enter."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from executor.database.embedded.account import Account, can_enter
from executor.database.embedded.failures import ELSEWHERE
from executor.database.embedded.home import Home, Place
from executor.errors import DatabaseError

ROOTS = (Path("/var/lib"), Path("/var/tmp"))  # what is found there is only used when root owns it
SOCKET_PATH_MAX = 103  # macOS; Linux allows four more
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_home(home: Home) -> None:
    """Make what is missing; folders that exist keep their modes, and must be ours alone."""
    is_root = os.geteuid() == 0
    for folder in (home.folder, home.pg):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        # root's account must pass through to its data; nobody may list what is there
        folder.chmod(0o711 if is_root else 0o700)
    if not home.pg.is_dir():
        raise DatabaseError(f"{home.pg} is not a directory", hint=f"remove it, or {ELSEWHERE}", code="DB_DIR")
    entry = home.pg.stat()
    if not is_root and entry.st_uid != os.geteuid():
        raise DatabaseError(
            f"{home.pg} belongs to user {entry.st_uid}, not to you ({os.geteuid()})",
            hint=f"chown -R it to yourself, or {ELSEWHERE}",
            code="DB_OWNER",
        )
    if entry.st_mode & OTHERS_WRITE:
        raise DatabaseError(
            f"{home.pg} can be written by others (mode {stat.S_IMODE(entry.st_mode):o})",
            hint=f"chmod go-w {home.pg}, or {ELSEWHERE}",
            code="DB_PERMS",
        )


def choose_place(home: Home, account: Account, notice: Callable[[str], None]) -> Place:
    """In the home when the account can enter it, else where it can; the choice is kept in LOCATION.

    Modes of folders above are never changed: opening /root for a database would open it for everybody.
    """
    place = home.place()
    if place.folder != home.pg:
        if _make_relocated(place.folder):
            return place
        raise DatabaseError(
            f"{place.folder}, named in {home.location}, does not belong to you",
            hint=f"remove {home.location}, or {ELSEWHERE}",
            code="DB_OWNER",
        )
    if place.clusters() or can_enter(account, home.pg):
        return place  # what could be entered once is not tried out at every start
    name = f"executor-pg-{hashlib.sha256(os.fsencode(home.pg)).hexdigest()[:12]}"
    for root in ROOTS:
        folder = root / name
        if _make_relocated(folder) and can_enter(account, folder):
            pending = home.location.with_suffix(".new")
            pending.write_text(f"{folder}\n", encoding="utf-8")
            pending.rename(home.location)
            notice(f"the account {account.name} cannot enter {home.pg}: the database is kept in {folder}")
            return Place(folder)
    raise DatabaseError(
        f"the account {account.name}, which runs PostgreSQL for root, cannot enter {home.pg}",
        hint="set EXECUTOR_HOME to a directory such as /var/lib/executor, or DATABASE_URL to an existing PostgreSQL",
        code="DB_ROOT_PATH",
    )


def make_socket_folder(place: Place, account: Account) -> Path:
    """Private to the account. In /tmp when the path is too long for a socket, or has a comma, which separates hosts."""
    folder = place.run
    if len(os.fsencode(folder / ".s.PGSQL.65535")) > SOCKET_PATH_MAX or "," in str(folder):
        digest = hashlib.sha256(os.fsencode(place.folder)).hexdigest()[:12]
        folder = Path(f"/tmp/executor-pg-{account.uid}-{digest}")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    else:
        account.give(folder)
    entry = folder.lstat()
    if not stat.S_ISDIR(entry.st_mode) or entry.st_uid not in (account.uid, os.geteuid()):
        raise DatabaseError(
            f"{folder} exists and does not belong to {account.name}", hint=f"remove it, or {ELSEWHERE}", code="DB_DIR"
        )
    if entry.st_uid != account.uid:
        account.give(folder)
    if entry.st_mode & OTHERS_WRITE:
        raise DatabaseError(
            f"{folder} can be written by others", hint=f"chmod 700 {folder}, or {ELSEWHERE}", code="DB_PERMS"
        )
    return folder


def remove_socket_folder(place: Place, folder: Path) -> None:
    """Tidies /tmp after a stop; call under the lock."""
    if folder == place.run or not folder.is_dir():
        return
    try:
        folder.rmdir()
    except OSError:
        return  # a killed server left its socket there: the next start takes the folder over


def _make_relocated(folder: Path) -> bool:
    """Whether `folder` is there and root's own; anybody may have put something else into /var/tmp."""
    try:
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
    except FileExistsError:
        pass
    except OSError:
        return False  # no such root here, or read-only: the next one may do
    entry = folder.lstat()
    return stat.S_ISDIR(entry.st_mode) and entry.st_uid == os.geteuid()


def hand_back(home: Home) -> None:
    """Root in somebody else's home leaves nothing there that its owner could not use or remove."""
    owner = home.pg.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    ours = [path for path in home.pg.iterdir() if path.name != "bin"]
    for path in (*ours, *(home.pg / "bin").rglob("*"), home.pg / "bin"):
        if path.lstat().st_uid == 0:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
