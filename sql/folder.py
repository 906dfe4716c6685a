"""The migrations of a folder, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql import numbering, script
from sql.errors import Fault, FilesRefused
from sql.script import Bounds, Script, Statement
from sql.tokens import BadScript

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


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
        return numbering.label(self.version, self.name)


def read(folder: Path | Traversable) -> tuple[Migration, ...]:
    """All migrations by version; raises FilesRefused with all bad names, else with the first fault of every file."""
    faults: list[Fault] = []
    migrations: list[Migration] = []
    for version, name, entry in numbering.of(folder):
        try:
            migrations.append(_migration(version, name, str(entry), script.parse(_decode(entry.read_bytes()))))
        except _BadBytes as error:
            faults.append(Fault(str(entry), error.message, error.line, error.column))
        except BadScript as error:
            faults.append(Fault(str(entry), error.message, *script.place(_decode(entry.read_bytes()), error.offset)))
    if faults:
        raise FilesRefused(tuple(faults))
    return tuple(migrations)


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
