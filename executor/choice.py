"""The database that `db move` chose for this user: a file in EXECUTOR_HOME that DATABASE_URL comes before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from executor.errors import UsageError

_NAME = "database"
_TARGET = "database.moving"  # where to a move goes that is not over


def read(environ: Mapping[str, str]) -> str | None:
    """The URL that was chosen; None for the embedded server. It may hold a password: never print it."""
    return _read(environ, _NAME)


def write(environ: Mapping[str, str], url: str | None) -> None:
    """Choose from now on; killed at any moment, either the old choice stands or the new one."""
    if url is None:
        _path(environ, _NAME).unlink(missing_ok=True)
    else:
        _write(environ, _NAME, url)


def target(environ: Mapping[str, str]) -> str | None:
    """Where to the move goes that was begun here and is not over."""
    return _read(environ, _TARGET)


def remember_target(environ: Mapping[str, str], typed: str) -> None:
    """Keep where to a move goes, for whoever takes it back."""
    _write(environ, _TARGET, typed)


def forget_target(environ: Mapping[str, str]) -> None:
    """The move is over."""
    _path(environ, _TARGET).unlink(missing_ok=True)


def _path(environ: Mapping[str, str], name: str) -> Path:
    home = environ.get("EXECUTOR_HOME")
    return Path(home or Path(environ.get("HOME", "/")) / ".executor").expanduser() / name


def _read(environ: Mapping[str, str], name: str) -> str | None:
    path = _path(environ, name)
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, PermissionError) and not os.access(path.parent, os.X_OK):
            return None  # who may not enter the home has no database in it either, and is told so when it is used
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{path}, which names the database, cannot be read: {reason}", hint=f"mend or remove {path}"
        ) from error


def _write(environ: Mapping[str, str], name: str, text: str) -> None:
    path = _path(environ, name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pending = path.with_name(f"{name}.new")
    descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(descriptor)
    pending.rename(path)
