"""Whether a database is what its folder and its ledger say. Reads only, and reports instead of raising."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import tuple_row

from sql import drift, folder, queries, standing
from sql.drift import Drift
from sql.plan import Problem, ProblemKind, changed_lines
from sql.runner import Options, Runner, told
from sql.standing import Entry, Standing

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

LEDGER = queries.load("ledger")


class InvalidIndex(NamedTuple):
    """An index that was never finished: writing pays for it, and reading never uses it."""

    name: str
    table: str


class Verification(Struct, frozen=True):
    """What is wrong: `changes` are the lines of difference of edited files, by version. `drift` is None if unknown."""

    problems: tuple[Problem, ...]
    changes: dict[int, list[str]]
    unfinished: tuple[Entry, ...]
    invalid_indexes: tuple[InvalidIndex, ...]
    drift: Drift | None

    @property
    def sound(self) -> bool:
        drifted = self.drift is not None and self.drift.drifted
        return not (self.problems or self.unfinished or self.invalid_indexes or drifted)


def verify(
    connection: Connection[Any],
    path: Path | Traversable,
    *,
    versions: Sequence[int] = (),
    **options: Unpack[Options],
) -> Verification:
    """Look at checksums, lost files, files that stopped half-way, unfinished indexes and the schema's fingerprint.

    With `versions`, only at those files. A late file is for `up` to complain about: the database is right without it.
    """
    runner = Runner(connection, **options)
    files = folder.load(path)
    with told("the database was verified"):
        rows = runner.ledger.read()
        found = standing.of(files, rows)
        wanted = [
            problem
            for problem in found.plan.problems
            if problem.kind is not ProblemKind.LATE and (not versions or problem.version in versions)
        ]
        edited = [problem.version for problem in wanted if problem.kind is ProblemKind.EDITED]
        stored = runner.ledger.stored(edited) if edited else {}
        texts = {migration.version: migration.up for migration in files.migrations}
        return Verification(
            problems=tuple(wanted),
            changes={version: changed_lines(sql.up, texts[version]) for version, sql in stored.items()},
            unfinished=tuple(entry for entry in found.entries if entry.standing is Standing.FAILED),
            invalid_indexes=() if versions else _invalid(runner),
            drift=None if versions else drift.find(runner),
        )


def _invalid(runner: Runner) -> tuple[InvalidIndex, ...]:
    with runner.connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(LEDGER.invalid_indexes, {"scope": runner.scope}, prepare=False).fetchall()
    return tuple(InvalidIndex(*row) for row in rows)
