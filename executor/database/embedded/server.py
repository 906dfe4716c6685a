"""The embedded server as one process sees it: start or join, leave, keep, stop.

    acquire: lock -> share `users` -> running? -> no: place, account, programs, initdb, start -> unlock -> probe
    release: lock -> own `users`? nobody else is there -> stop -> unlock

Two lock files carry the whole protocol. `lock` is held while the server is being started or stopped; `users` is shared
by every process that uses it. Both die with their process, however it dies.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field

from executor.database.embedded import failures, placing, postmaster, probe, roles
from executor.database.embedded import status as reading
from executor.database.embedded.address import Address
from executor.database.embedded.flock import Flock
from executor.database.embedded.home import Home
from executor.database.embedded.ports import LOOPBACK
from executor.database.embedded.postmaster import PidFile, StopLadder
from executor.database.embedded.probe import Meaning
from executor.database.embedded.status import ServerStatus
from executor.errors import DatabaseError

POLL = 0.02


class Limits(Struct, frozen=True):
    """How long things may take, in seconds, and how much room a new database needs, in megabytes."""

    lock_wait: float = 120.0
    start_wait: float = 120.0
    leave_wait: float = 5.0
    answer_wait: int = 5
    free_min: int = 200
    stop: StopLadder = field(default_factory=StopLadder)


class StopResult(StrEnum):
    STOPPED = "stopped"
    NOT_RUNNING = "not running"
    IN_USE = "in use"  # it stops when its last user leaves


def _say_nothing(_message: str) -> None:
    """For callers that have nobody to tell."""


def _may_still_come_up(error: BaseException) -> bool:
    """A server that recovers for longer than we wait must be let alone, or it would never get to the end."""
    return isinstance(error, DatabaseError) and error.code == "DB_TIMEOUT"


class Server:
    """One per process. Its methods may be called from any thread, one at a time."""

    def __init__(
        self, home: Home, *, notice: Callable[[str], None] = _say_nothing, limits: Limits | None = None
    ) -> None:
        self._home = home
        self._notice = notice
        self._limits = limits or Limits()
        self._lock = Flock(home.lock)
        self._users = Flock(home.users)
        self._turn = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None  # a killed child stays a zombie unless somebody asks for it

    def acquire(self) -> Address:
        """Start the server or join it; it will not stop before `release` or the end of this process.

        Call it again whenever the server is gone: it starts anew. DatabaseError when there can be no server.
        """
        with self._in_turn():
            placing.make_home(self._home)
            try:
                address = self._join()
                placing.hand_back(self._home)
            except BaseException as error:
                self._leave(may_stop=not _may_still_come_up(error))
                raise
            return address

    def release(self) -> None:
        """Leave; the last one out stops the server, unless it is kept."""
        with self._in_turn():
            self._leave(may_stop=True)

    def keep(self) -> Address:
        """Start it and let it run without users, until `stop`."""
        with self._in_turn():
            was_user = self._users.is_held
            address = self.acquire()
            self._home.kept.touch(mode=0o600)
            placing.hand_back(self._home)
            if not was_user:
                self._users.release()
            return address

    def stop(self, *, force: bool = False) -> StopResult:
        """Stop it when nobody else uses it, or in any case with `force`: everybody's connections then break."""
        with self._in_turn():
            if not self._home.pg.is_dir():
                return StopResult.NOT_RUNNING
            with self._locked():
                self._home.kept.unlink(missing_ok=True)
                was_user = self._users.is_held
                alone = self._users.own(wait=0)
                self._users.release()
                if not alone and not force:
                    if was_user:
                        self._users.share(wait=self._limits.leave_wait)  # the attempt to own it gave our share up
                    return StopResult.IN_USE
                return StopResult.STOPPED if self._stop() else StopResult.NOT_RUNNING

    def take_over(self, made: Path) -> Path:
        """Stop the server, whoever uses it, and give a cluster that lies stopped on this disk the place of a new one.

        The rename is the one moment at which the newer cluster counts; the older stays where it is.
        """
        with self._in_turn(), self._locked():
            self._stop()
            place = self._home.place().folder / made.name
            made.rename(place)
            return place

    def status(self) -> ServerStatus:
        """What there is, without starting or changing anything."""
        with self._in_turn():
            return reading.read(self._home)

    def _leave(self, *, may_stop: bool) -> None:
        if not self._users.is_held:
            return
        try:
            # Whoever holds the lock for longer is starting the server, and will be its last user himself.
            if not may_stop or not self._lock.own(wait=self._limits.leave_wait):
                return
            if not self._home.kept.exists() and self._users.own(wait=0):
                self._stop()
        finally:
            self._users.release()
            self._lock.release()

    def _join(self) -> Address:
        until = time.monotonic() + self._limits.start_wait
        answer = probe.Answer(Meaning.NOT_NOW)
        while time.monotonic() < until:
            with self._locked():
                if not self._users.share(wait=self._limits.leave_wait):
                    raise self._locked_out()
                running = self._ensure_running()
            # The share keeps the server up, so that nobody has to wait for our import of psycopg and our connection.
            address = self._address(running)
            answer = probe.ask(address, wait=self._limits.answer_wait)
            if answer.meaning is Meaning.UNREACHABLE and address.host != address.tcp_host and running.listen:
                address = self._address(running, through_tcp=True)
                answer = probe.ask(address, wait=self._limits.answer_wait)
            if answer.meaning is Meaning.UNKNOWN:
                answer = self._introduce(running, address)
            if answer.meaning is Meaning.WELCOME:
                return address
            time.sleep(POLL)
        raise self._timeout(answer.said)

    def _ensure_running(self) -> PidFile:
        """The pid file of a ready server; under the lock."""
        data = self._home.place().newest()
        found = postmaster.read(data) if data else None
        if data and found and found.is_ready and postmaster.is_ours(found.pid, data):
            return found
        self._reap()
        until = time.monotonic() + self._limits.start_wait
        while time.monotonic() < until:
            if data and (ready := self._await_other(data, until)):
                return ready
            data = self._start()
        raise self._timeout("it ended as soon as it was ready")

    def _start(self) -> Path:
        from executor.database.embedded import starting  # heavy, and most commands find a server running

        limits = self._limits
        started = starting.start(self._home, wait=limits.start_wait, free_min=limits.free_min, notice=self._notice)
        self._child = started.child
        return started.data

    def _await_other(self, data: Path, until: float) -> PidFile | None:
        """A server that somebody else has started becomes ready, or goes away."""
        while (found := postmaster.read(data)) and postmaster.is_ours(found.pid, data):
            if found.is_ready:
                return found
            if time.monotonic() >= until:
                raise self._timeout(f"pid {found.pid} is {found.status or 'starting'}")
            time.sleep(POLL)
        return None

    def _stop(self) -> bool:
        """Whether there was a server to stop; under the lock."""
        data = self._home.place().newest()
        found = postmaster.read(data) if data else None
        if data is None or found is None or not postmaster.is_ours(found.pid, data):
            return False
        if not postmaster.stop(found.pid, data, self._limits.stop, self._reap):
            raise DatabaseError(
                f"PostgreSQL (pid {found.pid}) in {data} survived SIGKILL",
                hint="its disk may hang; set EXECUTOR_HOME elsewhere, or DATABASE_URL to an existing PostgreSQL",
                code="DB_TIMEOUT",
            )
        self._reap()
        placing.remove_socket_folder(self._home.place(), Path(found.socket_folder))
        return True

    def _introduce(self, running: PidFile, address: Address) -> probe.Answer:
        """Make the roles that a kill right after initdb left unmade; then only a wrong password can be in the way."""
        admin = self._address(running, through_tcp=address.host == address.tcp_host, of_admin=True)
        with self._locked():
            said = probe.ask(admin, wait=self._limits.answer_wait)
            if said.meaning is Meaning.WELCOME:
                said = self._make_roles(admin, address)
        if said.meaning is Meaning.UNKNOWN:
            raise DatabaseError(
                f"the passwords in {self._home.pg} are not those of the database: {said.said}",
                hint=f"put {self._home.password.name} and {self._home.admin_password.name} back from a backup, "
                "or set EXECUTOR_HOME to another directory to begin with an empty database",
                code="DB_AUTH",
            )
        return said

    def _make_roles(self, admin: Address, address: Address) -> probe.Answer:
        import psycopg

        try:
            roles.ensure(admin, address.password)
        except psycopg.OperationalError as error:
            return probe.Answer(Meaning.NOT_NOW, str(error))  # the server went away meanwhile
        return probe.ask(address, wait=self._limits.answer_wait)

    def _address(self, running: PidFile, *, through_tcp: bool = False, of_admin: bool = False) -> Address:
        file = self._home.admin_password if of_admin else self._home.password
        try:
            password = file.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError) as error:
            raise DatabaseError(
                f"{file} is missing or damaged, and the database cannot be opened without it",
                hint="put it back from a backup, or set EXECUTOR_HOME to another directory to begin anew",
                code="DB_AUTH",
            ) from error
        socket_file = Path(running.socket_folder) / f".s.PGSQL.{running.port}"
        use_tcp = bool(running.listen) and (through_tcp or not socket_file.exists())
        tcp_host = running.listen or LOOPBACK
        return Address(
            host=tcp_host if use_tcp else running.socket_folder,
            port=running.port,
            user=roles.ADMIN if of_admin else roles.ROLE,
            password=password,
            dbname="postgres" if of_admin else roles.DATABASE,
            tcp_host=tcp_host,
        )

    def _reap(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        def tell() -> None:
            self._notice("waiting for another process that is starting or stopping the database ...")

        if not self._lock.own(wait=self._limits.lock_wait, on_wait=tell):
            raise self._locked_out()
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        with self._turn:
            try:
                yield
            except OSError as error:
                raise failures.from_os_error(error, self._home.pg) from error

    def _locked_out(self) -> DatabaseError:
        return DatabaseError(
            f"another process has held {self._home.lock} for {self._limits.lock_wait:.0f} s",
            hint="end the executor process that hangs (fuser shows it), or set EXECUTOR_HOME to another directory",
            code="DB_LOCKED",
        )

    def _timeout(self, said: str) -> DatabaseError:
        return DatabaseError(
            f"PostgreSQL did not answer for {self._limits.start_wait:.0f} s: {said}",
            hint=f"wait, if it recovers, or executor db stop --force; its log is {self._home.log} (EXECUTOR_HOME)",
            code="DB_TIMEOUT",
        )
