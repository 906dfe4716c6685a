"""Backups: taking one beside running workers, the ones there are, and putting one back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from psycopg import Connection, IsolationLevel
from psycopg.rows import tuple_row

from executor.database import archive, embedded, relocation, schema, translate
from executor.database.archive import Manifest, Source, room, tables
from executor.database.connection import Database
from executor.database.embedded import failures
from executor.database.relocation import State
from executor.errors import DatabaseError, ListError
from executor.operations import files
from executor.settings import Settings
from sql import numbering

SUFFIX = ".backup"
# A number that the lost database gave out after the backup must not come again: a run's is an idempotency key.
LEAP = 1_000_000_000
Tell = Callable[[str], None]


class Backup(Struct, frozen=True):
    """A file and what it says of itself; `size` in bytes."""

    path: Path
    size: int
    manifest: Manifest


class Restored(Struct, frozen=True):
    """What was put back; `aside` is the schema that what was there is in now, and `texts` are the files written."""

    manifest: Manifest
    aside: str
    texts: tuple[Path, ...]


def folder(settings: Settings) -> Path:
    """Where backups lie unless a file is named."""
    return embedded.home_from_environment(settings.environ).folder / "backups"


def take(database: Database, path: Path | None, default: Path, *, tell: Tell) -> Backup:
    """Write everything of one moment to a file, while others work on. `default` is the folder of unnamed backups."""
    with database.visit("backup") as connection, translate.errors(database.where()):
        if not room.has_queue(connection):
            raise DatabaseError(
                f"{database.where()} holds no queue yet", hint="it has one after `executor run`", code="DB_BACKUP"
            )
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            return write(connection, path, default, where=database.where(), tell=tell)


def write(connection: Connection[Any], path: Path | None, default: Path, *, where: str, tell: Tell) -> Backup:
    """The same inside a transaction of the caller's, which must be REPEATABLE READ."""
    chosen = path or _unused(default, _moment(connection))
    made = archive.write(connection, chosen, where=where, sources=_sources(connection), tell=tell)
    if path is None:
        _hand_back(chosen)
    return Backup(chosen, chosen.stat().st_size, made)


def put_back(
    database: Database, path: Path, *, replace: bool, with_lists: bool, tell: Tell, leap: int = LEAP
) -> Restored:
    """Fill a database from a file, in one transaction, and bring it up to date.

    `replace`: what is there goes to another schema. `with_lists`: lists that have no file here get theirs back.
    """
    refuse_newer(archive.manifest_of(path), path)
    with database.visit("restore") as connection, translate.errors(database.where()):
        found = relocation.read(connection)
        if found is not None and found.state != State.LEFT:
            relocation.refuse(connection, database.where())
        with connection.transaction():
            aside = room.make(connection, database.where(), replace=replace)
            made = archive.load(connection, path, leap=leap, tell=tell)
        connection.execute(tables.ARCHIVE.analyze)
        schema.ensure(connection)
    return Restored(made, aside, tuple(_write_missing(path)) if with_lists else ())


def refuse_newer(made: Manifest, path: Path) -> None:
    """Raise DatabaseError for a schema that this program does not know."""
    known = numbering.versions(numbering.OURS)[-1]
    if made.migration > known:
        raise DatabaseError(
            f"{path.name} is of migration {made.migration:04d}; this version knows up to {known:04d}",
            hint=f"install executor {made.program}",
            code="DB_BACKUP",
        )


def found(where: Path) -> tuple[list[Backup], list[Path]]:
    """The backups of a folder, newest first, and the files there that look like one and are none."""
    backups, others = [], []
    try:
        paths = sorted(where.glob(f"*{SUFFIX}"))
    except OSError as error:
        raise failures.from_os_error(error, where) from error
    for path in paths:
        try:
            backups.append(Backup(path, path.stat().st_size, archive.manifest_of(path)))
        except DatabaseError:
            others.append(path)
    return sorted(backups, key=lambda one: (one.manifest.made_at, one.path), reverse=True), others


def _moment(connection: Connection[Any]) -> datetime:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(tables.ARCHIVE.moment, prepare=False).fetchone()
    assert row is not None, "one row"
    moment: datetime = row[0]
    return moment


def _unused(where: Path, moment: datetime) -> Path:
    stem = f"executor-{moment:%Y%m%dT%H%M%SZ}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 100)))
    return next(path for name in names if not (path := where / f"{name}{SUFFIX}").exists())


def _sources(connection: Connection[Any]) -> Iterator[Source]:
    """The text of each list as its file is now, one at a time."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(tables.ARCHIVE.lists, prepare=False).fetchall()
    for path, sha256 in rows:
        try:
            content = files.read(Path(path), max_size=files.UNLIMITED)
        except ListError:
            yield Source(path, {}, as_read=False)
            continue
        named = {Path(path).name: content} if isinstance(content, bytes) else content
        yield Source(path, named, as_read=files.digest(content) == sha256)


def _write_missing(path: Path) -> Iterator[Path]:
    for place, content in archive.texts_of(path):
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            yield place


def _hand_back(path: Path) -> None:
    """Root in somebody else's home leaves nothing there that its owner could not use."""
    owner = path.parent.parent.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for one in (path.parent, path):
            os.chown(one, owner.st_uid, owner.st_gid)
