"""Files kept with a run: handed over from inside it, fetched by whoever may read the queue."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from psycopg import Connection

from executor.database import translate
from executor.errors import UsageError
from executor.operations.checkpoints import lost
from executor.queue import artefacts, checkpoints

_FILE_BYTES_MAX = 16 << 20
_RUN_BYTES_MAX = 64 << 20
_NAME_MAX = 200


def attach(connection: Connection[Any], run_id: int, path: Path, name: str | None = None) -> None:
    """Keep a file with a run as it is now, in the place of an earlier one of its name; all of it or nothing.

    Raises UsageError for a file that cannot be read or is too large, for a bad name, and for a run without its task.
    """
    named = path.name if name is None else name
    _check(named)
    with _opened(path) as file, translate.errors(), connection.transaction():
        if checkpoints.held(connection, run_id) is None:
            raise lost(run_id)
        artefacts.drop(connection, run_id, named)
        room = _RUN_BYTES_MAX - sum(artefacts.sizes(connection, run_id).values())
        number = size = 0
        while (content := file.read(artefacts.PIECE_BYTES)) or not number:  # of an empty file one empty piece
            size += len(content)
            _refuse_too_much(path, size, room)
            artefacts.add(connection, run_id, named, number, content)
            number += 1


def fetch(connection: Connection[Any], queue_id: int, name: str, attempt: int | None) -> Iterator[bytes]:
    """The pieces of what a task kept under a name, in its last run that did, or in one attempt. Raises UsageError."""
    with translate.errors():
        run_id = artefacts.newest(connection, queue_id, name, attempt)
        if run_id is None:
            kept = ", ".join(artefacts.names(connection, queue_id))
            where = "" if attempt is None else f" in attempt {attempt}"
            raise UsageError(
                f"this task has kept no '{name}'{where}",
                hint=f"it has kept: {kept}" if kept else "a task keeps a file with `executor attach PATH`",
            )
        number = 0
        while (content := artefacts.piece(connection, run_id, name, number)) is not None:
            yield content
            number += 1


def _opened(path: Path) -> IO[bytes]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe could take for ever
            raise UsageError(f"{path} is not a file", hint="attach an archive of it, as `tar -czf` makes one")
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="name a file of this task") from error


def _check(name: str) -> None:
    if name in ("", ".", "..") or len(name) > _NAME_MAX or not name.isprintable() or "/" in name:
        raise UsageError(
            f"an artefact cannot be called {name!r}",
            hint=f"--name NAME gives it another: up to {_NAME_MAX} printable characters, without a slash",
        )


def _refuse_too_much(path: Path, size: int, room: int) -> None:
    if size > min(_FILE_BYTES_MAX, room):
        raise UsageError(
            f"{path} is too large to be kept: {_FILE_BYTES_MAX >> 20} MB a file and {_RUN_BYTES_MAX >> 20} MB a run "
            "are the most",
            hint="put it where large files belong, and its address into a checkpoint or a smaller artefact",
        )
