"""For Python blocks of a task: keep something for the next attempt, say how far it is, keep a file with the run.

from executor.task import checkpoint, progress, attach

done = int(checkpoint.get("done", "0"))
for number in range(done, 100):
    ...
    checkpoint.put("done", str(number + 1))
    progress(number + 1, 100, "files")
attach("report.html")
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor import redaction, settings
from executor.database.connection import Database
from executor.operations import artefacts, checkpoints
from executor.redaction import Redactor

if TYPE_CHECKING:
    from psycopg import Connection


class _Inside:
    """The task that this process is a part of. Connects when it is first asked something, and stays connected."""

    _connection: Connection[Any] | None = None

    @property
    def run_id(self) -> int:
        return checkpoints.run_of(os.environ)

    @property
    def connection(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = Database(settings.read()).connect("task")
        return self._connection


class Checkpoint:
    """What is kept for the next attempt, as text by key, until the task is completed."""

    def __init__(self, inside: _Inside) -> None:
        self._inside = inside

    def put(self, key: str, value: str) -> None:
        """Keep a value. Raises ExecutorError when this run no longer holds its task: then end."""
        checkpoints.put(self._inside.connection, self._inside.run_id, key, value)

    def get(self, key: str, default: str | None = None) -> str | None:
        """What this attempt or one before it kept last."""
        return self.all().get(key, default)

    def all(self) -> dict[str, str]:
        """Everything that is kept."""
        return checkpoints.read(self._inside.connection, self._inside.run_id)


_INSIDE = _Inside()
checkpoint = Checkpoint(_INSIDE)


def progress(done: float, total: float | None = None, of: str = "") -> None:
    """Say how far this run is, as `executor status` shows it: `40/100 files`."""
    text = f"{done:g}{'' if total is None else f'/{total:g}'}{f' {of}' if of else ''}"
    text = Redactor(redaction.values(os.environ)).text(text)
    checkpoints.tell(_INSIDE.connection, _INSIDE.run_id, text)


def attach(path: str | os.PathLike[str], name: str | None = None) -> None:
    """Keep a file with this run, as it is now; `executor artefact ID NAME` prints it. Raises ExecutorError."""
    artefacts.attach(_INSIDE.connection, _INSIDE.run_id, Path(path), name)
