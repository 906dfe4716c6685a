"""Bringing a file into the queue: read, parse, compare, apply; at once done when the bytes are known."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection

from executor import __version__, processes, sync
from executor.database import translate
from executor.errors import ListError
from executor.model import ListRow
from executor.operations import files, vetting
from executor.operations.files import Reading
from executor.queue import lists, plans, steps, tasks
from loader.model import Status, TaskList


@dataclass(frozen=True, slots=True)
class Loaded:
    """A list in the queue. `tasks` is None when the file is byte for byte the one last synced, or gone."""

    row: ListRow
    tasks: TaskList | None
    due: dict[str, Status]
    summary: dict[str, int] = field(default_factory=dict)
    restored: int = 0
    file_gone: bool = False


def load(
    connection: Connection[Any],
    path: Path,
    *,
    actor: str,
    reading: Reading,
    runner: str | None = None,
    rerun_changed: bool = False,
) -> Loaded:
    """Make the queue agree with a file. Raises ListError, having changed nothing, for a file with errors.

    A file that is gone leaves a queue that stands: the run can go on without it.
    """
    reader = f"{__version__} {reading} {runner}"
    known = lists.find(connection, str(path))
    try:
        source = files.read(path, max_size=reading.max_size)
    except ListError:
        if known is None or path.exists():
            raise
        return Loaded(known, None, {}, file_gone=True)
    sha256 = files.digest(source)
    if known and known.source_sha256 == sha256 and known.reader == reader and not rerun_changed:
        return Loaded(known, None, tasks.marks_due(connection, known.list_id))
    parsed = reading.parse(source)
    vetting.refuse(path, parsed, runner)
    with translate.errors(), connection.transaction():
        list_id = lists.create(connection, str(path))
        tasks.enter_alone(connection, list_id)
        plan = sync.plan(plans.known(connection, list_id), parsed, runner=runner, rerun_changed=rerun_changed)
        plans.apply(connection, list_id, str(path), plan, actor)
        plans.record(
            connection,
            list_id,
            actor=actor,
            columns={
                "title": parsed.title,
                "description": parsed.description,
                "dialect": parsed.dialect,
                "sequential": parsed.sequential,
                "sha256": sha256,
                "reader": reader,
                "host": processes.own().host,
            },
            settings=sync.plain(parsed.settings),
            reading=asdict(reading),
            summary=plan.summary(),
        )
    steps.tell(connection, list_id)
    row = lists.find(connection, str(path))
    assert row is not None, "just created"
    return Loaded(row, parsed, tasks.marks_due(connection, list_id), plan.summary(), plan.restored)
