"""A file that runs outside a transaction: statement by statement, and the ledger says how far it came.

    run -> session lock                                          raises LockHeld, or DatabaseRefused behind a pooler
        -> row `running`
        -> each statement, a half-built index of its name dropped first
        -> row `applied`; or row `failed`, with the statement     raises StatementFailed, LockHeld

Killed on the way, the row stays `running`: the next run begins again at the top of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from psycopg.pq import ConnStatus
from psycopg.rows import tuple_row

from sql import drift, failures, indexes, lock, queries
from sql.batch import Batch, Stopped
from sql.errors import HistoryDiffers, StatementFailed
from sql.folder import Migration
from sql.indexes import NamedIndex
from sql.notices import NoticeKind
from sql.numbering import label
from sql.runner import Runner, told
from sql.script import Statement

LEDGER = queries.load("ledger")


def run(
    runner: Runner, migrations: Sequence[Migration], newest: int, fingerprint: Callable[[], str] | None
) -> tuple[Migration, ...]:
    """Apply files, and answer those that went in: fewer when another runner came first."""
    done: list[Migration] = []
    for migration in migrations:
        runner.tell(NoticeKind.STARTED, migration)
        if not _apply(runner, migration, newest, fingerprint if migration is migrations[-1] else None):
            break
        runner.tell(NoticeKind.APPLIED, migration)
        done.append(migration)
        newest = max(newest, migration.version)
    return tuple(done)


def undo(runner: Runner, migration: Migration, kept: int) -> None:
    """Undo one file; its row says `running` meanwhile, and goes at the end. `kept` is the newest version below it."""
    with told(f"{migration.label} was undone"), lock.session(runner.connection, runner.turn(migration)):
        found = _look(runner, migration)
        if found[1] > migration.version:
            raise HistoryDiffers(
                f"{migration.label} is no longer the newest migration that is applied; nothing was run",
                hint="another runner was at work; see `migrate status`",
            )
        runner.ledger.unsettle(migration.version)
        with _entered(runner, migration):
            perform(runner, migration, kept, direction="down")
        fingerprint = drift.asked(runner)
        hash_after = fingerprint() if fingerprint else None
        with runner.connection.transaction():
            runner.ledger.remove(migration.version, "undone")
            runner.ledger.undone(hash_after)


def perform(runner: Runner, migration: Migration, newest: int, *, direction: str = "up") -> None:
    """Each statement in its turn; the ledger is told where it stops."""
    statements = migration.statements
    for number, statement in enumerate(statements, 1):
        try:
            _one(runner, migration, statement)
        except Stopped as stopped:
            error = stopped.error
            if not failures.is_lost(error):
                _reset(runner)
                place = {"statement": number, "of": len(statements), "direction": direction}
                said = {"message": error.diag.message_primary, "sqlstate": error.sqlstate}
                runner.ledger.fail(migration.version, place | said)
            standing = _standing(migration, number, len(statements), direction)
            raise failures.of_statement(stopped, migration, kept=newest, standing=standing) from stopped


def _apply(runner: Runner, migration: Migration, newest: int, fingerprint: Callable[[], str] | None) -> bool:
    with told(f"{migration.label} was applied"), lock.session(runner.connection, runner.turn(migration)):
        found = _look(runner, migration)
        if found[0] or found[1] > newest:
            return False
        runner.ledger.start(migration)
        with _entered(runner, migration):
            perform(runner, migration, newest)
        runner.ledger.finish(migration.version, fingerprint() if fingerprint else None)
        return True


def _one(runner: Runner, migration: Migration, statement: Statement) -> None:
    """One statement, tried again while somebody is in its way, and its index whole at the end."""
    index = indexes.built(statement)
    tried = 0
    while True:
        if index:
            _heal(runner, migration, index)
        try:
            _send(runner, migration, statement)
        except Stopped as stopped:
            tried += 1
            if not isinstance(stopped.error, failures.PASSING) or tried > migration.bounds.retries:
                raise
            runner.back_off(stopped, migration, tried)
            continue
        if index and _unfinished(runner, index):
            raise _invalid(migration, statement, index)
        return


def _send(runner: Runner, migration: Migration, statement: Statement) -> None:
    patient = not migration.script.directives.waits and "CONCURRENTLY" in statement.words
    timeout = timedelta(0) if patient else migration.bounds.lock_timeout  # it blocks nobody while it waits
    runner.connection.execute(LEDGER.lock_timeout, {"lock_timeout": lock.milliseconds(timeout)}, prepare=False)
    batch = Batch(runner.connection)
    batch.add(statement)
    with runner.listening(migration):
        batch.send()


def _heal(runner: Runner, migration: Migration, index: NamedIndex) -> None:
    """Drop what a killed run left of an index, as its name is taken and it will never be used."""
    if drop := _unfinished(runner, index):
        runner.connection.execute(drop.encode(), prepare=False)
        runner.tell(NoticeKind.HEALED, migration, f'index "{index.name}" had been left unfinished; dropped')


def _unfinished(runner: Runner, index: NamedIndex) -> str:
    found = _row(runner, LEDGER.invalid_index, {"name": index.name, "table": index.table})
    return str(found[0]) if found else ""


def _invalid(migration: Migration, statement: Statement, index: NamedIndex) -> StatementFailed:
    line = statement.line
    return StatementFailed(
        f'{migration.path}:{line}:1: index "{index.name}" was left invalid',
        path=migration.path,
        line=line,
        column=1,
        sqlstate="",
        kept=0,
        hint=f"{migration.label} is not recorded as applied; run it again to have the index built anew",
    )


@contextmanager
def _entered(runner: Runner, migration: Migration) -> Iterator[None]:
    """The session with the file's settings, and as it was afterwards."""
    turn = runner.turn(migration)
    settings = {"application": turn.application, "statement_timeout": lock.milliseconds(turn.bounds.statement_timeout)}
    runner.connection.execute(LEDGER.enter_session, settings, prepare=False)
    batch = Batch(runner.connection)
    runner.add_settings(batch, migration, local=False)
    try:
        batch.send()
        yield
    except Stopped as stopped:
        raise stopped.error from None
    finally:
        _reset(runner)


def _reset(runner: Runner) -> None:
    if runner.connection.pgconn.status == ConnStatus.OK:
        runner.ledger.reset()


def _look(runner: Runner, migration: Migration) -> tuple[Any, ...]:
    return _row(runner, LEDGER.since, runner.ledger.key | {"version": migration.version}) or (False, 0)


def _row(runner: Runner, query: bytes, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    with runner.connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, parameters, prepare=False).fetchone()


def _standing(migration: Migration, number: int, count: int, direction: str) -> str:
    """What is left of a file of which a statement failed."""
    before = f"statements 1 to {number - 1} of {count} are kept" if number > 1 else "nothing of it was run"
    return (
        f"{label(migration.version)} failed at statement {number} of {count}, {before}; mend what is wrong, and "
        f"`{direction}` runs it again from the top"
    )
