"""Several files in one transaction: kept together, or tried and thrown away.

run   -> entrance.begin -> per file: settings, body, row -> COMMIT
trial -> entrance.begin -> per file: settings, body, which locks -> ROLLBACK
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import tuple_row

from sql import entrance, failures, folder, lock, queries, transaction
from sql.batch import Batch, Stopped
from sql.entrance import Entrance
from sql.errors import Fault, FilesRefused
from sql.folder import Migration
from sql.notices import NoticeKind
from sql.plan import ProblemKind
from sql.runner import Options, Runner, told

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

LEDGER = queries.load("ledger")
NOTHING_KEPT = "all of this run was rolled back; mend the file and run it again"
TRIED = "it was only tried, and everything was rolled back; mend the file"


class TableLock(NamedTuple):
    """A lock that a file took on a table that was there before it."""

    table: str
    mode: str


class Tried(Struct, frozen=True):
    """A file that ran, and the locks that no file before it in the trial had taken already."""

    migration: Migration
    locks: tuple[TableLock, ...]


class Trial(Struct, frozen=True):
    """`skipped` are those that run outside a transaction, which cannot be taken back."""

    tried: tuple[Tried, ...]
    skipped: tuple[Migration, ...]


def run(runner: Runner, migrations: Sequence[Migration], newest: int, fingerprint: Callable[[], str] | None) -> bool:
    """Apply all of them or none; False when another runner came first, and the history must be compared anew."""
    tried = 0
    while True:
        try:
            with _begun(runner, migrations[0], newest, transaction.door(runner, migrations[0], newest)) as ours:
                if ours:
                    _run(runner, migrations, fingerprint)
                return ours
        except _Refused as refused:
            tried += 1
            if not isinstance(refused.stopped.error, failures.PASSING):
                raise failures.of_statement(
                    refused.stopped, refused.migration, kept=newest, standing=NOTHING_KEPT
                ) from refused.stopped
            runner.back_off(refused.stopped, refused.migration, tried)


def trial(connection: Connection[Any], path: Path | Traversable, **options: Unpack[Options]) -> Trial:
    """Run everything that is pending in one transaction and roll it back; raises as `up` would.

    What a transaction does not hold stays done: numbers taken from sequences, and what was sent elsewhere.
    """
    runner = Runner(connection, **options)
    runner.ready()
    plan = runner.plan(folder.load(path), accept=(ProblemKind.LATE,))
    migrations = [migration for migration in plan.todo if migration.script.directives.transaction]
    skipped = tuple(migration for migration in plan.todo if not migration.script.directives.transaction)
    if not migrations:
        return Trial((), skipped)
    try:
        with _begun(runner, migrations[0], plan.newest, Entrance(runner.turn(migrations[0]))):
            return Trial(tuple(_try(runner, migrations)), skipped)
    except _Refused as refused:
        raise failures.of_statement(
            refused.stopped, refused.migration, kept=plan.newest, standing=TRIED
        ) from refused.stopped


def refuse_outside(migrations: Sequence[Migration]) -> None:
    """Raise for files that no transaction can hold."""
    outside = [migration for migration in migrations if not migration.script.directives.transaction]
    if outside:
        raise FilesRefused(
            tuple(Fault(migration.path, "no-transaction: it cannot be one with other files") for migration in outside)
        )


class _Refused(Exception):
    """Which of the files was refused."""

    def __init__(self, stopped: Stopped, migration: Migration) -> None:
        super().__init__(str(stopped))
        self.stopped = stopped
        self.migration = migration


@contextmanager
def _begun(runner: Runner, first: Migration, newest: int, door: Entrance) -> Iterator[bool]:
    """The transaction under the lock, rolled back unless it was committed; whether the history is as we know it."""
    with told(f"{first.label} and what follows were applied"):
        found = entrance.begin(runner.connection, door, unless=lambda found: found.overtakes(newest))
        try:
            yield not found.overtakes(newest)
        finally:
            entrance.rollback(runner.connection)


def _run(runner: Runner, migrations: Sequence[Migration], fingerprint: Callable[[], str] | None) -> None:
    for migration in migrations:
        runner.tell(NoticeKind.STARTED, migration)
        _body(runner, migration)
        row = runner.ledger.row(migration)
        if fingerprint is not None and migration is migrations[-1]:
            row["schema_hash"] = fingerprint()
        runner.connection.execute(LEDGER.reset_settings, prepare=False)
        runner.connection.execute(transaction.record(migration), row, prepare=False)
    runner.connection.execute(LEDGER.commit, prepare=False)
    for migration in migrations:
        runner.tell(NoticeKind.APPLIED, migration)


def _try(runner: Runner, migrations: Sequence[Migration]) -> Iterator[Tried]:
    with runner.connection.cursor(row_factory=tuple_row) as cursor:
        known = cursor.execute(LEDGER.known_relations, prepare=False).fetchone()
        taken: set[TableLock] = set()
        for migration in migrations:
            _body(runner, migration)
            runner.connection.execute(LEDGER.reset_settings, prepare=False)
            rows = cursor.execute(LEDGER.own_locks, {"known": known[0] if known else []}, prepare=False).fetchall()
            new = {TableLock(*row) for row in rows} - taken
            taken |= new
            yield Tried(migration, tuple(sorted(new)))


def _body(runner: Runner, migration: Migration) -> None:
    batch = Batch(runner.connection)
    bounds = {
        "lock_timeout": lock.milliseconds(migration.bounds.lock_timeout),
        "statement_timeout": lock.milliseconds(migration.bounds.statement_timeout),
    }
    batch.add_ours(LEDGER.settings, {"names": list(bounds), "settings": list(bounds.values()), "local": True})
    transaction.body(runner, batch, migration, migration.statements)
    try:
        with runner.listening(migration):
            transaction.send(batch, migration, 0)
    except Stopped as stopped:
        raise _Refused(stopped, migration) from stopped
