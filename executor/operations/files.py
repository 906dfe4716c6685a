"""From what a person typed to a list file, its bytes and its parse: every way that can fail has its message here."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import loader
from executor.errors import ListError, UsageError
from loader import dialects
from loader.model import TaskList

USUAL_NAMES = ("tasks.md", "TASKS.md", "TODO.md")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be parsed, where the command line says more than the file itself."""

    name: str = "tasks.md"
    dialect: str | None = None
    on_duplicate: str = "error"
    allow_missing: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for a word that the loader does not know."""
        if self.dialect is not None and self.dialect not in dialects.NAMES:
            raise UsageError(f"no dialect '{self.dialect}'", hint=f"one of {', '.join(dialects.NAMES)}")
        if self.on_duplicate not in ("error", "suffix"):
            raise UsageError(f"--on-duplicate is '{self.on_duplicate}'", hint="give error or suffix")

    def parse(self, source: bytes) -> TaskList:
        """Parse a whole file."""
        return loader.parse(
            source,
            name=self.name,
            dialect=self.dialect,
            on_duplicate=self.on_duplicate,
            allow_missing=self.allow_missing,
        )


def choose(typed: str | None, folder: Path | None = None) -> Path:
    """The file that was typed, or the one usual file of the folder, as an absolute path through symlinks."""
    if typed is not None:
        return _resolve(typed)
    here = _resolve(folder or ".")
    found: dict[Path, str] = {}
    for name in USUAL_NAMES:
        if (here / name).exists() and not any((here / name).samefile(other) for other in found):
            found[here / name] = name
    if len(found) == 1:
        return next(iter(found)).resolve()
    if found:
        raise ListError(
            f"{here} holds {' and '.join(found.values())}", hint="name the one you mean: `executor run FILE`"
        )
    raise ListError(
        f"no task list in {here}: none of {', '.join(USUAL_NAMES)}", hint="name a file: `executor run FILE`"
    )


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


def read(path: Path) -> bytes:
    """The bytes of a list file."""
    try:
        found = path.stat()
        if found.st_size > loader.SIZE_MAX:
            raise ListError(
                f"{path} holds {found.st_size / 2**20:.0f} MB; a task list of more than "
                f"{loader.SIZE_MAX // 2**20} MB is refused",
                hint="split it into several lists",
            )
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise ListError(f"{path} is not a regular file", hint=_nearby(path))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ListError(f"{path} does not exist", hint=_nearby(path)) from error
    except IsADirectoryError as error:
        raise ListError(f"{path} is a folder, not a task list", hint=_nearby(path / "x")) from error
    except PermissionError as error:
        raise ListError(f"{path} may not be read by this user", hint=f"chmod u+r {path}") from error
    except OSError as error:
        raise ListError(f"{path} cannot be read: {error.strerror}", hint=_nearby(path)) from error


def _nearby(path: Path) -> str:
    try:
        lists = sorted(found.name for found in path.parent.glob("*.md"))[:5]
    except OSError:
        lists = []
    return f"Markdown files there: {', '.join(lists)}" if lists else "name a Markdown file with a list of tasks"
