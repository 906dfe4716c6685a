"""A connection that another thread may break: a server that stands still keeps it, and gives no answer."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any

import psycopg

from executor import clock
from executor.log import logger


class Lifeline:
    """Who waits on a connection holds it here, by a descriptor of its own: no other connection is ever cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._socket: socket.socket | None = None
        self._since: float | None = None

    def hold(self, connection: psycopg.Connection[Any]) -> None:
        """From now on an answer is waited for; without end where the system has no descriptor for us."""
        with self._lock:
            if connection is not self._connection:
                self._forget()
                try:
                    self._socket = _second(connection.fileno())
                    self._connection = connection
                except OSError as error:  # tried again when it is held next
                    logger.info("a connection that nobody can break: %s", error)
            self._since = clock.monotonic()

    def rest(self) -> None:
        """It came, or the connection broke."""
        with self._lock:
            self._since = None
            if self._connection is not None and self._connection.closed:
                self._forget()

    def cut(self, *, after: float = 0.0) -> None:
        """Break the connection if it was waited on for so many seconds; the wait ends as if the server had gone."""
        with self._lock:
            if self._socket is not None and self._since is not None and clock.monotonic() - self._since >= after:
                with suppress(OSError):  # it is broken already
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._since = None
            self._forget()

    def _forget(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._connection = None


def _second(descriptor: int) -> socket.socket:
    """Another descriptor of the same socket."""
    another = os.dup(descriptor)
    try:
        return socket.socket(fileno=another)
    except OSError:
        os.close(another)
        raise
