"""What tells two states of a file apart without reading it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct


class Stamp(Struct, frozen=True):
    """A list's file, or the Markdown files of its folder, at one moment. Unequal: something was written."""

    parts: tuple[tuple[str, int, int, int], ...]  # name, inode, size, time of the last change of content
    changed_ns: int  # the last change of anything, on the file system's clock

    @property
    def inodes(self) -> frozenset[int]:
        """Which files these are: another one for each save that renames."""
        return frozenset(inode for _, inode, _, _ in self.parts)


def take(path: Path) -> Stamp | None:
    """The stamp of now; None when there is no such file or folder, or none that can be asked."""
    try:
        found = _in_folder(path) if path.is_dir() else {"": path.stat()}
    except OSError:
        return None
    parts = tuple((name, one.st_ino, one.st_size, one.st_mtime_ns) for name, one in sorted(found.items()))
    return Stamp(parts, max((one.st_ctime_ns for one in found.values()), default=0))


def _in_folder(folder: Path) -> dict[str, os.stat_result]:
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".md") and not entry.name.startswith("."):
                with suppress(OSError):  # gone since the listing, or a link to nowhere: no file of the list
                    found[entry.name] = entry.stat()
    return found
