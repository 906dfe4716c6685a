"""The migrations of a folder, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sql import script
from sql.errors import Fault, FilesRefused
from sql.script import Bounds, Script, Statement
from sql.tokens import BadScript

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

OURS = Path(__file__).parent / "migrations"
OUR_SET = "executor"

_NAME = re.compile(r"(?P<version>[0-9]{4,14})_(?P<name>[a-z0-9][a-z0-9_]*)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. `up` is what it runs, as text; `statements` the same, cut; `down` undoes it."""

    version: int
    name: str
    path: str
    up: str
    down: str | None
    checksum: str
    statements: tuple[Statement, ...]
    bounds: Bounds

    @property
    def label(self) -> str:
        """`0042_orders_note`."""
        return label(self.version, self.name)


def label(version: int, name: str = "") -> str:
    """A version as people see it, with its name if given."""
    return f"{version:04d}_{name}" if name else f"{version:04d}"


def read(folder: Path | Traversable) -> tuple[Migration, ...]:
    """All migrations by version; raises FilesRefused with all bad names, else with the first fault of every file."""
    faults: list[Fault] = []
    migrations: list[Migration] = []
    for version, name, entry in _numbered(folder):
        try:
            migrations.append(_migration(version, name, str(entry), script.parse(_decode(entry.read_bytes()))))
        except _BadBytes as error:
            faults.append(Fault(str(entry), error.message, error.line, error.column))
        except BadScript as error:
            faults.append(Fault(str(entry), error.message, *script.place(_decode(entry.read_bytes()), error.offset)))
    if faults:
        raise FilesRefused(tuple(faults))
    return tuple(migrations)


def versions(folder: Path | Traversable) -> tuple[int, ...]:
    """The versions in order, from the names alone: cheap enough for every start; raises FilesRefused."""
    return tuple(version for version, _, _ in _numbered(folder))


def _migration(version: int, name: str, path: str, content: Script) -> Migration:
    return Migration(
        version=version,
        name=name,
        path=path,
        up=content.up,
        down=content.down,
        checksum=content.checksum,
        statements=content.statements,
        bounds=content.bounds,
    )


def _numbered(folder: Path | Traversable) -> list[tuple[int, str, Path | Traversable]]:
    if not folder.is_dir():
        raise FilesRefused((Fault(str(folder), "no such folder"),))
    # A hidden file is an editor's or an archiver's, never a migration.
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".sql") and not entry.name.startswith(".")]
    faults: list[Fault] = []
    numbered: dict[int, tuple[int, str, Path | Traversable]] = {}
    for entry in sorted(files, key=lambda entry: entry.name):
        match = _NAME.fullmatch(entry.name)
        if match is None or int(match["version"]) == 0:
            faults.append(Fault(str(entry), "not named like a migration: 0001_what_it_does.sql, numbers from 0001"))
            continue
        version = int(match["version"])
        if version in numbered:
            taken = f"version {label(version)} is taken by {numbered[version][2].name}"
            faults.append(Fault(str(entry), f"{taken}; give it the next free number"))
        else:
            numbered[version] = (version, match["name"], entry)
    if faults:
        raise FilesRefused(tuple(faults))
    if not numbered:
        raise FilesRefused((Fault(str(folder), "no migrations in this folder (0001_what_it_does.sql)"),))
    return [numbered[version] for version in sorted(numbered)]


class _BadBytes(ValueError):
    """Bytes that are no text for PostgreSQL."""

    def __init__(self, message: str, before: bytes) -> None:
        super().__init__(message)
        self.message = message
        self.line = before.count(b"\n") + 1
        self.column = len(before) - before.rfind(b"\n")


def _decode(content: bytes) -> str:
    """The text with plain line ends: a checkout on another system must not be another migration."""
    if b"\0" in content:
        raise _BadBytes("a NUL byte, which PostgreSQL cannot take", content[: content.index(b"\0")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _BadBytes(f"not UTF-8: byte {content[error.start]:#04x}", content[: error.start]) from error
    return text.replace("\r\n", "\n")
