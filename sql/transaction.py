"""One file in one transaction, with its row in the ledger.

    run -> lock.begin: BEGIN, try for the lock, look whether somebody was faster      one journey
        -> savepoint, settings, statements, release, session as it was, row, COMMIT   one journey for a small file

Killed at any moment, file and row are there both or neither.
"""

from __future__ import annotations

from collections.abc import Callable

from sql import failures, lock, queries
from sql.batch import Batch, Stopped
from sql.folder import Migration
from sql.runner import Runner, told
from sql.script import Statement

LEDGER = queries.load("ledger")


def run(runner: Runner, migration: Migration, newest: int, fingerprint: Callable[[], str] | None) -> bool:
    """Apply one file; False when another runner came first, and the history must be compared anew.

    `fingerprint` is asked for what the row shall remember of the schema, where it is to remember anything.
    """
    tried = 0
    while True:
        try:
            with told(f"{migration.label} was applied"), runner.listening(migration):
                return _attempt(runner, migration, newest, fingerprint)
        except Stopped as stopped:
            tried += 1
            if not isinstance(stopped.error, failures.PASSING):
                raise failures.of_statement(stopped, migration, kept=newest) from stopped
            runner.back_off(stopped, migration, tried)


def _attempt(runner: Runner, migration: Migration, newest: int, fingerprint: Callable[[], str] | None) -> bool:
    ledger, connection = runner.ledger, runner.connection
    found = lock.begin(connection, runner.turn(migration), look(migration, newest), ledger.row(migration))
    try:
        if found and (found[0] or found[1] > newest):
            return False
        batch = Batch(connection)
        body(runner, batch, migration, migration.statements)
        row = ledger.row(migration)
        if fingerprint is not None:
            send(batch, migration, newest)
            row["schema_hash"] = fingerprint()
        batch.add_ours(LEDGER.reset_settings)
        batch.add_ours(record(migration), row)
        batch.add_ours(LEDGER.commit)
        send(batch, migration, newest)
        return True
    finally:
        lock.rollback(connection)


def record(migration: Migration) -> bytes:
    """The query that writes its row."""
    return LEDGER.record_again if migration.repeatable else LEDGER.record


def look(migration: Migration, newest: int) -> bytes:
    """The query that finds out under the lock whether somebody was faster."""
    if migration.repeatable:
        return LEDGER.same
    return LEDGER.above if migration.version > newest else LEDGER.since


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


def send(batch: Batch, migration: Migration, newest: int) -> None:
    """Run what was gathered; a guard that is gone means a file that ended its transaction."""
    try:
        batch.send()
    except Stopped as stopped:
        if stopped.statement is None and stopped.error.sqlstate in failures.NO_GUARD:
            raise failures.of_guard(migration, kept=newest) from stopped
        raise
