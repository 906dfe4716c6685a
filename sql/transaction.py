"""Files one after the other, each in one transaction with its row in the ledger.

    run -> entrance.begin: BEGIN, try for the lock, look whether somebody was faster    one journey, for the first file
        -> per file: savepoint, settings, statements, release, session as it was,
           row, COMMIT, and the entrance of the next file                               one journey for a small file
        -> flush, where a run stops behind a commit that is only in the server's memory

Killed at any moment, a file and its row are there both or neither. Only the last commit waits for the disk: the log is
written in order, so that a server that loses its power loses files from the end, each with its row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from msgspec import Struct
from psycopg.pq.abc import PGresult

from sql import entrance, failures, queries
from sql.batch import Batch, Stopped
from sql.entrance import Entrance, Found
from sql.folder import Migration
from sql.notices import NoticeKind
from sql.runner import Runner, told
from sql.script import Statement

LEDGER = queries.load("ledger")


def run(
    runner: Runner, migrations: Sequence[Migration], newest: int, fingerprint: Callable[[], str] | None
) -> tuple[Migration, ...]:
    """Apply files, and answer those that went in: fewer when another runner came first.

    `fingerprint` is asked for what the last row shall remember of the schema, where it is to remember anything.
    """
    line = _Line(runner, newest)
    done: list[Migration] = []
    with line.kept():
        for migration, following in zip_longest(migrations, migrations[1:]):
            runner.tell(NoticeKind.STARTED, migration)
            if not line.apply(migration, following, None if following else fingerprint):
                break
            runner.tell(NoticeKind.APPLIED, migration)
            done.append(migration)
    return tuple(done)


class _Line(Struct):
    """Where a run stands between two files.

    `found` is what was seen on entering the next file's transaction, where that is open; `owed` says that the last
    commit may not be on disk yet.
    """

    runner: Runner
    newest: int
    found: Found | None = None
    owed: bool = False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """However the run ends, what it applied is on disk and no transaction is open, or the connection is gone."""
        try:
            yield
        finally:
            entrance.rollback(self.runner.connection)
            if self.owed and not self.runner.connection.broken:
                with told("what was applied was written to disk"):
                    self.runner.connection.execute(LEDGER.flush, self.runner.ledger.key, prepare=False)

    def apply(self, migration: Migration, following: Migration | None, fingerprint: Callable[[], str] | None) -> bool:
        """Apply one file and enter the next; False when another runner came first."""
        runner, tried = self.runner, 0
        while True:
            try:
                with told(f"{migration.label} was applied"), runner.listening(migration):
                    return self._attempt(migration, following, fingerprint)
            except Stopped as stopped:
                entrance.rollback(runner.connection)
                tried += 1
                if not isinstance(stopped.error, failures.PASSING):
                    raise failures.of_statement(stopped, migration, kept=self.newest) from stopped
                runner.back_off(stopped, migration, tried)

    def _attempt(
        self, migration: Migration, following: Migration | None, fingerprint: Callable[[], str] | None
    ) -> bool:
        runner = self.runner
        if (self.found or self._begin(migration)).overtakes(self.newest):
            return False
        self.found = None
        batch = Batch(runner.connection)
        body(runner, batch, migration, migration.statements)
        row = runner.ledger.row(migration)
        if fingerprint is not None:
            send(batch, migration, self.newest)
            row["schema_hash"] = fingerprint()
        batch.add_ours(LEDGER.reset_settings)
        batch.add_ours(record(migration), row)
        self._commit(batch, migration, following)
        return True

    def _begin(self, migration: Migration) -> Found:
        return entrance.begin(
            self.runner.connection,
            door(self.runner, migration, self.newest),
            unless=lambda found: found.overtakes(self.newest),
        )

    def _commit(self, batch: Batch, migration: Migration, following: Migration | None) -> None:
        newest = max(self.newest, migration.version)
        if following:
            batch.add_ours(LEDGER.commit_soon)
        batch.add_ours(LEDGER.commit)
        if following:
            door(self.runner, following, newest).add(batch)
        results = send(batch, migration, self.newest)
        self.newest, self.owed = newest, following is not None
        if following:
            self.found = entrance.entered(self.runner.connection, results)


def door(runner: Runner, migration: Migration, newest: int) -> Entrance:
    """How a file's transaction is entered by one who knows of a newest version."""
    if migration.repeatable:
        looked_for = {"name": migration.name, "checksum": migration.checksum}
        return Entrance(runner.turn(migration), LEDGER.same, runner.ledger.key | looked_for)
    look = LEDGER.above if migration.version > newest else LEDGER.since
    return Entrance(runner.turn(migration), look, runner.ledger.key | {"version": migration.version})


def record(migration: Migration) -> bytes:
    """The query that writes its row."""
    return LEDGER.record_again if migration.repeatable else LEDGER.record


def body(runner: Runner, batch: Batch, migration: Migration, statements: tuple[Statement, ...]) -> None:
    """Add what runs of a file, from a guard to the user that one was; other settings are still the file's."""
    batch.add_ours(LEDGER.guard)
    runner.add_settings(batch, migration, local=True)
    for statement in statements:
        batch.add(statement)
    batch.add_end(LEDGER.check_guard)
    batch.add_end(LEDGER.check_constraints)  # deferred constraints speak where their word belongs to a file
    batch.add_ours(LEDGER.reset_user)  # first, as the role and the settings are those of the user one is
    batch.add_ours(LEDGER.reset_role)


def send(batch: Batch, migration: Migration, newest: int) -> list[PGresult]:
    """Run what was gathered; a guard that is gone means a file that ended its transaction."""
    try:
        return batch.send()
    except Stopped as stopped:
        if stopped.statement is None and stopped.error.sqlstate in failures.NO_GUARD:
            raise failures.of_guard(migration, kept=newest) from stopped
        raise
