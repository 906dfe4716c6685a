"""The thread that keeps a worker's lease: its own connection, nothing else on it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg

from executor import clock
from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.messages import Beaten, BeatFailed, LeaseLost
from executor.errors import DatabaseError
from executor.log import logger
from executor.queue import workers

# Renewed at a third of the lease: two renewals may fail before it is in danger.
SHARE = 1 / 3
# Children are ended this share of the lease before it ends, so that no other worker can already have their tasks.
MARGIN = 1 / 6
_RETRY_SECONDS = 1.0


def start(
    attach: Callable[[str], psycopg.Connection[Any]], worker_id: int, lease: timedelta, inbox: Inbox, guard: Guard
) -> threading.Event:
    """Begin to beat; setting the returned event ends it."""
    stop = threading.Event()
    beat = _Beat(attach, worker_id, lease, inbox, guard, stop)
    guard.lease(clock.boottime() + lease.total_seconds() * (1 - MARGIN))
    threading.Thread(target=beat.run, name="heartbeat", daemon=True).start()
    return stop


class _Beat:
    def __init__(
        self,
        attach: Callable[[str], psycopg.Connection[Any]],
        worker_id: int,
        lease: timedelta,
        inbox: Inbox,
        guard: Guard,
        stop: threading.Event,
    ) -> None:
        self._attach = attach
        self._worker_id = worker_id
        self._lease = lease
        self._inbox = inbox
        self._guard = guard
        self._stop = stop
        self._connection: psycopg.Connection[Any] | None = None
        self._trusted_until = clock.boottime() + lease.total_seconds()

    def run(self) -> None:
        """Beat until told to stop. The wait varies by a fifth, so that workers do not march in step."""
        pause = self._lease.total_seconds() * SHARE
        while not self._stop.wait(pause):
            pause = self._lease.total_seconds() * SHARE * random.uniform(0.8, 1.2) if self._once() else _RETRY_SECONDS
        if self._connection is not None:
            self._connection.close()

    def _once(self) -> bool:
        asked = clock.boottime()  # before the request: a slow answer must not stretch the lease
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._attach("heartbeat")
                self._connection.execute("SET statement_timeout = '3s'")
            if not workers.renew(self._connection, self._worker_id, self._lease):
                self._inbox.post(LeaseLost())
                return True
            self._expire_others(self._connection)
        except (psycopg.Error, DatabaseError) as error:
            self._give_up(error)
            return False
        self._trusted_until = asked + self._lease.total_seconds()
        self._guard.lease(self._trusted_until - self._lease.total_seconds() * MARGIN)
        self._inbox.post(Beaten())
        return True

    def _expire_others(self, connection: psycopg.Connection[Any]) -> None:
        """Every worker tidies up after those whose lease ran out, on whatever machine they were."""
        gone = workers.expire(connection)
        if gone:
            logger.info("workers without a lease: %s", ", ".join(gone))
            workers.lose_runs(connection, "lease")

    def _give_up(self, error: Exception) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        left = timedelta(seconds=self._trusted_until - clock.boottime())
        logger.info("the lease could not be renewed: %s", error)
        self._inbox.post(BeatFailed(left, str(error)))
