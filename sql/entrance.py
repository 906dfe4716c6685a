"""A transaction under the lock of a set: how it is entered, by itself or in the journey that ends the one before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from msgspec import Struct
from psycopg import Connection, errors
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import tuple_row

from sql import lock, queries
from sql.batch import FINE, Batch, Stopped
from sql.lock import Turn

LEDGER = queries.load("ledger")
_SEEING: WeakKeyDictionary[Connection[Any], bool] = WeakKeyDictionary()


class Found(NamedTuple):
    """What the ledger has at the moment of entering: whether the file's place is taken, and the newest version."""

    taken: bool
    newest: int

    def overtakes(self, newest: int) -> bool:
        """Whether another runner was faster, for one that knew of a newest version."""
        return self.taken or self.newest > newest


class Entrance(Struct, frozen=True):
    """What is asked on entering: the lock, and once that is tried for, what the query `look` finds."""

    turn: Turn
    look: bytes = LEDGER.untouched
    parameters: dict[str, Any] | None = None

    def add(self, batch: Batch) -> None:
        """Enter at the end of a journey, behind the COMMIT of the transaction before."""
        for query in (LEDGER.begin, *_protections(batch.connection)):
            batch.add_next(query)
        batch.add_next(LEDGER.enter, self._settings)
        batch.add_next(self.look, self.parameters)

    @property
    def _settings(self) -> dict[str, Any]:
        return {
            "key": self.turn.lock,
            "application": self.turn.application,
            "lock_timeout": lock.milliseconds(self.turn.bounds.lock_timeout),
            "statement_timeout": lock.milliseconds(self.turn.bounds.statement_timeout),
        }


@contextmanager
def alone(connection: Connection[Any], turn: Turn) -> Iterator[None]:
    """One transaction under the lock, with a file's settings; raises LockHeld when it was taken all through the wait.

    The lock ends with the transaction, so it cannot be left behind, not even in a connection pooler's session.
    """
    begin(connection, Entrance(turn))
    try:
        yield
    except BaseException:  # Ctrl-C too: the lock must not outlive the work that it is for, in a connection that goes on
        rollback(connection)
        raise
    connection.execute(LEDGER.commit, prepare=False)


def begin(
    connection: Connection[Any], entrance: Entrance, *, unless: Callable[[Found], bool] = lambda _: False
) -> Found:
    """Open such a transaction, all in one journey, and again until the lock is ours.

    What was found can make the lock pointless: with `unless` it is answered at once, and the transaction is good for
    nothing but to be left.
    """
    turn = entrance.turn
    deadline = time.monotonic() + turn.wait.total_seconds()
    for tried in count():
        granted, found = _try(connection, entrance)
        if granted or unless(found):
            return found
        rollback(connection)
        lock.await_turn(connection, turn, tried, deadline)
    raise AssertionError("a count has no end")


def entered(connection: Connection[Any], results: Sequence[PGresult]) -> Found | None:
    """What was found on entering behind another transaction; None unless the lock is ours.

    A refusal is not told here, as the transaction before is over: whoever enters anew will meet it.
    """
    if results[-1].status in FINE:
        granted, found = _read(results)
        if granted:
            return found
    rollback(connection)
    return None


def rollback(connection: Connection[Any]) -> None:
    """Leave the transaction, where there still is one to leave."""
    if connection.pgconn.status == ConnStatus.OK and connection.info.transaction_status != TransactionStatus.IDLE:
        connection.execute(LEDGER.rollback, prepare=False)


def can_miss_client(connection: Connection[Any]) -> bool:
    """Whether the server can look after its client; asked once a connection."""
    if connection not in _SEEING:
        with connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute(LEDGER.can_miss_client, {}, prepare=False).fetchone()
        _SEEING[connection] = bool(row and row[0])
    return _SEEING[connection]


def _try(connection: Connection[Any], entrance: Entrance) -> tuple[bool, Found]:
    """Whether the lock was free, and what was found; the transaction is open either way."""
    batch = Batch(connection)
    entrance.add(batch)
    try:
        results = batch.send()
    except Stopped as stopped:
        raise stopped.error from None
    if results[-1].status not in FINE:
        rollback(connection)
        raise errors.error_from_result(results[-1])
    return _read(results)


def _read(results: Sequence[PGresult]) -> tuple[bool, Found]:
    *_, entering, looking = results
    taken, newest = (looking.get_value(0, 0), looking.get_value(0, 1)) if looking.ntuples else (b"f", b"0")
    return entering.get_value(0, 0) == b"t", Found(taken == b"t", int(newest or 0))


def _protections(connection: Connection[Any]) -> list[bytes]:
    """Settings for a transaction that keep a role's own from stopping it."""
    settings = [LEDGER.stay_idle, LEDGER.speak_utf8, LEDGER.keep_backslashes]
    if can_miss_client(connection):
        settings.append(LEDGER.miss_client)
    if connection.info.server_version >= 170000:
        settings.append(LEDGER.take_time)
    return settings
