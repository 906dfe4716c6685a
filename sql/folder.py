"""The migrations of a folder, in order, and the repeatable files beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from sql import numbering, script
from sql.errors import Fault, FilesRefused
from sql.script import Bounds, Script, Statement
from sql.tokens import BadScript

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


class Migration(Struct, frozen=True):
    """One file. A repeatable one has no version: 0."""

    version: int
    name: str
    path: str
    script: Script

    @property
    def repeatable(self) -> bool:
        return not self.version

    @property
    def label(self) -> str:
        """`0042_orders_note`, or `repeat/orders_view`."""
        return f"repeat/{self.name}" if self.repeatable else numbering.label(self.version, self.name)

    @property
    def number(self) -> str:
        """`0042`, or the name of a repeatable file."""
        return self.name if self.repeatable else numbering.label(self.version)

    @property
    def up(self) -> str:
        """What it runs, as text."""
        return self.script.up

    @property
    def down(self) -> str | None:
        """What undoes it, as text."""
        return self.script.down

    @property
    def checksum(self) -> str:
        return self.script.checksum

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.script.statements

    @property
    def bounds(self) -> Bounds:
        return self.script.bounds


class Folder(Struct, frozen=True):
    """`migrations` by version; `repeatables` by name, each run again whenever its checksum changes."""

    migrations: tuple[Migration, ...]
    repeatables: tuple[Migration, ...] = ()


def load(folder: Path | Traversable) -> Folder:
    """Everything in a folder; raises FilesRefused with all bad names, else with the first fault of every file."""
    faults: list[Fault] = []
    migrations = [_read(version, name, entry, faults) for version, name, entry in numbering.of(folder)]
    repeatables = [_read(0, name, entry, faults) for name, entry in numbering.repeatables(folder)]
    if faults:
        raise FilesRefused(tuple(faults))
    return Folder(tuple(filter(None, migrations)), tuple(filter(None, repeatables)))


def read(folder: Path | Traversable) -> tuple[Migration, ...]:
    """The numbered migrations alone, by version; raises like `load`."""
    return load(folder).migrations


def _read(version: int, name: str, entry: Path | Traversable, faults: list[Fault]) -> Migration | None:
    """One file, or None and another fault."""
    try:
        text = _decode(entry.read_bytes())
    except _BadBytes as error:
        faults.append(Fault(str(entry), error.message, error.line, error.column))
        return None
    try:
        content = script.parse(text)
    except BadScript as error:
        faults.append(Fault(str(entry), error.message, *script.place(text, error.offset)))
        return None
    migration = Migration(version, name, str(entry), content)
    if wrong := _misfit(migration):
        faults.append(Fault(str(entry), wrong))
        return None
    return migration


def _misfit(migration: Migration) -> str:
    """What a file asks for that its kind cannot have; empty if nothing."""
    directives = migration.script.directives
    if migration.repeatable and migration.down is not None:
        return "a repeatable file has no down part: it says how things are"
    if migration.repeatable and (not directives.transaction or directives.replaces):
        return "a repeatable file runs in a transaction and replaces nothing"
    if directives.replaces and directives.replaces[1] != migration.version:
        return f"it replaces files up to {numbering.label(directives.replaces[1])}, so that must be its number"
    return ""


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
