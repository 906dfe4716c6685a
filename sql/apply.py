"""Bringing a database up to a folder.

up -> read the folder, no database                           raises FilesRefused
   -> read the ledger, compare                               raises HistoryDiffers, NewerHistory
   -> pending files in a row that run in transactions:
        transaction.run                                      raises LockHeld, StatementFailed
      and those between them that cannot: outside.run
      somebody was faster                                    -> compare anew
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Unpack

from psycopg import Connection

from sql import drift, folder, outside, together, transaction
from sql.folder import Folder, Migration
from sql.notices import Notice, NoticeKind, Report
from sql.plan import Plan, ProblemKind
from sql.runner import LOCK_WAIT, Options, Runner

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

__all__ = ["LOCK_WAIT", "Applied", "Notice", "NoticeKind", "Report", "up"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What one `up` did itself, in order, and the newest version of the set now; another runner may have done some."""

    migrations: tuple[Migration, ...]
    newest: int


def up(
    connection: Connection[Any],
    path: Path | Traversable,
    *,
    to: int | None = None,
    steps: int | None = None,
    allow_late: bool = False,
    allow_edited: bool = False,
    one_transaction: bool = False,
    **options: Unpack[Options],
) -> Applied:
    """Apply what is pending, each file in a transaction of its own unless it asks for none.

    The connection must be in autocommit mode and idle; settings made on it with SET are reset. `to` is the last version
    to apply, `steps` the number of files; repeatable files run when no numbered one is left. `one_transaction` keeps
    all of them or none. For the rest see Runner.
    """
    runner = Runner(connection, **options)
    runner.ready()
    accept = [ProblemKind.LATE] * allow_late + [ProblemKind.EDITED] * allow_edited
    files = folder.load(path)
    if one_transaction:
        return _up_together(runner, files, accept, to, steps)
    return bring(runner, files, accept, to, steps)


def bring(
    runner: Runner,
    files: Folder,
    accept: Sequence[ProblemKind] = (),
    to: int | None = None,
    steps: int | None = None,
) -> Applied:
    """The same for files that were read already."""
    done: list[Migration] = []
    while True:
        plan = runner.plan(files, accept=accept)
        chosen = choose(plan, to=to, steps=None if steps is None else steps - len(done))
        if chosen:
            runner.prepare()
        applied = _apply(runner, chosen, plan.newest)
        done += applied
        if len(applied) == len(chosen):
            return Applied(tuple(done), max(plan.newest, *(migration.version for migration in applied), 0))


def _up_together(
    runner: Runner, files: Folder, accept: list[ProblemKind], to: int | None, steps: int | None
) -> Applied:
    while True:
        plan = runner.plan(files, accept=accept)
        chosen = choose(plan, to=to, steps=steps)
        if not chosen:
            return Applied((), plan.newest)
        together.refuse_outside(chosen)
        runner.prepare()
        if together.run(runner, chosen, plan.newest, drift.asked(runner)):
            return Applied(chosen, max(plan.newest, *(migration.version for migration in chosen)))


def choose(plan: Plan, *, to: int | None = None, steps: int | None = None) -> tuple[Migration, ...]:
    """The files of a plan that one run is to apply; repeatable ones only behind everything that is pending."""
    numbered = tuple(migration for migration in plan.pending if to is None or migration.version <= to)
    everything = numbered + (plan.repeats if len(numbered) == len(plan.pending) else ())
    return everything if steps is None else everything[:steps]


def _apply(runner: Runner, migrations: Sequence[Migration], newest: int) -> list[Migration]:
    """Those that went in: fewer than all when another runner came first."""
    done: list[Migration] = []
    for inside, part in groupby(migrations, lambda migration: migration.script.directives.transaction):
        group = tuple(part)
        fingerprint = drift.asked(runner) if group[-1] is migrations[-1] else None
        applied = (transaction.run if inside else outside.run)(runner, group, newest, fingerprint)
        done += applied
        newest = max(newest, *(migration.version for migration in applied), 0)
        if len(applied) < len(group):
            break
    return done
