"""Bringing a file into the queue: read, parse, compare, apply; at once done when the bytes are known.

load: up to five times
    draft       -- read and parse, without a database
    bring_in    -- ONE transaction: alone with the list, is the file still what was parsed? compare, apply
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection

from executor import __version__, processes, sync
from executor.database import translate
from executor.errors import ListError
from executor.model import ListRow
from executor.operations import files, vetting
from executor.operations.files import Content, Reading
from executor.queue import lists, plans, steps, tasks
from executor.sync import SyncPlan
from loader.model import Status, TaskList

_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Source:
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
        parsed = self.reading.parse(content)
        vetting.refuse(self.path, parsed, self.runner, self.agent)
        return parsed

    def holds(self, sha256: str) -> bool:
        """Is this what the file holds now?"""
        try:
            return files.digest(self.read()) == sha256
        except ListError:
            return False


@dataclass(frozen=True, slots=True)
class Loaded:
    """A list in the queue. `tasks` is None when the file is byte for byte the one last synced, or gone."""

    row: ListRow
    tasks: TaskList | None
    due: dict[str, Status]
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
            return Loaded(known, None, {}, file_gone=True)
        if known and not rerun_changed and _agrees(known, files.digest(content), source):
            return Loaded(known, None, tasks.marks_due(connection, known.list_id))
        with translate.errors():
            # A file that never rests is taken as it was read in the end: better than not to begin.
            loaded = bring_in(
                connection, source, source.parse(content), actor=actor, checked=attempt < _ATTEMPTS_MAX, quiet=False
            )
        if loaded:
            return loaded
    raise AssertionError("the last attempt is not checked")


def bring_in(
    connection: Connection[Any],
    source: Source,
    parsed: TaskList,
    *,
    actor: str,
    checked: bool = True,
    quiet: bool = True,
    just_marked: Collection[str] = (),
) -> Loaded | None:
    """Make the queue agree with a parsed file; None, having changed nothing, when it holds something else by now.

    `checked`: while the file is compared no worker can record a mark, so whatever box was ticked by the program is
    ticked in these bytes too. Unchecked, a box ticked since they were read looks like one that a person emptied.
    `quiet`: a file that says nothing new makes no event. `just_marked` as in `sync.plan`.
    """
    with connection.transaction():
        list_id = lists.create(connection, str(source.path))
        tasks.enter_alone(connection, list_id)
        before = lists.find(connection, str(source.path))
        assert before is not None, "just created"
        if checked and not source.holds(parsed.sha256):
            return None
        # Somebody else brought the same in meanwhile: compared all the same, but no event where that finds nothing.
        quiet = quiet or _agrees(before, parsed.sha256, source)
        plan = sync.plan(
            plans.known(connection, list_id),
            parsed,
            runner=source.runner,
            agent=source.agent,
            rerun_changed=source.rerun_changed,
            just_marked=just_marked,
        )
        plans.apply(connection, list_id, str(source.path), plan, actor)
        _record(connection, before, source, parsed, plan, actor, quiet=quiet)
    steps.tell(connection, list_id)
    row = lists.find(connection, str(source.path))
    assert row is not None, "just created"
    due = tasks.marks_due(connection, list_id)
    return Loaded(
        row,
        parsed,
        due,
        plan.summary(),
        plan.restored,
        overtaken=tuple(plan.overtaken),
        again=tuple(plan.again),
    )


def _agrees(row: ListRow, sha256: str, source: Source) -> bool:
    """Did the queue get these bytes before, and were they read as now?"""
    return row.source_sha256 == sha256 and row.reader == source.reader


def _record(
    connection: Connection[Any],
    before: ListRow,
    source: Source,
    parsed: TaskList,
    plan: SyncPlan,
    actor: str,
    *,
    quiet: bool,
) -> None:
    settings = sync.plain(parsed.settings)
    said_before = (before.title, before.dialect, before.sequential, before.settings)
    is_news = bool(plan.summary()) or said_before != (parsed.title, parsed.dialect, parsed.sequential, settings)
    plans.record(
        connection,
        before.list_id,
        actor=actor,
        columns={
            "title": parsed.title,
            "description": parsed.description,
            "dialect": parsed.dialect,
            "sequential": parsed.sequential,
            "sha256": parsed.sha256,
            "reader": source.reader,
            "host": processes.own().host,
            "noted": is_news or not quiet,
        },
        settings=settings,
        reading=asdict(source.reading),
        summary=plan.summary(),
    )
