"""What is to run, and what is wrong, when a folder meets a ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import unified_diff
from enum import StrEnum
from itertools import islice, zip_longest
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sql import script
from sql.directives import Directives
from sql.errors import HistoryDiffers, NewerHistory
from sql.folder import Migration
from sql.numbering import OUR_SET, label


class State(StrEnum):
    """Anything but applied happens only to files that run outside a transaction."""

    APPLIED = "applied"
    RUNNING = "running"
    FAILED = "failed"


class Recorded(Struct, frozen=True):
    """A row of the ledger. `finished_at` is None for a file that did not get to its end, and `error` says why."""

    version: int
    name: str
    checksum: str
    finished_at: datetime | None
    kind: str = "versioned"
    state: str = State.APPLIED
    started_at: datetime | None = None
    error: dict[str, Any] | None = None

    @property
    def repeatable(self) -> bool:
        return self.kind == "repeatable"

    @property
    def applied(self) -> bool:
        return self.state == State.APPLIED


class ProblemKind(StrEnum):
    EDITED = "edited"
    MISSING = "missing"
    LATE = "late"
    NEWER = "newer"
    PARTIAL = "partial"


class Problem(Struct, frozen=True):
    """Why nothing may run: `subject` names the file or the row, `detail` is the fact about it."""

    kind: ProblemKind
    version: int
    subject: str
    detail: str


class Plan(Struct, frozen=True):
    """`pending` in order, then `repeats`. `newest` is the highest version applied, 0 for none; `known` the folder's."""

    pending: tuple[Migration, ...]
    problems: tuple[Problem, ...]
    newest: int
    known: int
    repeats: tuple[Migration, ...] = ()

    @property
    def todo(self) -> tuple[Migration, ...]:
        return self.pending + self.repeats

    def without(self, *kinds: ProblemKind) -> Plan:
        """The plan of somebody who accepts these problems."""
        return replace(self, problems=tuple(problem for problem in self.problems if problem.kind not in kinds))


def compare(
    migrations: Sequence[Migration],
    rows: Iterable[Recorded],
    *,
    repeatables: Sequence[Migration] = (),
    allow_late: bool = False,
) -> Plan:
    """Set a folder against a ledger. A file renamed but not changed is the same migration: the version names it."""
    rows = list(rows)
    numbered = {row.version: row for row in rows if not row.repeatable}
    recorded = {version: row for version, row in numbered.items() if row.applied}
    files = {migration.version: migration for migration in migrations}
    newest, known = max(recorded, default=0), max(files, default=0)
    replaced, partial = _squashed(migrations, recorded)
    problems = [
        problem
        for version in sorted((files.keys() | numbered.keys()) - replaced)
        if (problem := _problem(files.get(version), numbered.get(version), newest=newest, known=known))
        and not (allow_late and problem.kind is ProblemKind.LATE)
    ]
    return Plan(
        pending=tuple(migration for migration in migrations if migration.version not in recorded),
        problems=tuple(sorted([*problems, *partial], key=lambda problem: problem.version)),
        newest=newest,
        known=known,
        repeats=_changed(repeatables, rows),
    )


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
        problems=plan.problems,
    )


def difference(applied: str, current: str) -> str:
    """The first line of meaning that changed between what was applied and what the file says now."""
    old = [statement.sql for statement in script.parse(applied).statements]
    new = [statement.sql for statement in script.parse(current).statements]
    for was, now in zip_longest(old, new, fillvalue=""):
        if _meaning(was) != _meaning(now):
            pairs = zip_longest(was.splitlines(), now.splitlines(), fillvalue="")
            before, after = next((pair for pair in pairs if _plain(pair[0]) != _plain(pair[1])), (was, now))
            return f"- {before.strip()}   + {after.strip()}"
    return ""


def changed_lines(applied: str, current: str) -> list[str]:
    """All that changed between two texts, as a diff without its header; what means nothing is shown too."""
    lines = unified_diff(applied.splitlines(), current.splitlines(), lineterm="", n=1)
    return list(islice(lines, 2, None))


def _meaning(statement: str) -> str:
    """The checksum of a statement by itself, whatever its file allows it."""
    return script.parse(statement, Directives(transaction=False)).checksum


def _plain(line: str) -> str:
    """A line with its blanks made plain, for showing what differs."""
    return " ".join(line.split())


def _problem(migration: Migration | None, row: Recorded | None, *, newest: int, known: int) -> Problem | None:
    if row is None:
        return _late(migration, newest) if migration else None
    if migration is None:
        kind = ProblemKind.NEWER if row.version > known else ProblemKind.MISSING
        detail = f"recorded {row.finished_at:%Y-%m-%d}, file gone" if row.finished_at else f"{row.state}, file gone"
        return Problem(kind, row.version, label(row.version, row.name), detail)
    if not row.applied or row.checksum == migration.checksum:
        return None  # a file that failed is there to be mended
    detail = f"changed after it was applied on {row.finished_at:%Y-%m-%d}"
    if row.name != migration.name:
        detail = f"another migration, {label(row.version, row.name)}, was applied under this number"
    return Problem(ProblemKind.EDITED, row.version, migration.path, detail)


def _squashed(migrations: Sequence[Migration], recorded: Mapping[int, Recorded]) -> tuple[set[int], list[Problem]]:
    """Versions that a squashed file stands for and the ledger has, and squashed files that meet half their range."""
    accepted: set[int] = set()
    partial: list[Problem] = []
    for migration in migrations:
        if migration.script.directives.replaces is None:
            continue
        first, last = migration.script.directives.replaces
        inside = {version for version in recorded if first <= version <= last}
        if last in inside and recorded[last].name != migration.name:
            accepted |= inside
        elif inside and last not in inside:
            detail = (
                f"stands for {label(first)} to {label(last)}, of which {label(max(inside))} is the last applied; "
                "apply the files from before the squash first"
            )
            partial.append(Problem(ProblemKind.PARTIAL, last, migration.path, detail))
            accepted |= inside | {last}
    return accepted, partial


def _changed(repeatables: Sequence[Migration], rows: Sequence[Recorded]) -> tuple[Migration, ...]:
    checksums = {row.name: row.checksum for row in rows if row.repeatable}
    return tuple(migration for migration in repeatables if checksums.get(migration.name) != migration.checksum)


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
            problems=plan.problems,
        )
    return NewerHistory(
        f"database is newer than this folder: it has {label(plan.newest)}, the folder ends at {label(plan.known)}",
        hint="bring back the files that were applied, for instance by switching to the branch that has them",
        problems=plan.problems,
    )
