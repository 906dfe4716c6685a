"""The steps by which a database is brought up to files that were read.

bring -> read the ledger, compare                            raises HistoryDiffers, NewerHistory
      -> pending files in a row that run in transactions:
           transaction.run                                   raises LockHeld, StatementFailed
         and those between them that cannot: outside.run
         somebody was faster                                 -> compare anew
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from sql import drift, outside, together, transaction
from sql.apply import Applied
from sql.folder import Folder, Migration
from sql.plan import Plan, ProblemKind
from sql.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Sequence


def bring(
    runner: Runner,
    files: Folder,
    accept: Sequence[ProblemKind] = (),
    to: int | None = None,
    steps: int | None = None,
) -> Applied:
    """Each file in a transaction of its own, unless it asks for none."""
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


def bring_together(
    runner: Runner, files: Folder, accept: Sequence[ProblemKind], to: int | None, steps: int | None
) -> Applied:
    """All of them in one transaction."""
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
