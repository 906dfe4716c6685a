"""An archive put back: one transaction of the caller's, which sees everything in it compared before it ends."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection

from executor.database.archive import manifest as manifests
from executor.database.archive import room, schema, tables
from executor.database.archive.manifest import Holding, Manifest, damaged
from executor.database.archive.tables import ARCHIVE, Table
from executor.errors import DatabaseError


def manifest_of(path: Path) -> Manifest:
    """What an archive says of itself. DatabaseError when it is none, or a later program's."""
    with _opened(path) as archive:
        return _manifest(archive, path)


def texts_of(path: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file of every list, where it belongs; a list that is a folder has one for each file in it."""
    with _opened(path) as archive:
        for text in _manifest(archive, path).texts:
            for name, member in text.files.items():
                place = Path(text.path)
                yield (place / name if len(text.files) > 1 or name != place.name else place), archive.read(member)


def load(
    connection: Connection[Any],
    path: Path,
    *,
    leap: int,
    tell: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Make our schema with everything in it; there must be none, or an empty one. Call inside a transaction.

    Sequences go on `leap` numbers behind where they were. DatabaseError when the archive is damaged, or when the
    server holds anything else afterwards than what was written.
    """
    with _opened(path) as archive:
        made = _manifest(archive, path)
        tables.settle(connection)
        connection.execute(_structure(connection, archive), prepare=False)
        found = {table.name: table for table in tables.of_schema(connection)}
        for name, held in made.tables.items():
            tell(name)
            if name not in found:
                raise damaged(path.name, f"its schema has no table {name}")
            if _fill(connection, archive, found[name], held) != held:
                raise damaged(path.name, f"table {name} is not what was written")
        for name, last in made.sequences.items():
            if last is not None:
                connection.execute(ARCHIVE.set_sequence, {"name": name, "last": last + leap}, prepare=False)
        compare(connection, made, tell=tell)
        return made


def compare(connection: Connection[Any], made: Manifest, *, tell: Callable[[str], None] = lambda _: None) -> None:
    """Read every table back, count and hash it, and raise DatabaseError unless all is as the manifest says.

    Call inside a transaction.
    """
    tables.settle(connection)
    held = {}
    for table in tables.of_schema(connection):
        tell(f"{table.name}, compared")
        held[table.name] = tables.stream(connection, table, lambda _: None)
    for name in sorted({*made.tables, *held}):
        if held.get(name) != made.tables.get(name):
            raise _different(name, made.tables.get(name), held.get(name))
    is_same_major = connection.info.server_version // 10000 == made.major
    if is_same_major and schema.read(connection).fingerprint != made.fingerprint:
        raise DatabaseError("the schema is not what was written", hint=_REPORT, code="DB_BACKUP")


_CREATE = b"CREATE SCHEMA executor;\n\n"
_REPORT = "nothing was changed; run the same command again, and if it persists, report it"


def _different(name: str, written: Holding | None, found: Holding | None) -> DatabaseError:
    def told(held: Holding | None) -> str:
        return "no such table" if held is None else f"{held.rows} rows, {held.sha256[:12]}"

    return DatabaseError(
        f"table {name} is not the same: {told(written)} written, {told(found)} found", hint=_REPORT, code="DB_BACKUP"
    )


def _structure(connection: Connection[Any], archive: zipfile.ZipFile) -> bytes:
    """The SQL that makes our tables; without the schema where a role has that and may make none."""
    text = archive.read("schema.sql")
    return text.replace(_CREATE, b"", 1) if room.has_schema(connection) else text


def _fill(connection: Connection[Any], archive: zipfile.ZipFile, table: Table, held: Holding) -> Holding:
    size, digest = 0, hashlib.sha256()
    cursor = connection.cursor()
    with archive.open(f"tables/{table.name}.copy") as member, cursor.copy(table.incoming(held.columns)) as copy:
        while piece := member.read(tables.PIECE):
            size += len(piece)
            digest.update(piece)
            copy.write(piece)
    return Holding(held.columns, cursor.rowcount, size, digest.hexdigest())


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        return manifests.read(json.loads(archive.read(manifests.MEMBER)), path.name)
    except (KeyError, ValueError) as error:
        raise damaged(path.name, "it has no readable manifest") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise DatabaseError(
            f"{path} does not exist", hint="`executor db backups` lists those that do", code="DB_BACKUP"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise damaged(path.name, str(error) or "it ends too early") from error
    except OSError as error:
        raise DatabaseError(
            f"{path} cannot be read: {error.strerror or error}",
            hint="check the file and its permissions",
            code="DB_BACKUP",
        ) from error
