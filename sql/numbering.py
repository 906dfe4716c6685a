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

_NAME = re.compile(r"(?P<version>[0-9]{4,14})_(?P<name>[a-z0-9][a-z0-9_]*)\.sql")


def label(version: int, name: str = "") -> str:
    """A version as people see it, with its name if given: `0042_orders_note`."""
    return f"{version:04d}_{name}" if name else f"{version:04d}"


def versions(folder: Path | Traversable) -> tuple[int, ...]:
    """The versions in order, from the names alone: cheap enough for every start; raises FilesRefused."""
    return tuple(version for version, _, _ in of(folder))


def of(folder: Path | Traversable) -> list[tuple[int, str, Path | Traversable]]:
    """Version, name and entry of every file by version; raises FilesRefused with every bad name."""
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
