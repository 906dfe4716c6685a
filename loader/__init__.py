"""Reads Markdown task lists: bytes in, a `TaskList` with its diagnostics out."""

from __future__ import annotations

from loader.model import TaskList

SIZE_MAX = 16 * 2**20


def parse(
    source: bytes,
    *,
    dialect: str | None = None,
    on_duplicate: str = "error",
    allow_missing: bool = False,
    max_size: int = SIZE_MAX,
) -> TaskList:
    """Read a whole file. Pure; raises for no input: what is wrong with a file is a diagnostic of its list.

    `on_duplicate` is "error" or "suffix", `allow_missing` drops unknown dependencies with a warning; the file's own
    `executor:` front matter gives both where the caller does not ask for the laxer reading.
    """
    from loader import reading  # the Markdown parser costs 30 ms to import: only those who parse pay

    choices = reading.Choices(dialect, on_duplicate, allow_missing, max_size)
    return reading.read(source, choices)
