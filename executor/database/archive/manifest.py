"""What an archive says of itself: versions, and what each table holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins

from executor.errors import DatabaseError

FORMAT = 1
MEMBER = "manifest.json"


class Holding(Struct, frozen=True):
    """The rows of a table as text: its columns, how many rows and bytes, and their SHA-256 in the order of its key."""

    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str


class Text(Struct, frozen=True):
    """The text of a list: its path, its files in the archive by their names, and whether it is what was last read.

    `files` is empty where the file was not to be had on the machine that wrote the archive.
    """

    path: str
    files: Mapping[str, str]
    as_read: bool


class Manifest(Struct, frozen=True):
    """`tables` are in an order in which they can be filled; `where` names no user and no password."""

    program: str
    server: str
    migration: int
    fingerprint: str
    made_at: datetime
    where: str
    tables: Mapping[str, Holding]
    sequences: Mapping[str, int | None]
    texts: tuple[Text, ...]

    @property
    def major(self) -> int:
        """The major version of the server that it was written from."""
        return int(self.server.partition(".")[0])

    def count(self, table: str) -> int:
        """How many rows a table has; none where it is not in the archive."""
        return self.tables[table].rows if table in self.tables else 0


def as_dict(manifest: Manifest) -> dict[str, Any]:
    """As it is written."""
    return {"format": FORMAT, **to_builtins(manifest), "made_at": manifest.made_at.isoformat()}


def read(said: Any, name: str) -> Manifest:
    """As it was written. `name` is that of the archive, for messages."""
    if not isinstance(said, dict) or not isinstance(said.get("format"), int):
        raise damaged(name, "its manifest says no format")
    if said["format"] > FORMAT:
        raise DatabaseError(
            f"{name} is of format {said['format']}; this version reads up to {FORMAT}",
            hint=f"install executor {said.get('program', 'of a later version')}",
            code="DB_BACKUP",
        )
    try:
        return Manifest(
            program=said["program"],
            server=said["server"],
            migration=said["migration"],
            fingerprint=said["fingerprint"],
            made_at=datetime.fromisoformat(said["made_at"]),
            where=said["where"],
            tables={
                table: Holding(**{**held, "columns": tuple(held["columns"])}) for table, held in said["tables"].items()
            },
            sequences=said["sequences"],
            texts=tuple(Text(**one) for one in said["texts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(name, f"its manifest lacks {error}") from error


def damaged(name: str, why: str) -> DatabaseError:
    """An archive that cannot be trusted."""
    return DatabaseError(
        f"{name} is damaged: {why}", hint="take another backup: `executor db backups` lists them", code="DB_BACKUP"
    )
