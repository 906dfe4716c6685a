"""Bringing a parsed file into the queue: one transaction that compares and applies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict
from psycopg import Connection

from executor import processes, sync
from executor.model import ListRow
from executor.operations.load import Loaded, Source
from executor.queue import lists, plans, steps, tasks
from executor.sync import SyncPlan
from loader import garbage
from loader.model import TaskList


def bring_in(
    connection: Connection[Any],
    source: Source,
    parsed: TaskList,
    *,
    actor: str,
    checked: bool = True,
    quiet: bool = True,
    just_marked: Sequence[frozenset[str]] = (),
) -> Loaded | None:
    """Make the queue agree with a parsed file; None, having changed nothing, when it holds something else by now.

    `checked`: while the file is compared no worker can record a mark, so whatever box was ticked by the program is
    ticked in these bytes too. Unchecked, a box ticked since they were read looks like one that a person emptied.
    `quiet`: a file that says nothing new makes no event. `just_marked` as in `sync.plan`.
    """
    with garbage.held_off(), connection.transaction():
        list_id = lists.create(connection, str(source.path))
        tasks.enter_alone(connection, list_id)
        before = lists.find(connection, str(source.path))
        assert before is not None, "just created"
        if checked and not source.holds(parsed.sha256):
            return None
        # Somebody else brought the same in meanwhile: compared all the same, but no event where that finds nothing.
        quiet = quiet or source.agrees(before, parsed.sha256)
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
    return Loaded(
        row,
        parsed,
        plan.summary(),
        plan.restored,
        overtaken=tuple(plan.overtaken),
        again=tuple(plan.again),
    )


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
