"""What stays the same from file to file while a folder is applied or undone."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from msgspec import Struct, field
from psycopg import Connection, Error
from psycopg.errors import Diagnostic
from psycopg.pq import TransactionStatus

from sql import failures, lock, queries
from sql.batch import Batch, Stopped
from sql.errors import DatabaseRefused
from sql.folder import Folder, Migration
from sql.ledger import Ledger, ensure
from sql.notices import Notice, NoticeKind, Report, nobody
from sql.plan import Plan, ProblemKind, compare, difference, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

LEDGER = queries.load("ledger")
LOCK_WAIT = timedelta(seconds=60)
BACK_OFF_MIN = 0.5
BACK_OFF_MAX = 30.0
SERVER_MIN = 14
_SETTLED_BY_US = frozenset(("search_path", "role"))


class Options(TypedDict, total=False):
    """What every operation can be given besides a connection and a folder; the defaults are those of `Runner`."""

    set_name: str
    scope: str
    values: Mapping[str, str]
    tool: str
    lock_wait: timedelta
    report: Report | None
    pause: Callable[[float], None]


class Runner(Struct, frozen=True):
    """One run over one set in one scope.

    `set_name` names the folder in the ledger, `scope` the schema of a tenant (empty is the database as a whole), `tool`
    the program. `values` are settings such as app.region, which files read with current_setting. `lock_wait` bounds the
    wait for other runners, per file; `report` is told what happens; `pause` lets seconds pass, and may raise to end the
    run.
    """

    connection: Connection[Any]
    set_name: str = "main"
    scope: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    tool: str = "sql"
    lock_wait: timedelta = LOCK_WAIT
    report: Report | None = None
    pause: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        for name in self.values:
            if "." not in name or name in _SETTLED_BY_US:
                raise ValueError(f"a value has a name of its own with a dot in it, such as app.{name}")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.connection, self.set_name, self.scope, self.tool)

    def ready(self) -> None:
        """Raise unless the connection can be used: idle, in autocommit, to a server that is new enough, scope there."""
        idle = self.connection.info.transaction_status == TransactionStatus.IDLE
        if not self.connection.autocommit or not idle:
            raise ValueError("migrations need a connection in autocommit mode with no transaction open")
        refuse_old(self.connection.info.server_version)
        if self.scope:
            with told("the schema was looked up"):
                row = self.connection.execute(LEDGER.has_schema, {"name": self.scope}, prepare=False).fetchone()
            if not row or not (row[0] if isinstance(row, tuple) else next(iter(row.values()))):
                raise DatabaseRefused(
                    f'no schema "{self.scope}" in this database', hint=f"create it first: {lock.quoted(self.scope)}"
                )

    def plan(self, folder: Folder, *, accept: Sequence[ProblemKind] = ()) -> Plan:
        """What is pending; raises when the histories differ in a way that is not accepted. Writes nothing."""
        with told("the ledger was read"):
            plan = compare(folder.migrations, self.ledger.read(), repeatables=folder.repeatables).without(*accept)
            if plan.problems:
                raise refusal(plan, self.set_name, self.changes(plan, folder))
        return plan

    def prepare(self) -> None:
        """Have a ledger to write in."""
        with told("the ledger was created"):
            ensure(self.connection, wait=self.lock_wait)

    def changes(self, plan: Plan, folder: Folder) -> dict[int, str]:
        """What edits changed, by version."""
        edited = [problem.version for problem in plan.problems if problem.kind is ProblemKind.EDITED]
        if not edited:
            return {}
        current = {migration.version: migration.up for migration in folder.migrations}
        stored = self.ledger.stored(edited)
        return {version: difference(sql.up, current[version]) for version, sql in stored.items()}

    def turn(self, migration: Migration) -> lock.Turn:
        """How the lock is entered for a file."""
        return lock.Turn(
            self.ledger.lock,
            application=f"executor migrate {migration.number}",
            bounds=migration.bounds,
            wait=self.lock_wait,
            on_wait=lambda: self.tell(NoticeKind.WAITING, migration, "another runner is at work"),
            pause=self.pause,
        )

    def add_settings(self, batch: Batch, migration: Migration, *, local: bool) -> None:
        """What the caller and the file set for its statements, where there is anything of that kind."""
        settings = dict(self.values)
        if self.scope:
            settings["search_path"] = f"{lock.quoted(self.scope)}, public"
        if role := migration.script.directives.role:
            settings["role"] = role
        if settings:
            given = {"names": list(settings), "settings": list(settings.values()), "local": local}
            batch.add_ours(LEDGER.settings, given)

    def tell(self, kind: NoticeKind, migration: Migration, text: str = "") -> None:
        (self.report or nobody)(Notice(kind, migration, text))

    @contextmanager
    def listening(self, migration: Migration) -> Iterator[None]:
        """Pass on what the server says meanwhile."""
        if self.report is None:
            yield
            return

        def hear(said: Diagnostic) -> None:
            self.tell(NoticeKind.SERVER, migration, f"{said.severity}: {said.message_primary}")

        self.connection.add_notice_handler(hear)
        try:
            yield
        finally:
            self.connection.remove_notice_handler(hear)

    def back_off(self, stopped: Stopped, migration: Migration, tried: int) -> None:
        """Let others through before the next try; raises LockHeld when there is none left."""
        wanted = failures.names(stopped.statement) if stopped.statement else []
        with told("the holders of locks were looked up"):
            holders = lock.holders_of_tables(self.connection, wanted)
        if tried > migration.bounds.retries:
            raise failures.of_locks(stopped, migration, holders) from stopped
        self.tell(NoticeKind.RETRYING, migration, "; ".join(str(holder) for holder in holders))
        self.pause(min(BACK_OFF_MAX, BACK_OFF_MIN * 2 ** (tried - 1)) * random.uniform(0.8, 1.2))


def refuse_old(server_version: int) -> None:
    """Raise for a server whose settings and statements the runner cannot rely on."""
    if server_version < SERVER_MIN * 10000:
        raise DatabaseRefused(
            f"the server is PostgreSQL {server_version // 10000}, and migrations need {SERVER_MIN} or newer",
            hint="connect to a newer server",
        )


@contextmanager
def told(doing: str) -> Iterator[None]:
    """The one door at which errors outside the files' statements become ours."""
    try:
        yield
    except Error as error:
        raise failures.of_server(error, doing=doing) from error
