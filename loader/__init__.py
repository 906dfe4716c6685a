"""Reads Markdown task lists: bytes in, a `TaskList` with its diagnostics out."""

from __future__ import annotations

from collections.abc import Mapping

from loader import garbage
from loader.model import TaskList

SIZE_MAX = 16 * 2**20


def parse(
    source: bytes,
    *,
    name: str = "tasks.md",
    dialect: str | None = None,
    on_duplicate: str = "error",
    allow_missing: bool = False,
    max_size: int = SIZE_MAX,
) -> TaskList:
    """Read a whole file. Pure; raises for no input: what is wrong with a file is a diagnostic of its list.

    `name` is the file's: `prd.json`, `tasks.json` and `todo.txt` are read as what they are, all else as Markdown.
    `on_duplicate` is "error" or "suffix", `allow_missing` drops unknown dependencies with a warning; the file's own
    `executor:` front matter gives both where the caller does not ask for the laxer reading.
    """
    from loader import reading  # the Markdown parser costs 30 ms to import: only those who parse pay

    choices = reading.Choices(dialect, on_duplicate, allow_missing, max_size)
    with garbage.held_off():
        return reading.read(source, choices, name)


def parse_folder(
    sources: Mapping[str, bytes],
    *,
    dialect: str | None = None,
    on_duplicate: str = "error",
    allow_missing: bool = False,
    max_size: int = SIZE_MAX,
) -> TaskList:
    """Read the files of a folder, by name, as one list in which each file is a task (Backlog.md).

    Tasks and diagnostics name their `file`; `sha256` is of all names and bytes. `folders.patch` writes to it.
    """
    from loader import folders
    from loader.reading import Choices

    with garbage.held_off():
        return folders.read(sources, Choices(dialect, on_duplicate, allow_missing, max_size))
