"""A transaction that one runner at a time may have, and who stands in its way."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import ClientCursor, Connection, Error
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.rows import class_row, tuple_row

from sql import queries
from sql.errors import DatabaseRefused, LockHeld
from sql.script import Bounds

LEDGER = queries.load("ledger")
_SEEING: WeakKeyDictionary[Connection[Any], bool] = WeakKeyDictionary()
DEFAULT_BOUNDS = Bounds()
POLL_MIN = 0.02
POLL_MAX = 0.12


@dataclass(frozen=True, slots=True)
class Holder:
    """A session with a lock that we want; most fields are hidden from roles that may not see it."""

    pid: int
    user_name: str | None
    application: str | None
    state: str | None
    query_start: datetime | None
    xact_start: datetime | None
    query: str | None

    def __str__(self) -> str:
        who = f"{self.user_name or '?'}@{self.application or '?'}"
        state = self.state or "state hidden"
        since = f", query began {self.query_start:%Y-%m-%d %H:%M:%S %Z}" if self.query_start else ""
        query = " ".join((self.query or "").split())
        return f"pid {self.pid} ({who}, {state}{since}): {query[:80]}"


def key(*parts: str) -> int:
    """A number for an advisory lock, the same in every version of the program."""
    digest = hashlib.sha256("\0".join(("executor.migration", *parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a transaction under a lock is entered with. `on_wait` is called once, when the first try failed."""

    lock: int
    application: str = "executor migrate"
    bounds: Bounds = DEFAULT_BOUNDS
    wait: timedelta = timedelta(seconds=60)
    on_wait: Callable[[], None] = lambda: None


@contextmanager
def alone(connection: Connection[Any], turn: Turn) -> Iterator[None]:
    """One transaction under the lock, with a file's settings; raises LockHeld when it was taken all through the wait.

    The lock ends with the transaction, so it cannot be left behind, not even in a connection pooler's session.
    """
    begin(connection, turn)
    try:
        yield
    except BaseException:
        rollback(connection)
        raise
    connection.execute(LEDGER.commit, prepare=False)


def begin(
    connection: Connection[Any], turn: Turn, look: bytes = b"SELECT", parameters: Mapping[str, Any] | None = None
) -> Any:
    """Open such a transaction, and answer the row that a query gives once the lock is ours: all in one journey."""
    deadline = time.monotonic() + turn.wait.total_seconds()
    message = b"; ".join((LEDGER.begin, *_protections(connection), LEDGER.enter, look))
    settings = {
        "key": turn.lock,
        "application": turn.application,
        "lock_timeout": milliseconds(turn.bounds.lock_timeout),
        "statement_timeout": milliseconds(turn.bounds.statement_timeout),
    }
    for tried in count():
        granted, row = _try(connection, message, settings | dict(parameters or {}))
        if granted:
            return row
        rollback(connection)
        _await_turn(connection, turn, tried, deadline)
    return None


def rollback(connection: Connection[Any]) -> None:
    """Leave the transaction, where there still is one to leave."""
    if connection.pgconn.status == ConnStatus.OK and connection.info.transaction_status != TransactionStatus.IDLE:
        connection.execute(LEDGER.rollback, prepare=False)


@contextmanager
def session(connection: Connection[Any], turn: Turn) -> Iterator[None]:
    """The same lock for a session, for a file that runs outside a transaction; raises like `alone`.

    A pooler could hand our statements to another session than the lock is in: it is refused.
    """
    _refuse_pooler(connection)
    deadline = time.monotonic() + turn.wait.total_seconds()
    for tried in count():
        if _ask(connection, LEDGER.try_session_lock, {"key": turn.lock})[0]:
            break
        _await_turn(connection, turn, tried, deadline)
    try:
        yield
    finally:
        if connection.pgconn.status == ConnStatus.OK:
            connection.execute(LEDGER.session_unlock, {"key": turn.lock}, prepare=False)


def _refuse_pooler(connection: Connection[Any]) -> None:
    """Before the lock is tried for, which would stay behind: a pooler has session numbers of its own."""
    if _ask(connection, LEDGER.session_number, {})[0] != connection.info.backend_pid:
        raise DatabaseRefused(
            "this connection goes through a pooler, in which a file cannot run outside a transaction",
            hint="connect to the server itself, or to the port at which the pooler keeps whole sessions apart",
        )


def is_held(connection: Connection[Any], lock: int) -> bool:
    """Whether some runner is at work right now."""
    return bool(holders_of_key(connection, lock))


def holders_of_key(connection: Connection[Any], lock: int) -> list[Holder]:
    """Sessions that hold this advisory lock."""
    with connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(LEDGER.holders_of_key, {"key": lock}, prepare=False).fetchall()


def holders_of_tables(connection: Connection[Any], names: Sequence[str]) -> list[Holder]:
    """Other sessions with locks on relations of these names."""
    with connection.cursor(row_factory=class_row(Holder)) as cursor:
        return cursor.execute(LEDGER.holders_of_tables, {"names": list(names)}, prepare=False).fetchall()


def milliseconds(duration: timedelta) -> str:
    """A duration as PostgreSQL's settings take it."""
    return f"{duration // timedelta(milliseconds=1)}ms"


def quoted(name: str) -> str:
    """A name as SQL spells it, whatever letters it has."""
    return '"' + name.replace('"', '""') + '"'


def _try(connection: Connection[Any], message: bytes, parameters: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether the lock was free, and the last row; the transaction is open either way."""
    cursor = ClientCursor(connection, row_factory=tuple_row)
    try:
        cursor.execute(message, parameters)
        *_, entered, looked = _rows(cursor)
        return bool(entered and entered[0]), looked
    except Error:
        rollback(connection)
        raise


def _rows(cursor: ClientCursor[Any]) -> Iterator[Any]:
    """The first row of each statement of a message, None for one that gives none."""
    more: bool | None = True
    while more:
        yield cursor.fetchone() if cursor.description else None
        more = cursor.nextset()


def _protections(connection: Connection[Any]) -> list[bytes]:
    """Settings for a transaction that keep a role's own from stopping it."""
    settings = [LEDGER.stay_idle, LEDGER.speak_utf8, LEDGER.keep_backslashes]
    if can_miss_client(connection):
        settings.append(LEDGER.miss_client)
    if connection.info.server_version >= 170000:
        settings.append(LEDGER.take_time)
    return settings


def can_miss_client(connection: Connection[Any]) -> bool:
    """Whether the server can look after its client; asked once a connection."""
    if connection not in _SEEING:
        _SEEING[connection] = bool(_ask(connection, LEDGER.can_miss_client, {})[0])
    return _SEEING[connection]


def _await_turn(connection: Connection[Any], turn: Turn, tried: int, deadline: float) -> None:
    if time.monotonic() >= deadline:
        raise _refusal(holders_of_key(connection, turn.lock), turn.wait)
    if tried == 0:
        turn.on_wait()
    time.sleep(random.uniform(POLL_MIN, POLL_MAX))  # jitter, or runners that met once meet for ever


def _ask(connection: Connection[Any], query: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, parameters, prepare=False).fetchone() or ()


def _refusal(holders: Sequence[Holder], wait: timedelta) -> LockHeld:
    lines = "".join(f"\n  held by {holder}" for holder in holders)
    return LockHeld(
        f"another runner holds the migration lock, and did for {wait.total_seconds():g} s{lines}",
        hint="wait for it to finish, or end that session with pg_terminate_backend if it is stuck",
    )
