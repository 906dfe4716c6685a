"""Making the queue agree with a file: read and parse it, compare; at once done when the bytes are known.

load: up to five times
    read        -- known bytes end it here, before anything is imported that parses or compares
    parse       -- without a database
    bring_in    -- ONE transaction (bringing)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct, field
from psycopg import Connection

from executor import __version__
from executor.database import translate
from executor.errors import ListError
from executor.model import ListRow
from executor.operations import files
from executor.operations.files import Content, Reading
from executor.queue import lists
from loader.model import TaskList

_ATTEMPTS_MAX = 5


class Source(Struct, frozen=True):
    """A list's file and how it is read; `rerun_changed` queues completed tasks again whose text changed."""

    path: Path
    reading: Reading
    runner: str | None = None
    rerun_changed: bool = False
    agent: str | None = None

    @property
    def reader(self) -> str:
        """What a parse of the same bytes depends on."""
        return f"{__version__} {self.reading} {self.runner} {self.agent}"

    def read(self) -> Content:
        """The bytes; raises ListError."""
        return files.read(self.path, max_size=self.reading.max_size)

    def parse(self, content: Content) -> TaskList:
        """The list in these bytes; raises ListError for one with errors."""
        from executor.operations import vetting

        parsed = self.reading.parse(content)
        vetting.refuse(self.path, parsed, self.runner, self.agent)
        return parsed

    def agrees(self, row: ListRow, sha256: str) -> bool:
        """Did the queue get these bytes before, and were they read as now?"""
        return row.source_sha256 == sha256 and row.reader == self.reader

    def holds(self, sha256: str) -> bool:
        """Is this what the file holds now?"""
        try:
            return files.digest(self.read()) == sha256
        except ListError:
            return False


class Loaded(Struct, frozen=True):
    """A list in the queue. `tasks` is None when the file is byte for byte the one last synced, or gone."""

    row: ListRow
    tasks: TaskList | None
    summary: dict[str, int] = field(default_factory=dict)
    restored: int = 0
    file_gone: bool = False
    overtaken: tuple[str, ...] = ()  # ticked by us just before a save that did not know of it
    again: tuple[int, ...] = ()  # queue ids: when their runs end, another sync is due


def load(
    connection: Connection[Any],
    path: Path,
    *,
    actor: str,
    reading: Reading,
    runner: str | None = None,
    agent: str | None = None,
    rerun_changed: bool = False,
) -> Loaded:
    """Make the queue agree with a file. Raises ListError, having changed nothing, for a file with errors.

    A file that is gone leaves a queue that stands: the run can go on without it.
    """
    source = Source(path, reading, runner, rerun_changed, agent)
    for attempt in range(1, _ATTEMPTS_MAX + 1):
        known = lists.find(connection, str(path))
        try:
            content = source.read()
        except ListError:
            if known is None or path.exists():
                raise
            return Loaded(known, None, file_gone=True)
        if known and not rerun_changed and source.agrees(known, files.digest(content)):
            return Loaded(known, None)
        from executor.operations import bringing  # only a file that is news pays for it

        with translate.errors():
            # A file that never rests is taken as it was read in the end: better than not to begin.
            loaded = bringing.bring_in(
                connection, source, source.parse(content), actor=actor, checked=attempt < _ATTEMPTS_MAX, quiet=False
            )
        if loaded:
            return loaded
    raise AssertionError("the last attempt is not checked")
