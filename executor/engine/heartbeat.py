"""The thread that keeps a worker's lease: its own connection, nothing else on it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
from msgspec import Struct

from executor import clock, processes, recovery
from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.lifeline import Lifeline
from executor.engine.messages import Beaten, BeatFailed, LeaseLost, Woken
from executor.log import logger
from executor.queue import workers

# Renewed at a third of the lease: two renewals may fail before it is in danger.
SHARE = 1 / 3
# Children are ended this share of the lease before it ends, so that no other worker can already have their tasks.
MARGIN = 1 / 6
_RETRY_SECONDS = 1.0
# No answer for so long, the server's own limit of 3 s included, is one that does not come.
_SILENCE_SECONDS = 5.0
_LOOK_SECONDS = 1.0


class Lease(Struct, frozen=True):
    """What is renewed. `trusted_until` is on the boot-time clock, reckoned from before the request."""

    worker_id: int
    identity: processes.Identity
    duration: timedelta
    trusted_until: float


def start(
    attach: Callable[[str], psycopg.Connection[Any]], lease: Lease, inbox: Inbox, guard: Guard, loop: Lifeline
) -> threading.Event:
    """Begin to beat; setting the returned event ends it, and so does the loss of the lease.

    When the lease has run out, the `loop` waits for a silent server no longer.
    """
    stop = threading.Event()
    beat = _Beat(attach, lease, inbox, guard, loop, stop)
    guard.lease(lease.trusted_until - lease.duration.total_seconds() * MARGIN)
    threading.Thread(target=beat.run, name="heartbeat", daemon=True).start()
    threading.Thread(target=beat.watch, name="patience", daemon=True).start()
    return stop


class _Beat:
    def __init__(
        self,
        attach: Callable[[str], psycopg.Connection[Any]],
        lease: Lease,
        inbox: Inbox,
        guard: Guard,
        loop: Lifeline,
        stop: threading.Event,
    ) -> None:
        self._attach = attach
        self._lease = lease
        self._seconds = lease.duration.total_seconds()
        self._inbox = inbox
        self._guard = guard
        self._loop = loop
        self._own = Lifeline()
        self._stop = stop
        self._connection: psycopg.Connection[Any] | None = None
        self._trusted_until = lease.trusted_until

    def run(self) -> None:
        """Beat until told to stop. The wait varies by a fifth, so that workers do not march in step."""
        pause = self._seconds * SHARE
        while not self._stop.wait(pause):
            try:
                is_renewed = self._renew()
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop is told and the next beat tries again
                self._give_up(error)
                is_renewed = False
            finally:
                self._own.rest()
            pause = self._pause() if is_renewed else self._retry_seconds()
        self._own.close()
        if self._connection is not None:
            self._connection.close()

    def watch(self) -> None:
        """Once the lease has run out, break what waits for an answer that does not come.

        Seen twice in a row: whoever was frozen itself finds the lease over at once, and may still renew it.
        """
        is_over = False
        while not self._stop.wait(_LOOK_SECONDS):
            was_over, is_over = is_over, clock.boottime() >= self._trusted_until
            if was_over and is_over:
                self._own.cut(after=_SILENCE_SECONDS)
                self._loop.cut(after=_SILENCE_SECONDS)

    def _pause(self) -> float:
        if self._trusted_until - self._seconds * MARGIN <= clock.boottime():
            return 0.0  # the answer came too late to be of use; now that there are answers, the next one will not
        return self._seconds * SHARE * random.uniform(0.8, 1.2)

    def _renew(self) -> bool:
        asked = clock.boottime()  # before the request: a slow answer must not stretch the lease
        if self._connection is None or self._connection.closed:
            self._connection = self._attach("heartbeat")
            self._own.hold(self._connection)
            self._connection.execute("SET statement_timeout = '3s'")
            self._connection.execute("SET lock_timeout = '500ms'")  # others can wait, our own renewal cannot
        self._own.hold(self._connection)
        lease = self._lease
        if not workers.renew(self._connection, lease.worker_id, lease.identity, lease.duration):
            self._stop.set()
            self._inbox.post(LeaseLost(lease.worker_id))
            return True
        self._trusted_until = asked + self._seconds
        self._guard.lease(self._trusted_until - self._seconds * MARGIN)
        self._inbox.post(Beaten(lease.worker_id))
        self._expire_others(self._connection)
        return True

    def _expire_others(self, connection: psycopg.Connection[Any]) -> None:
        """Every worker tidies up after those that died here, or whose lease ran out wherever they were."""
        try:
            if recovery.recover(connection, self._lease.identity, "lease"):
                self._inbox.post(Woken())
        except psycopg.Error as error:  # our own lease is renewed all the same; the next beat looks again
            logger.info("others were not looked after: %s", error)
            connection.close()

    def _retry_seconds(self) -> float:
        return min(_RETRY_SECONDS, self._seconds * SHARE)

    def _give_up(self, error: Exception) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        left = timedelta(seconds=self._trusted_until - clock.boottime())
        logger.info("the lease could not be renewed: %s", error)
        self._inbox.post(BeatFailed(self._lease.worker_id, left, str(error)))
