"""A transaction that one runner at a time may have, and who stands in its way."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from sql import queries
from sql.errors import LockHeld
from sql.script import Bounds

LEDGER = queries.load("ledger")
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


@contextmanager
def alone(
    connection: Connection[Any],
    lock: int,
    *,
    application: str,
    bounds: Bounds,
    wait: timedelta,
    on_wait: Callable[[], None],
) -> Iterator[None]:
    """One transaction under the lock, with a file's settings; raises LockHeld when it was taken all through `wait`.

    `on_wait` is called once, when the first try failed.

    The lock ends with the transaction, so it cannot be left behind, not even in a connection pooler's session.
    """
    deadline = time.monotonic() + wait.total_seconds()
    for tried in count():
        with connection.transaction():
            if _enter(connection, lock, application, bounds):
                yield
                return
        if time.monotonic() >= deadline:
            raise _refusal(holders_of_key(connection, lock), wait)
        if tried == 0:
            on_wait()
        time.sleep(random.uniform(POLL_MIN, POLL_MAX))  # jitter, or runners that met once meet for ever


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


def _enter(connection: Connection[Any], lock: int, application: str, bounds: Bounds) -> bool:
    settings = {
        "key": lock,
        "application": application,
        "lock_timeout": milliseconds(bounds.lock_timeout),
        "statement_timeout": milliseconds(bounds.statement_timeout),
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(LEDGER.read_committed, prepare=False)
        row = cursor.execute(LEDGER.enter, settings, prepare=False).fetchone()
    return row is not None and row[0] is True


def _refusal(holders: Sequence[Holder], wait: timedelta) -> LockHeld:
    lines = "".join(f"\n  held by {holder}" for holder in holders)
    return LockHeld(
        f"another runner holds the migration lock, and did for {wait.total_seconds():g} s{lines}",
        hint="wait for it to finish, or end that session with pg_terminate_backend if it is stuck",
    )
