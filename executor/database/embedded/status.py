"""What `db status` shows, read without starting or changing anything."""

# The programs are looked at only when asked for: every command imports this module, few want a status.

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from executor.database.embedded import postmaster
from executor.database.embedded.flock import Flock
from executor.database.embedded.home import Home
from executor.errors import DatabaseError

if TYPE_CHECKING:
    from executor.database.embedded.binaries import Binaries

GLANCE = 0.5


class State(StrEnum):
    ABSENT = "absent"
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class ServerStatus(Struct, frozen=True):
    """`in_use` is None when that cannot be told; `binaries` and `version` are None when the programs are missing."""

    state: State
    data: Path | None
    log: Path
    kept: bool
    in_use: bool | None = None
    pid: int | None = None
    port: int | None = None
    version: str | None = None
    binaries: Path | None = None
    account: str | None = None


def read(home: Home) -> ServerStatus:
    from executor.database.embedded import account

    place = home.place()
    data = place.newest()
    if data is None:
        return ServerStatus(State.ABSENT, None, home.log, kept=home.kept.exists())
    found = postmaster.read(data)
    alive = found is not None and postmaster.is_ours(found.pid, data)
    programs = _programs(home, data, alive=alive)
    return ServerStatus(
        state=_state(found) if alive else State.STOPPED,
        data=data,
        log=home.log,
        kept=home.kept.exists(),
        in_use=_is_in_use(home),
        pid=found.pid if alive and found else None,
        port=found.port if alive and found else None,
        version=programs.version if programs else None,
        binaries=programs.folder if programs else None,
        account=account.choose(home.account, data).name,
    )


def psql_path(home: Home) -> Path:
    """The psql that belongs to the server. DB_BINARIES when its folder has none."""
    from executor.database.embedded import binaries, cluster

    place = home.place()
    data = place.newest()
    programs = _of_running(data) if data else None
    if programs is None:
        programs = binaries.find(home, place, cluster.major_of(data) if data else None)
    psql = programs.folder / "psql"
    if not psql.exists():
        raise DatabaseError(
            f"there is no psql in {programs.folder}",
            hint="install PostgreSQL's client programs, or set EXECUTOR_PG_BIN to a folder that has them",
            code="DB_BINARIES",
        )
    return psql


def _state(found: postmaster.PidFile | None) -> State:
    match found.status if found else "":
        case "ready":
            return State.RUNNING
        case "stopping":
            return State.STOPPING
        case _:
            return State.STARTING


def _programs(home: Home, data: Path, *, alive: bool) -> Binaries | None:
    from executor.database.embedded import binaries, cluster

    if alive and (running := _of_running(data)):
        return running
    try:
        return binaries.find(home, home.place(), cluster.major_of(data))
    except DatabaseError:
        return None  # a status tells what is missing, it does not fail for it


def _of_running(data: Path) -> Binaries | None:
    """postmaster.opts holds the command line of the last start, unquoted up to its first argument."""
    from executor.database.embedded import binaries

    options = data / "postmaster.opts"
    if not options.exists():
        return None
    named = re.match(r'(.*?)/postgres(?: "-D"|$)', options.read_text(encoding="utf-8", errors="replace"))
    return binaries.inspect(Path(named[1])) if named else None


def _is_in_use(home: Home) -> bool | None:
    """Asked under the lock, since trying `users` would otherwise look like a user to somebody who wants to leave."""
    lock, users = Flock(home.lock), Flock(home.users)
    if not home.users.exists():
        return False
    try:
        if not lock.own(wait=GLANCE):
            return None
        return not users.own(wait=0)
    finally:
        users.release()
        lock.release()
