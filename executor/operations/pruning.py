"""Housekeeping: what a list keeps of its past, and letting go of the rest batch by batch.

prune: each list
           a thousand tasks at a time:  chunks of spent output, 256 a transaction; artefacts, one a transaction
                                        then spent runs  -- ONE transaction
           events, 5,000 a transaction, until a page of them holds nothing old
       reclaim (VACUUM) the tables that lost rows
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from executor.database import translate
from executor.queue import prune as pruned
from executor.queue.events import Cursor
from executor.queue.prune import Kept


class Keep(Struct, frozen=True):
    """How much of the past stays: the last `runs` of each task, output and events for so long."""

    runs: int = 20
    output: timedelta = timedelta(days=30)
    events: timedelta = timedelta(days=90)


class Gone(Struct, frozen=True):
    """What was let go of; `output` counts chunks of up to 64 KB."""

    runs: int = 0
    output: int = 0
    artefacts: int = 0
    events: int = 0

    def plus(self, **more: int) -> Gone:
        """With more of it."""
        return replace(self, **{name: getattr(self, name) + number for name, number in more.items()})


def keep_of(said: Mapping[str, Any] | None, typed: Mapping[str, Any]) -> Keep:
    """What counts for a list: what was typed, else what its file says (durations in seconds), else the usual."""
    chosen = {
        name: number if name == "runs" else timedelta(seconds=float(number)) for name, number in (said or {}).items()
    }
    return Keep(**{**chosen, **{name: value for name, value in typed.items() if value is not None}})


def prune(
    connection: Connection[Any], list_id: int | None, typed: Mapping[str, Any], *, tell: Callable[[str, Gone], None]
) -> Gone:
    """Let go of what a list, or every list, keeps no longer. Whatever interrupts it, what is gone by then is gone.

    Nothing of a running task goes, nor the last run of any, nor the last output of one that is not done with; a
    reader's place in the event log stays a place. `tell` hears the path and the sum so far after each batch.
    """
    gone = Gone()
    with translate.errors():
        for kept in pruned.lists(connection, list_id):
            gone = _of_list(connection, kept, keep_of(kept.keep, typed), gone, tell)
        if gone != Gone():
            connection.execute("VACUUM executor.run, executor.run_output, executor.artefact, executor.event")
    return gone


def _of_list(
    connection: Connection[Any], kept: Kept, keep: Keep, gone: Gone, tell: Callable[[str, Gone], None]
) -> Gone:
    after = 0
    while queue_ids := pruned.tasks(connection, kept.list_id, after):
        after = queue_ids[-1]
        spent = pruned.spent_output(connection, queue_ids, runs=keep.runs, output=keep.output)
        while spent and (chunks := pruned.drop_output(connection, spent)):
            gone = gone.plus(output=chunks)
            tell(kept.path, gone)
        while spent and pruned.drop_artefact(connection, spent):
            gone = gone.plus(artefacts=1)
            tell(kept.path, gone)
        gone = gone.plus(runs=pruned.drop_runs(connection, queue_ids, runs=keep.runs))
        tell(kept.path, gone)
    cursor = Cursor()
    while page := pruned.drop_events(connection, kept.list_id, cursor, events=keep.events):
        gone = gone.plus(events=page.gone)
        tell(kept.path, gone)
        if not page.old:
            break
        cursor = Cursor(page.xid, page.event_id)
    return gone
