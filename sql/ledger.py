"""The table `executor.migration`: what was applied, when, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, UndefinedTable
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from sql import entrance, lock, queries
from sql.errors import DatabaseRefused
from sql.folder import Migration
from sql.plan import Recorded

LEDGER = queries.load("ledger")
FORM = 3  # counted up with every change of the ledger's own tables
_CREATION = lock.key("ledger")


class Stored(NamedTuple):
    """The SQL of a row."""

    up: str
    down: str | None


class Event(Struct, frozen=True):
    """What was done to the history other than applying."""

    version: int
    name: str
    action: str
    happened_at: datetime
    done_by: str
    tool: str


class Ledger(Struct, frozen=True):
    """The rows of one set in one scope, over a connection; `tool` is the program that writes them."""

    connection: Connection[Any]
    set_name: str
    scope: str
    tool: str

    @property
    def key(self) -> dict[str, Any]:
        """Which rows are meant, as the queries name it."""
        return {"set_name": self.set_name, "scope": self.scope}

    @property
    def lock(self) -> int:
        """The lock under which one runner at a time writes these rows."""
        return lock.key("set", self.set_name, *([self.scope] if self.scope else []))

    def read(self) -> list[Recorded]:
        """The rows by version; none when there is no ledger yet. One query; needs no right but SELECT."""
        with speaking_utf8(self.connection).cursor(row_factory=class_row(Recorded)) as cursor:
            try:
                return cursor.execute(LEDGER.history, self.key, prepare=False).fetchall()
            except UndefinedTable:
                return []

    def stored(self, versions: Sequence[int]) -> dict[int, Stored]:
        """The SQL that was run, by version."""
        with speaking_utf8(self.connection).cursor(row_factory=tuple_row) as cursor:
            rows = cursor.execute(LEDGER.applied_sql, self.key | {"versions": list(versions)}, prepare=False)
            return {version: Stored(up, down) for version, up, down in rows}

    def events(self) -> list[Event]:
        """What was done to the history other than applying, oldest first."""
        with speaking_utf8(self.connection).cursor(row_factory=class_row(Event)) as cursor:
            try:
                return cursor.execute(LEDGER.events, self.key, prepare=False).fetchall()
            except UndefinedTable:
                return []

    def row(self, migration: Migration) -> dict[str, Any]:
        """A migration as the parameters of the queries that write it."""
        return self.key | {
            "version": migration.version,
            "name": migration.name,
            "checksum": migration.checksum,
            "up_sql": migration.up,
            "down_sql": migration.down,
            "tool": self.tool,
            "schema_hash": None,
        }

    def start(self, migration: Migration) -> None:
        """Note that a file begins that runs outside a transaction."""
        self._run(LEDGER.start, self.row(migration))

    def finish(self, version: int, schema_hash: str | None) -> None:
        """Note that such a file got to its end."""
        self._run(LEDGER.finish, self.key | {"version": version, "schema_hash": schema_hash})

    def fail(self, version: int, error: dict[str, Any]) -> None:
        """Note where such a file stopped."""
        self._run(LEDGER.fail, self.key | {"version": version, "error": Jsonb(error)})

    def unsettle(self, version: int) -> None:
        """Note that such a file begins to be undone."""
        self._run(LEDGER.unsettle, self.key | {"version": version})

    def remove(self, version: int, action: str) -> None:
        """Take a row out of the history, and keep it among the events."""
        self._run(LEDGER.remove, self.key | {"version": version, "action": action, "tool": self.tool})

    def settle(self, migration: Migration, action: str, kind: str = "versioned") -> None:
        """Say that a migration is applied as its file is now."""
        self._run(LEDGER.settle, self.row(migration) | {"action": action, "kind": kind})

    def undone(self, schema_hash: str | None) -> None:
        """What else an undoing changes: repeatable files run again, and the fingerprint is another's."""
        self._run(LEDGER.repeat_all, self.key)
        self._run(LEDGER.remember_schema, self.key | {"schema_hash": schema_hash})

    def keep_schema(self, schema_hash: str, facts: dict[str, dict[str, str]]) -> None:
        """Keep what a run left the schema as, in the place of what the run before it left."""
        self._run(LEDGER.keep_schema, {"scope": self.scope, "schema_hash": schema_hash, "facts": Jsonb(facts)})

    def kept_schema(self, schema_hash: str) -> dict[str, dict[str, str]] | None:
        """What a run left the schema as; None where only its fingerprint is known, or may be by this role."""
        with speaking_utf8(self.connection).cursor(row_factory=tuple_row) as cursor:
            try:
                given = {"scope": self.scope, "schema_hash": schema_hash}
                row = cursor.execute(LEDGER.kept_schema, given, prepare=False).fetchone()
            except (UndefinedTable, InsufficientPrivilege):
                return None
        return row[0] if row else None

    def reset(self) -> None:
        """Be who one was, with the settings one had, whatever a file left; the user first, as settings are a user's."""
        for query in (LEDGER.reset_user, LEDGER.reset_role, LEDGER.reset_settings):
            self.connection.execute(query, prepare=False)

    def _run(self, query: bytes, parameters: dict[str, Any]) -> None:
        self.connection.execute(query, parameters, prepare=False)


def speaking_utf8(connection: Connection[Any]) -> Connection[Any]:
    """The connection, in which text is text: one to an SQL_ASCII database gives bytes unless it is told otherwise."""
    if connection.info.parameter_status("client_encoding") != "UTF8":
        connection.execute(LEDGER.speak_utf8_always, prepare=False)
    return connection


def ensure(connection: Connection[Any], *, wait: timedelta) -> None:
    """Create schema and tables unless they are there, or bring them to this form, in a transaction of their own.

    Sets share them, but no lock. Raises DatabaseRefused when they are of a form that a later program made.
    """
    if _present(connection) == (True, FORM):
        return
    with entrance.alone(connection, lock.Turn(_CREATION, wait=wait)):
        has_schema, form = _present(connection)
        if form > FORM:
            raise DatabaseRefused(
                f"the ledger is of form {form}, this version knows {FORM}", hint="upgrade executor; nothing was run"
            )
        for query in _steps(has_schema, form):
            connection.execute(query, prepare=False)


def _steps(has_schema: bool, form: int) -> list[bytes]:  # noqa: FBT001 - a row of a query, not an option
    """What brings the ledger from a form to ours."""
    steps = [] if has_schema else [LEDGER.create_schema]
    if form < 1:
        steps += [LEDGER.create_table, LEDGER.create_version_index]
    if form < 2:
        steps += [LEDGER.create_event_table]
    if form < 3:
        steps += [LEDGER.create_schema_table, LEDGER.comment_schema_table, LEDGER.mark_form]
    return steps


def _present(connection: Connection[Any]) -> tuple[bool, int]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(LEDGER.present, prepare=False).fetchone()
    return (row[0], row[1]) if row else (False, 0)
