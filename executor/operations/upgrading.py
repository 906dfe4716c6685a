"""The embedded cluster from one major version of PostgreSQL to the newest there is.

upgrade: old: leaving                                  nobody begins anything, workers are asked to leave
         ONE transaction of the old, in which nobody changes anything:
             a backup of it
             ONE transaction of a new cluster beside it: restore, compare
         both servers stop; the new cluster is given its name: from here on it counts
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection, IsolationLevel

from executor import faults
from executor.database import archive, embedded, relocation, schema, translate
from executor.database.archive import Manifest, room
from executor.database.connection import Database
from executor.database.embedded import Home, Server, binaries, cluster, scratch
from executor.database.relocation import State
from executor.errors import UsageError
from executor.operations import backup, moving
from executor.operations.verification import settings_of
from executor.settings import Settings

Tell = Callable[[str], None]
_NEWER = "a newer PostgreSQL"


class Upgraded(Struct, frozen=True):
    """From and to which data folder, the backup that was made on the way, and what was copied."""

    old: Path
    new: Path
    backup: Path
    manifest: Manifest


def upgrade(settings: Settings, *, now: bool, tell: Tell, progress: Tell) -> Upgraded | None:
    """Copy into a new cluster, compare, switch. None when there is nothing newer.

    Killed at any moment, either the old cluster counts, and the same command begins again, or the new one does.
    """
    home, old = _found(settings)
    if binaries.find(home, home.place(), None).major <= cluster.major_of(old):
        return None
    with scratch.home(home, notice=tell, durable=True) as beside:
        database = Database(_of_old(settings))
        try:
            with closing(database.visit("upgrade")) as leaving, translate.errors(database.where()):
                _begin(leaving, database.where())
                moving.empty(leaving, settings.actor, now=now, tell=tell)
                made = _copy(leaving, settings, home, beside, progress)
        finally:
            database.close()
        faults.at("upgrade-copied")
        new = Server(home).take_over(_stopped(beside))
    faults.at("upgrade-switched")
    return Upgraded(old, new, made.path, made.manifest)


def abort(settings: Settings) -> None:
    """Take back an upgrade that was cut short, or go on with an old cluster whose successor was removed."""
    _found(settings)
    database = Database(settings)
    try:
        with closing(database.visit("upgrade")) as leaving, translate.errors(database.where()):
            found = relocation.read(leaving)
            if found is None or found.state != State.LEAVING:
                raise UsageError("no upgrade is under way", hint="see `executor db status`")
            relocation.stay(leaving)
    finally:
        database.close()


def _found(settings: Settings) -> tuple[Home, Path]:
    home = embedded.home_from_environment(settings.environ)
    old = home.place().newest()
    if settings.database_url is not None or old is None:
        raise UsageError(
            "only an embedded database is upgraded by this",
            hint="a server is upgraded by whoever runs it; `executor db status` shows which is used",
        )
    return home, old


def _of_old(settings: Settings) -> Settings:
    """EXECUTOR_PG_BIN names the programs to upgrade to; those of the old cluster are found by themselves."""
    return replace(
        settings, environ={name: text for name, text in settings.environ.items() if name != "EXECUTOR_PG_BIN"}
    )


def _begin(leaving: Connection[Any], where: str) -> None:
    """Let nobody begin anything; so it is already where an upgrade was cut short."""
    found = relocation.read(leaving)
    if found is not None and found.state == State.LEAVING and found.other == _NEWER:
        return
    relocation.refuse(leaving, where)
    schema.ensure(leaving)
    relocation.begin_leaving(leaving, uuid4(), _NEWER)


def _copy(leaving: Connection[Any], settings: Settings, home: Home, beside: Home, progress: Tell) -> backup.Backup:
    """Everything into the new cluster, compared there; the passwords stay what they are."""
    for name in (home.password, home.admin_password):
        shutil.copy2(name, beside.pg / name.name)
    database = Database(settings_of(settings, beside))
    leaving.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with leaving.transaction(), closing(database.visit("upgrade")) as arriving:
            relocation.hold(leaving)
            made = backup.write(leaving, None, backup.folder(settings), where="the embedded server", tell=progress)
            with arriving.transaction():
                room.make(arriving, "the new cluster", replace=False)
                archive.load(arriving, made.path, leap=0, tell=progress)
    finally:
        database.close()
    return made


def _stopped(beside: Home) -> Path:
    Server(beside).stop(force=True)
    data = beside.place().newest()
    assert data is not None, "made a moment ago"
    return data
