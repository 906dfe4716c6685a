"""The lock that one runner of a set at a time may have, and who stands in its way."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.pq import ConnStatus
from psycopg.rows import class_row, tuple_row

from sql import queries
from sql.errors import DatabaseRefused, LockHeld
from sql.script import Bounds

LEDGER = queries.load("ledger")
DEFAULT_BOUNDS = Bounds()
POLL_MIN = 0.02
POLL_MAX = 0.12


class Holder(Struct, frozen=True):
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


class Turn(Struct, frozen=True):
    """What a transaction under a lock is entered with. `on_wait` is called once, when the first try failed.

    `pause` lets so many seconds pass between two tries.
    """

    lock: int
    application: str = "executor migrate"
    bounds: Bounds = DEFAULT_BOUNDS
    wait: timedelta = timedelta(seconds=60)
    on_wait: Callable[[], None] = lambda: None
    pause: Callable[[float], None] = time.sleep


@contextmanager
def session(connection: Connection[Any], turn: Turn) -> Iterator[None]:
    """The lock for a session, for a file that runs outside a transaction; raises LockHeld as an entrance does.

    A pooler could hand our statements to another session than the lock is in: it is refused.
    """
    _refuse_pooler(connection)
    deadline = time.monotonic() + turn.wait.total_seconds()
    for tried in count():
        if _ask(connection, LEDGER.try_session_lock, {"key": turn.lock})[0]:
            break
        await_turn(connection, turn, tried, deadline)
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


def await_turn(connection: Connection[Any], turn: Turn, tried: int, deadline: float) -> None:
    """Pause before the next try for the lock; raises LockHeld past the deadline."""
    if time.monotonic() >= deadline:
        raise _refusal(holders_of_key(connection, turn.lock), turn.wait)
    if tried == 0:
        turn.on_wait()
    turn.pause(random.uniform(POLL_MIN, POLL_MAX))  # jitter, or runners that met once meet for ever


def _ask(connection: Connection[Any], query: bytes, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query, parameters, prepare=False).fetchone() or ()


def _refusal(holders: Sequence[Holder], wait: timedelta) -> LockHeld:
    lines = "".join(f"\n  held by {holder}" for holder in holders)
    return LockHeld(
        f"another runner holds the migration lock, and did for {wait.total_seconds():g} s{lines}",
        hint="wait for it to finish, or end that session with pg_terminate_backend if it is stuck",
    )
