"""Which files of a folder are migrations, and in which order: told by their names alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sql.errors import Fault, FilesRefused

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

OURS = Path(__file__).parent / "migrations"
OUR_SET = "executor"

REPEATABLE = "repeat"

_NAME = re.compile(r"(?P<version>[0-9]{4,14})_(?P<name>[a-z0-9][a-z0-9_]*)\.sql")
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


def label(version: int, name: str = "") -> str:
    """A version as people see it, with its name if given: `0042_orders_note`."""
    return f"{version:04d}_{name}" if name else f"{version:04d}"


def parse(name: str) -> tuple[int, str] | None:
    """The version and the name in a file's name; None if it is not named like a migration."""
    match = _NAME.fullmatch(name)
    return (int(match["version"]), match["name"]) if match and int(match["version"]) else None


def names(folder: Path) -> list[tuple[int, str]]:
    """Version and name of every file in order; none in a folder that is absent. Numbers taken twice do no harm here."""
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted(parsed for entry in entries if (parsed := parse(entry.name)))


def following(folder: Path) -> int:
    """The number of the next file; 1 in a folder that is empty or absent."""
    return 1 + max((version for version, _ in names(folder)), default=0)


def versions(folder: Path | Traversable) -> tuple[int, ...]:
    """The versions in order, from the names alone: cheap enough for every start; raises FilesRefused."""
    return tuple(version for version, _, _ in of(folder))


def of(folder: Path | Traversable) -> list[tuple[int, str, Path | Traversable]]:
    """Version, name and entry of every file by version; raises FilesRefused with every bad name."""
    if not folder.is_dir():
        raise FilesRefused((Fault(str(folder), "no such folder"),))
    faults: list[Fault] = []
    numbered: dict[int, tuple[int, str, Path | Traversable]] = {}
    for entry in _sql_files(folder):
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


def repeatables(folder: Path | Traversable) -> list[tuple[str, Path | Traversable]]:
    """Name and entry of every file of `repeat/` by name, none without that folder; raises FilesRefused."""
    inner = folder / REPEATABLE
    if not inner.is_dir():
        return []
    found = [(entry.name.removesuffix(".sql"), entry) for entry in _sql_files(inner)]
    faults = [
        Fault(str(entry), "not named like a repeatable file: orders_view.sql")
        for name, entry in found
        if not _PLAIN_NAME.fullmatch(name)
    ]
    if faults:
        raise FilesRefused(tuple(faults))
    return found


def _sql_files(folder: Path | Traversable) -> list[Path | Traversable]:
    """By name. A hidden file is an editor's or an archiver's, never a migration."""
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".sql") and not entry.name.startswith(".")]
    return sorted(entries, key=lambda entry: entry.name)
