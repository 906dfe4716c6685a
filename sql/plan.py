"""What is to run, and what is wrong, when a folder meets a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import zip_longest

from sql import script
from sql.errors import HistoryDiffers, NewerHistory
from sql.folder import Migration
from sql.numbering import OUR_SET, label


@dataclass(frozen=True, slots=True)
class Recorded:
    """A migration the ledger says was applied."""

    version: int
    name: str
    checksum: str
    finished_at: datetime


class ProblemKind(StrEnum):
    EDITED = "edited"
    MISSING = "missing"
    LATE = "late"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing may run: `subject` names the file or the row, `detail` is the fact about it."""

    kind: ProblemKind
    version: int
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`pending` in order. `newest` is the highest version applied so far, 0 for none; `known` the folder's highest."""

    pending: tuple[Migration, ...]
    problems: tuple[Problem, ...]
    newest: int
    known: int


def compare(migrations: Sequence[Migration], rows: Iterable[Recorded], *, allow_late: bool = False) -> Plan:
    """Set a folder against a ledger. A file renamed but not changed is the same migration: the version names it."""
    recorded = {row.version: row for row in rows}
    files = {migration.version: migration for migration in migrations}
    newest, known = max(recorded, default=0), max(files, default=0)
    pending = tuple(migration for migration in migrations if migration.version not in recorded)
    problems = [
        problem
        for version in sorted(files.keys() | recorded.keys())
        if (problem := _problem(files.get(version), recorded.get(version), newest=newest, known=known))
        and not (allow_late and problem.kind is ProblemKind.LATE)
    ]
    return Plan(pending, tuple(problems), newest, known)


def refusal(plan: Plan, set_name: str, changes: Mapping[int, str]) -> HistoryDiffers:
    """The plan's problems as the exception that stops the run; `changes` tells by version what an edit changed."""
    if all(problem.kind is ProblemKind.NEWER for problem in plan.problems):
        return _newer(plan, set_name)
    width = max(len(problem.subject) for problem in plan.problems)
    lines = [
        f"  {problem.kind:<8} {problem.subject:<{width}}  {changes.get(problem.version) or problem.detail}"
        for problem in plan.problems
    ]
    return HistoryDiffers(
        "history does not match the folder; nothing was run\n" + "\n".join(lines),
        hint="bring back the files as they were applied, and put changes into new files with higher numbers",
    )


def difference(applied: str, current: str) -> str:
    """The first line of meaning that changed between what was applied and what the file says now."""
    old = [statement.sql for statement in script.parse(applied).statements]
    new = [statement.sql for statement in script.parse(current).statements]
    for was, now in zip_longest(old, new, fillvalue=""):
        if script.checksum(was) != script.checksum(now):
            pairs = zip_longest(was.splitlines(), now.splitlines(), fillvalue="")
            before, after = next((pair for pair in pairs if _plain(pair[0]) != _plain(pair[1])), (was, now))
            return f"- {before.strip()}   + {after.strip()}"
    return ""


def _plain(line: str) -> str:
    """A line with its blanks made plain, for showing what differs."""
    return " ".join(line.split())


def _problem(migration: Migration | None, row: Recorded | None, *, newest: int, known: int) -> Problem | None:
    if row is None:
        return _late(migration, newest) if migration else None
    if migration is None:
        kind = ProblemKind.NEWER if row.version > known else ProblemKind.MISSING
        detail = f"recorded {row.finished_at:%Y-%m-%d}, file gone"
        return Problem(kind, row.version, label(row.version, row.name), detail)
    if row.checksum == migration.checksum:
        return None
    detail = f"changed after it was applied on {row.finished_at:%Y-%m-%d}"
    if row.name != migration.name:
        detail = f"another migration, {label(row.version, row.name)}, was applied under this number"
    return Problem(ProblemKind.EDITED, row.version, migration.path, detail)


def _late(migration: Migration, newest: int) -> Problem | None:
    if migration.version > newest:
        return None
    detail = f"older than {label(newest)}, the newest applied; give it a higher number"
    return Problem(ProblemKind.LATE, migration.version, migration.path, detail)


def _newer(plan: Plan, set_name: str) -> NewerHistory:
    if set_name == OUR_SET:
        return NewerHistory(
            "database is newer than this executor: "
            f"it has {label(plan.newest)}, this version knows {label(plan.known)}",
            hint="upgrade executor; read-only commands still work",
        )
    return NewerHistory(
        f"database is newer than this folder: it has {label(plan.newest)}, the folder ends at {label(plan.known)}",
        hint="bring back the files that were applied, for instance by switching to the branch that has them",
    )
