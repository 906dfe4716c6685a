"""Answers to probes over HTTP, beside the work of a worker: whatever happens here, that goes on.

GET /healthz: what `db status --json` says; 200 when a command could work now, else 503
GET /livez:   whether the worker's loop still turns, without a look at the database; 200 or 503

Each request has a thread, and a look at the database one of its own that all who ask meanwhile wait for. So a database
that hangs costs one connection, however many ask, and who asked is told after a while that it hangs.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from msgspec import Struct

from executor import clock
from executor.database.connection import Database
from executor.errors import DatabaseError, UsageError
from executor.operations import health
from executor.settings import Settings

_FRESH_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_CLIENT_SECONDS = 5.0
_CLIENTS_MAX = 32
_POLL_SECONDS = 0.2
_LOOPBACK = "127.0.0.1"
_PORT_MAX = 65535
_HINT = "name a free one, for example --health 127.0.0.1:8080"


class Told(Struct, frozen=True):
    """An answer: whether all is well, and the facts."""

    well: bool
    facts: dict[str, object]


Ask = Callable[[], Told]


@contextmanager
def answering(typed: str, settings: Settings, alive: Ask) -> Iterator[str]:
    """Answer at HOST:PORT, or at this PORT of this machine alone, while the block lasts; the URL.

    Raises UsageError where nobody can listen there.
    """
    host, port = _address(typed)
    looks = _Looks(lambda: _look(settings))
    try:
        server = _Server(host, port, {"/healthz": looks.newest, "/livez": alive})
    except OSError as error:
        raise UsageError(f"cannot listen on {typed}: {error.strerror or error}", hint=_HINT) from error
    serving = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="probes", daemon=True)
    serving.start()
    name = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{name}:{server.server_address[1]}/healthz"
    finally:
        server.shutdown()
        server.server_close()


def _address(typed: str) -> tuple[str, int]:
    host, _, port = typed.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) <= _PORT_MAX):
        raise UsageError(f"--health is '{typed}', which is neither HOST:PORT nor a port", hint=_HINT)
    return host.removeprefix("[").removesuffix("]") or _LOOPBACK, int(port)


def _look(settings: Settings) -> Told:
    """With a connection of its own, as a command of its own would have."""
    with closing(Database(settings)) as database:
        found = health.read(database)
        return Told(found.ready, health.told(database, found))


class _Looks:
    """One look at a time, and none sooner than a second after the last began."""

    def __init__(self, look: Ask) -> None:
        self._look = look
        self._turn = threading.Lock()
        self._newest: Future[Told] | None = None
        self._began = 0.0

    def newest(self) -> Told:
        with self._turn:
            newest = self._newest
            if newest is None or (newest.done() and clock.monotonic() - self._began > _FRESH_SECONDS):
                newest = self._newest = Future()
                self._began = clock.monotonic()
                threading.Thread(target=self._fulfil, args=(newest,), name="look", daemon=True).start()
        try:
            return newest.result(_LOOK_SECONDS)
        except TimeoutError:
            hangs = DatabaseError(
                f"the database has not answered for {clock.monotonic() - self._began:.0f} s",
                hint="see `executor doctor`",
                code="DB_TIMEOUT",
            )
            return Told(well=False, facts=health.verdict(health.Health(reachable=False, ready=False, wrong=hangs)))

    def _fulfil(self, look: Future[Told]) -> None:
        try:
            look.set_result(self._look())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of whoever asked
            look.set_exception(error)


class _Server(ThreadingMixIn, TCPServer):
    """Accepts no more clients at a time than there is room for: each costs the worker a thread and a descriptor."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = _CLIENTS_MAX

    def __init__(self, host: str, port: int, pages: dict[str, Ask]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.pages = pages
        self._room = threading.BoundedSemaphore(_CLIENTS_MAX)
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # who asked has left
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: _Server
    timeout = _CLIENT_SECONDS
    server_version = "executor"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, {"pages": list(self.server.pages)})
            return
        told = page()
        self._answer(HTTPStatus.OK if told.well else HTTPStatus.SERVICE_UNAVAILABLE, told.facts)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: HTTPStatus, value: object) -> None:
        content = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """A probe a second is not worth a line each."""
