"""From what a person typed to a list file, its bytes and its parse: every way that can fail has its message here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import loader
from executor.errors import ListError
from loader.model import TaskList

USUAL_NAMES = ("tasks.md", "TASKS.md", "TODO.md")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be parsed, where the command line says more than the file itself."""

    dialect: str | None = None
    on_duplicate: str = "error"
    allow_missing: bool = False

    def parse(self, source: bytes) -> TaskList:
        """Parse a whole file."""
        return loader.parse(
            source, dialect=self.dialect, on_duplicate=self.on_duplicate, allow_missing=self.allow_missing
        )


def choose(typed: str | None, folder: Path | None = None) -> Path:
    """The file that was typed, or the one usual file of the folder, as an absolute path through symlinks."""
    if typed is not None:
        return Path(typed).expanduser().resolve()
    here = (folder or Path.cwd()).resolve()
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


def read(path: Path) -> bytes:
    """The bytes of a list file."""
    try:
        if path.stat().st_size > loader.SIZE_MAX:
            raise ListError(
                f"{path} holds {path.stat().st_size / 2**20:.0f} MB; a task list of more than "
                f"{loader.SIZE_MAX // 2**20} MB is refused",
                hint="split it into several lists",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ListError(f"{path} does not exist", hint=_nearby(path)) from error
    except IsADirectoryError as error:
        raise ListError(f"{path} is a folder, not a task list", hint=_nearby(path / "x")) from error
    except PermissionError as error:
        raise ListError(f"{path} may not be read by this user", hint=f"chmod u+r {path}") from error
    except OSError as error:
        raise ListError(f"{path} cannot be read: {error.strerror}") from error


def _nearby(path: Path) -> str:
    try:
        lists = sorted(found.name for found in path.parent.glob("*.md"))[:5]
    except OSError:
        lists = []
    return f"Markdown files there: {', '.join(lists)}" if lists else "name a Markdown file with a list of tasks"
