"""An archive of what a transaction sees, written beside its name and given it when it is whole."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import dict_row, tuple_row

from executor import __version__
from executor.database.archive import manifest as manifests
from executor.database.archive import schema, tables
from executor.database.archive.manifest import Holding, Manifest, Text
from executor.errors import DatabaseError

if TYPE_CHECKING:
    from executor.database.archive.tables import Table

_LEVEL = 1  # three times as fast as the usual one, for a tenth more room
_UNFINISHED = ".unfinished-"


class Source(Struct, frozen=True):
    """The text of a list, by the names of its files; empty where it cannot be had."""

    path: str
    files: Mapping[str, bytes]
    as_read: bool


def write(
    connection: Connection[Any],
    path: Path,
    *,
    where: str,
    sources: Iterable[Source],
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Write everything of ours to a new file. The caller began the transaction, and it must be REPEATABLE READ.

    Holds one piece of a table at a time. Raises DatabaseError when the file exists or cannot be written; whatever
    ends it early leaves no file with that name.
    """
    _refuse_existing(path)
    try:
        with _unfinished(path.parent) as (unfinished, file):
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
                made = _fill(connection, archive, where, sources, tell)
            file.flush()
            os.fsync(file.fileno())
            _name(unfinished, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    return made


def _fill(
    connection: Connection[Any],
    archive: zipfile.ZipFile,
    where: str,
    sources: Iterable[Source],
    tell: Callable[[str], None],
) -> Manifest:
    tables.settle(connection)
    with connection.cursor(row_factory=dict_row) as cursor:
        moment = cursor.execute(tables.ARCHIVE.moment, prepare=False).fetchone() or {}
    structure = schema.read(connection)
    archive.writestr("schema.sql", structure.text)
    held = {table.name: _table(connection, archive, table, tell) for table in tables.of_schema(connection)}
    with connection.cursor(row_factory=tuple_row) as cursor:
        # Read last: no row of the snapshot has a higher number.
        sequences: dict[str, int | None] = dict(cursor.execute(tables.ARCHIVE.sequences, prepare=False).fetchall())
    server = connection.info.server_version
    made = Manifest(
        program=__version__,
        server=f"{server // 10000}.{server % 10000}",
        migration=moment["migration"],
        fingerprint=structure.fingerprint,
        made_at=moment["made_at"],
        where=where,
        tables=held,
        sequences=sequences,
        texts=tuple(_text(archive, number, source) for number, source in enumerate(sources, 1)),
    )
    archive.writestr(manifests.MEMBER, json.dumps(manifests.as_dict(made), indent=1))
    return made


def _table(connection: Connection[Any], archive: zipfile.ZipFile, table: Table, tell: Callable[[str], None]) -> Holding:
    tell(table.name)
    with archive.open(f"tables/{table.name}.copy", "w", force_zip64=True) as member:
        return tables.stream(connection, table, member.write)


def _text(archive: zipfile.ZipFile, number: int, source: Source) -> Text:
    names = {name: f"lists/{number}/{name}" for name in source.files}
    for name, member in names.items():
        archive.writestr(member, source.files[name])
    return Text(source.path, names, source.as_read)


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file without a name of its own yet. It is locked, which tells it from those that killed processes left."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(folder)
    descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=folder)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(name), file
    finally:
        Path(name).unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{_UNFINISHED}*"):
        with left.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # somebody is writing it
            left.unlink(missing_ok=True)


def _name(unfinished: Path, path: Path) -> None:
    """Give the file its name; a second link, because a rename would take the place of a file that came meanwhile."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        _refuse_existing(path)
    except OSError:  # a file system without links
        _refuse_existing(path)
        unfinished.rename(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise DatabaseError(
            f"{path} exists, and a backup never takes another file's place", hint="name another file", code="DB_BACKUP"
        )


def _unwritable(path: Path, error: OSError) -> DatabaseError:
    return DatabaseError(
        f"{path} cannot be written: {error.strerror or error}",
        hint="free some space, or name a file somewhere else",
        code="DB_BACKUP",
    )
