"""Bringing a database up to a folder.

    up -> read the folder, no database                           raises FilesRefused
       -> read the ledger, compare                               raises HistoryDiffers, NewerHistory
       -> per pending file, until it is in or cannot be:
            lock.alone: BEGIN, try for the lock                  raises LockHeld
              look whether somebody was faster                   -> compare anew
              savepoint, each statement, release                 raises StatementFailed
              session as it was, ledger row, COMMIT

A file and its row are one commit: killed at any moment, it is there whole or not at all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from psycopg import Connection, Error
from psycopg.pq import TransactionStatus

from sql import failures, folder, ledger, lock, numbering, queries
from sql.folder import Migration
from sql.plan import Plan, ProblemKind, compare, difference, refusal
from sql.script import Statement

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

LEDGER = queries.load("ledger")
LOCK_WAIT = timedelta(seconds=60)
BACK_OFF_MIN = 0.5
BACK_OFF_MAX = 30.0

# One journey for three statements; the user first, as the settings are those of the user one is.
_RESET = b"; ".join((LEDGER.reset_user, LEDGER.reset_role, LEDGER.reset_settings))


@dataclass(frozen=True, slots=True)
class Applied:
    """What one `up` did itself, in order, and the newest version of the set now; another runner may have done some."""

    migrations: tuple[Migration, ...]
    newest: int


class NoticeKind(StrEnum):
    APPLIED = "applied"
    WAITING = "waiting"
    RETRYING = "retrying"


@dataclass(frozen=True, slots=True)
class Notice:
    """What happens to a migration, for whoever watches. `text` says why it waits or is tried again."""

    kind: NoticeKind
    migration: Migration
    text: str = ""


Report = Callable[[Notice], None]


def up(
    connection: Connection[Any],
    path: Path | Traversable,
    *,
    set_name: str,
    tool: str,
    lock_wait: timedelta = LOCK_WAIT,
    allow_late: bool = False,
    report: Report | None = None,
) -> Applied:
    """Apply what is pending, each file in a transaction of its own.

    The connection must be in autocommit mode and idle; settings made on it with SET are reset. `tool` names the program
    in the ledger, `lock_wait` bounds the wait for other runners, per file.
    """
    if not connection.autocommit or connection.info.transaction_status != TransactionStatus.IDLE:
        raise ValueError("migrations need a connection in autocommit mode with no transaction open")
    migrations = folder.read(path)
    runner = _Runner(connection, set_name, tool, lock_wait, report or _ignore)
    done: list[Migration] = []
    while True:
        plan = runner.plan(migrations, allow_late=allow_late)
        newest = plan.newest
        for migration in plan.pending:
            if not runner.apply(migration, newest):
                break
            done.append(migration)
            newest = max(newest, migration.version)
        else:
            return Applied(tuple(done), newest)


@dataclass(frozen=True, slots=True)
class _Runner:
    """One `up`: what stays the same from file to file."""

    connection: Connection[Any]
    set_name: str
    tool: str
    lock_wait: timedelta
    report: Report

    def plan(self, migrations: tuple[Migration, ...], *, allow_late: bool) -> Plan:
        """What is pending; raises when the histories differ. Writes nothing unless something is pending."""
        with _told("the ledger was read"):
            plan = compare(migrations, ledger.read(self.connection, self.set_name), allow_late=allow_late)
            if plan.problems:
                raise refusal(plan, self.set_name, self._changes(plan, migrations))
        if plan.pending:
            with _told("the ledger was created"):
                ledger.ensure(self.connection, wait=self.lock_wait)
        return plan

    def apply(self, migration: Migration, newest: int) -> bool:
        """Apply one file; False when another runner came first, and the history must be compared anew."""
        tried = 0
        while True:
            try:
                with _told(f"{migration.label} was applied"):
                    if not self._attempt(migration, newest):
                        return False
            except _Stopped as stopped:
                tried += 1
                if not isinstance(stopped.error, failures.PASSING):
                    raise failures.of_statement(stopped.error, migration, stopped.statement, kept=newest) from stopped
                self._back_off(stopped, migration, tried)
            else:
                self.report(Notice(NoticeKind.APPLIED, migration))
                return True

    def _attempt(self, migration: Migration, newest: int) -> bool:
        with lock.alone(
            self.connection,
            lock.key("set", self.set_name),
            application=f"executor migrate {numbering.label(migration.version)}",
            bounds=migration.bounds,
            wait=self.lock_wait,
            on_wait=lambda: self.report(Notice(NoticeKind.WAITING, migration, "another runner is at work")),
        ):
            now = ledger.since(self.connection, self.set_name, migration.version)
            if now.taken or now.newest > newest:
                return False
            self._run(migration, newest)
            ledger.record(self.connection, migration, set_name=self.set_name, tool=self.tool)
        return True

    def _run(self, migration: Migration, newest: int) -> None:
        self._send(LEDGER.guard)
        for statement in migration.statements:
            self._send(statement.sql.encode(), statement)
        try:
            self._send(LEDGER.check_guard)
        except _Stopped as stopped:
            if failures.is_lost(stopped.error):
                raise
            raise failures.of_guard(migration, kept=newest) from stopped
        self._send(LEDGER.check_constraints)
        self._send(_RESET)

    def _send(self, sql: bytes, statement: Statement | None = None) -> None:
        """Without parameters psycopg leaves every % alone; unprepared, as a file may DEALLOCATE ALL."""
        try:
            self.connection.execute(sql, prepare=False)
        except Error as error:
            raise _Stopped(error, statement) from error

    def _back_off(self, stopped: _Stopped, migration: Migration, tried: int) -> None:
        """Let others through before the next try; raises LockHeld when there is none left."""
        wanted = failures.names(stopped.statement) if stopped.statement else []
        with _told("the holders of locks were looked up"):
            holders = lock.holders_of_tables(self.connection, wanted)
        if tried > migration.bounds.retries:
            raise failures.of_locks(stopped.error, migration, stopped.statement, holders) from stopped
        self.report(Notice(NoticeKind.RETRYING, migration, "; ".join(str(holder) for holder in holders)))
        time.sleep(min(BACK_OFF_MAX, BACK_OFF_MIN * 2 ** (tried - 1)) * random.uniform(0.8, 1.2))

    def _changes(self, plan: Plan, migrations: tuple[Migration, ...]) -> dict[int, str]:
        edited = [problem.version for problem in plan.problems if problem.kind is ProblemKind.EDITED]
        if not edited:
            return {}
        current = {migration.version: migration.up for migration in migrations}
        applied = ledger.applied_sql(self.connection, self.set_name, edited)
        return {version: difference(sql, current[version]) for version, sql in applied.items()}


class _Stopped(Exception):
    """The server refused a statement of a file, or, without one, the end of the file."""

    def __init__(self, error: Error, statement: Statement | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.statement = statement


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """The one door at which errors outside the files' statements become ours."""
    try:
        yield
    except Error as error:
        raise failures.of_server(error, doing=doing) from error


def _ignore(notice: Notice) -> None:
    """Nobody watches."""
