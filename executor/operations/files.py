"""From what a person typed to a list, its bytes and its parse: every way that can fail has its message here.

A list is a file, or a folder of files that are one task each.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import shlex
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

import loader
from executor.errors import ListError, UsageError
from loader.model import TaskList

Content = bytes | Mapping[str, bytes]  # of a file, or of the files of a folder by name

UNLIMITED = sys.maxsize

_SIZE = re.compile(r"(\d{1,9})\s*([kmg]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}

USUAL_NAMES = ("tasks.md", "TASKS.md", "TODO.md")


class Reading(Struct, frozen=True):
    """How a file is to be parsed, where the command line says more than the file itself."""

    name: str = "tasks.md"
    dialect: str | None = None
    on_duplicate: str = "error"
    allow_missing: bool = False
    max_size: int = loader.SIZE_MAX

    def __post_init__(self) -> None:
        """Raise UsageError for a word that the loader does not know."""
        if self.dialect is not None:
            _check_dialect(self.dialect)
        if self.on_duplicate not in ("error", "suffix"):
            raise UsageError(f"--on-duplicate is '{self.on_duplicate}'", hint="give error or suffix")

    def parse(self, source: Content) -> TaskList:
        """Parse a whole file or folder."""
        if not isinstance(source, bytes):
            return loader.parse_folder(
                source,
                dialect=self.dialect,
                on_duplicate=self.on_duplicate,
                allow_missing=self.allow_missing,
                max_size=self.max_size,
            )
        return loader.parse(
            source,
            name=self.name,
            dialect=self.dialect,
            on_duplicate=self.on_duplicate,
            allow_missing=self.allow_missing,
            max_size=self.max_size,
        )

    def read(self) -> Content:
        """The bytes of what it names."""
        return read(Path(self.name), max_size=self.max_size)


def _check_dialect(dialect: str) -> None:
    from loader import dialects  # most command lines name none

    if dialect not in dialects.NAMES:
        near = difflib.get_close_matches(dialect.casefold(), dialects.NAMES, 1)
        suggestion = f" (did you mean '{near[0]}'?)" if near else ""
        raise UsageError(f"no dialect '{dialect}'{suggestion}", hint=f"one of {', '.join(dialects.NAMES)}")


def size_max(typed: str | None) -> int:
    """Bytes of `16M`, `500k` or `1000000`, the usual limit of nothing; raises UsageError."""
    if typed is None:
        return loader.SIZE_MAX
    match = _SIZE.fullmatch(typed.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"--max-size is '{typed}'", hint="give bytes, or a number with k, M or G: --max-size 64M")
    return int(match[1]) * _UNITS[match[2].lower()]


def digest(source: Content) -> str:
    """The hash that the parse of these bytes has too."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    from loader import folders

    return folders.digest(source)


def folder_of(path: Path) -> Path:
    """Where the tasks of a list are at home: its folder, which for a folder is itself."""
    return path if path.is_dir() else path.parent


def typed(path: Path) -> str:
    """A file as people type it in a command from here."""
    try:
        return shlex.quote(str(path.relative_to(Path.cwd())))
    except (ValueError, FileNotFoundError):  # elsewhere, or the folder of this process was taken away
        return shlex.quote(str(path))


def choose(typed: str | None, folder: Path | None = None) -> Path:
    """The file that was typed, or the one usual file of the folder, as an absolute path through symlinks."""
    if typed is not None:
        return _resolve(typed)
    here = _resolve(folder or ".")
    found = usual(here)
    if len(found) == 1:
        return (here / found[0]).resolve()
    if found:
        raise ListError(f"{here} holds {' and '.join(found)}", hint="name the one you mean: `executor run FILE`")
    raise ListError(
        f"no task list in {here}: none of {', '.join(USUAL_NAMES)}", hint="name a file: `executor run FILE`"
    )


def usual(folder: Path | None = None) -> list[str]:
    """The usual names under which a folder holds a list, each file once."""
    here = _resolve(folder or ".")
    found: list[str] = []
    try:
        for name in USUAL_NAMES:
            if (here / name).exists() and not any((here / name).samefile(here / other) for other in found):
                found.append(name)
    except PermissionError as error:
        raise ListError(
            f"{here} may not be entered by this user", hint="name a list in a folder that may: `executor run FILE`"
        ) from error
    return found


def _resolve(typed: str | Path) -> Path:
    try:
        path = Path(typed).expanduser().resolve()
        str(path).encode()
    except (OSError, RuntimeError) as error:  # a folder that is gone, a circle of links, the home of nobody
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ListError(f"{typed} cannot be found: {reason}", hint="name a file by its whole path") from error
    except UnicodeEncodeError as error:
        raise ListError(
            f"the name {os.fsencode(typed)!r} is not UTF-8", hint="rename it: the queue keeps text"
        ) from error
    return path


def read(path: Path, *, max_size: int = loader.SIZE_MAX) -> Content:
    """The bytes of a list."""
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            return _read_folder(path, max_size)
        _check_size(path, found.st_size, max_size)
        if not stat.S_ISREG(found.st_mode):
            raise ListError(f"{path} is not a regular file", hint=_nearby(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ListError(f"{path} does not exist", hint=_nearby(path)) from error
    except PermissionError as error:
        place = error.filename or path
        raise ListError(f"{place} may not be read by this user", hint=f"chmod u+r {place}") from error
    except OSError as error:
        raise ListError(f"{path} cannot be read: {error.strerror}", hint=_nearby(path)) from error


def _read_folder(path: Path, max_size: int) -> Mapping[str, bytes]:
    from loader import folder_write_back

    found = folder_write_back.sources(path)
    for name, content in found.items():
        _check_size(path / name, len(content), max_size)
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise ListError(
                f"the name {os.fsencode(name)!r} is not UTF-8", hint="rename it: the queue keeps text"
            ) from error
    return found


def _check_size(path: Path, size: int, size_max: int) -> None:
    if size > size_max:
        raise ListError(
            f"{path} holds {size / 2**20:.3g} MB; a task list of more than {size_max / 2**20:.3g} MB is refused",
            hint="split it into several lists, or pass --max-size",
        )


def _nearby(path: Path) -> str:
    try:
        lists = sorted(found.name for found in path.parent.glob("*.md"))[:5]
    except OSError:
        lists = []
    return f"Markdown files there: {', '.join(lists)}" if lists else "name a Markdown file with a list of tasks"
