"""Where a set stands: every file and every row, side by side. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import Struct
from psycopg import Connection

from sql import folder, lock
from sql.folder import Folder, Migration
from sql.numbering import label
from sql.plan import Plan, Problem, ProblemKind, Recorded, State, compare
from sql.runner import Options, Runner, told

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


class Standing(StrEnum):
    """What is to be said of one file or row."""

    APPLIED = "applied"
    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"
    EDITED = "edited"
    MISSING = "missing"
    LATE = "late"
    NEWER = "newer"
    PARTIAL = "partial"


class Entry(Struct, frozen=True):
    """One line: `applied_at` and `took` where it was applied; `detail` is what a person should know about it."""

    version: int
    name: str
    standing: Standing
    kind: str
    applied_at: datetime | None = None
    took: timedelta | None = None
    detail: str = ""

    @property
    def label(self) -> str:
        return label(self.version, self.name) if self.version else f"repeat/{self.name}"


class Status(Struct, frozen=True):
    """`entries` by version, repeatable files last; `plan` is what `up` would do, or why it would not."""

    entries: tuple[Entry, ...]
    plan: Plan

    @property
    def current(self) -> bool:
        """Whether nothing is pending and nothing is wrong."""
        return not self.plan.todo and not self.plan.problems

    def count(self) -> dict[str, int]:
        """How many entries stand how."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            counts[entry.standing] = counts.get(entry.standing, 0) + 1
        return counts


def status(connection: Connection[Any], path: Path | Traversable, **options: Unpack[Options]) -> Status:
    """Set the folder against the database; needs no right but SELECT on the ledger, and no ledger either."""
    runner = Runner(connection, **options)
    files = folder.load(path)
    with told("the ledger was read"):
        rows = runner.ledger.read()
        at_work = any(row.state == State.RUNNING for row in rows) and lock.is_held(connection, runner.ledger.lock)
    return of(files, rows, at_work=at_work)


def of(files: Folder, rows: Sequence[Recorded], *, at_work: bool = False) -> Status:
    """The same from values; `at_work` tells whether some runner holds the lock."""
    plan = compare(files.migrations, rows, repeatables=files.repeatables)
    problems = {problem.version: problem for problem in plan.problems}
    numbered = {row.version: row for row in rows if not row.repeatable}
    named = {row.name: row for row in rows if row.repeatable}
    by_version = {migration.version: migration for migration in files.migrations}
    entries = [
        _entry(by_version.get(version), numbered.get(version), problems, at_work=at_work)
        for version in sorted(by_version.keys() | numbered.keys())
    ]
    entries += [_repeat(migration, named.get(migration.name), plan) for migration in files.repeatables]
    return Status(tuple(entries), plan)


def _entry(
    migration: Migration | None, row: Recorded | None, problems: Mapping[int, Problem], *, at_work: bool
) -> Entry:
    version, name = (migration.version, migration.name) if migration else (row.version, row.name) if row else (0, "")
    kind = row.kind if row else "versioned"
    problem = problems.get(version)
    standing, detail = Standing.APPLIED, "baseline" if kind == "baseline" else ""
    if problem:
        standing, detail = Standing(problem.kind.value), _told(problem, row)
    elif row is None:
        standing = Standing.PENDING
        detail = "" if migration is None or migration.script.directives.transaction else "no-transaction"
    elif not row.applied:
        standing, detail = _unfinished(row, at_work=at_work)
    return Entry(version, name, standing, kind, _finished(row), _took(row), detail)


def _unfinished(row: Recorded, *, at_work: bool) -> tuple[Standing, str]:
    if row.state == State.RUNNING:
        if at_work:
            return Standing.RUNNING, f"since {row.started_at:%Y-%m-%d %H:%M:%S}"
        return Standing.FAILED, "its runner ended on the way; `executor migrate up` runs it again from the top"
    error = row.error or {}
    place = f"statement {error.get('statement')} of {error.get('of')}"
    again = f"`executor migrate {error.get('direction', 'up')}` runs it again from the top"
    return Standing.FAILED, f"{place}: {error.get('message')} [{error.get('sqlstate')}]; {again}"


def _told(problem: Problem, row: Recorded | None) -> str:
    if problem.kind is ProblemKind.EDITED and row and row.finished_at:
        see = f"`executor migrate verify {label(row.version)}` shows the change"
        return f"applied {row.finished_at:%Y-%m-%d}; {see}"
    return problem.detail


def _repeat(migration: Migration, row: Recorded | None, plan: Plan) -> Entry:
    pending = migration in plan.repeats
    detail = "changed" if pending and row else ""
    standing = Standing.PENDING if pending else Standing.APPLIED
    return Entry(0, migration.name, standing, "repeatable", _finished(row), _took(row), detail)


def _finished(row: Recorded | None) -> datetime | None:
    return row.finished_at if row else None


def _took(row: Recorded | None) -> timedelta | None:
    return row.finished_at - row.started_at if row and row.finished_at and row.started_at else None
