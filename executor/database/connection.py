"""Connections to the database of this process: embedded and started on demand, or a server named by the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from executor.errors import DatabaseError
from executor.settings import Settings

if TYPE_CHECKING:
    from psycopg import Connection

    from executor.database.embedded import Address, Server

VERSION_MIN = 150000
_PORT_MAX = 65535
# A peer that vanished without a word (a pulled cable, a killed machine) is noticed in seconds, not hours.
_KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}


class Database:
    """Where this process keeps its queue. Closing it lets the embedded server stop when nobody else uses it."""

    def __init__(self, settings: Settings, *, notice: Callable[[str], None] = lambda _: None) -> None:
        self._settings = settings
        self._notice = notice
        self._server: Server | None = None
        self._address: Address | None = None

    @property
    def embedded(self) -> bool:
        """Is it the embedded server?"""
        return self._settings.database_url is None

    @property
    def is_unmade(self) -> bool:
        """Is it the embedded server, and nothing was ever kept in it?"""
        return self.embedded and self.server().status().state.value == "absent"

    @property
    def is_up(self) -> bool:
        """Does the embedded server run? Starts nothing."""
        return self.server().status().state.value == "running"

    def server(self) -> Server:
        """The supervisor of the embedded server."""
        if self._server is None:
            from executor.database import embedded

            self._server = embedded.Server(embedded.home_from_environment(self._settings.environ), notice=self._notice)
        return self._server

    def connect(self, purpose: str) -> Connection[Any]:
        """A connection with our schema up to date. Starts the embedded server where that is to be used."""
        from executor.database import schema

        if self.embedded:
            self._address = self.server().acquire()
        connection = self.attach(purpose)
        try:
            self.check(connection)
            from executor.database import relocation, translate

            with translate.errors(self.where()):
                relocation.refuse(connection, self.where())
                schema.ensure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def visit(self, purpose: str) -> Connection[Any]:
        """A connection to a server that is up, to read what is there: its schema is let alone."""
        if self.embedded:
            self._address = self.server().acquire()
        return self.attach(purpose)

    def attach(self, purpose: str) -> Connection[Any]:
        """Another connection to the server that `connect` found: it starts nothing and checks nothing."""
        import psycopg
        from psycopg.conninfo import make_conninfo

        from executor.database import translate

        with translate.errors(self.where()):
            return psycopg.connect(
                make_conninfo(self.conninfo(), **_KEEPALIVE, application_name=f"executor {purpose}"), autocommit=True
            )

    def conninfo(self) -> str:
        """What libpq is given. Holds the password: never print it."""
        if self._address is not None:
            return self._address.conninfo()
        return self._settings.database_url or ""

    def where(self) -> str:
        """The server's name for people, without user or password."""
        if self.embedded:
            return "the embedded server"
        import psycopg.conninfo

        try:
            parts = psycopg.conninfo.conninfo_to_dict(self.conninfo())
        except psycopg.Error as error:
            raise _unclear_url() from error
        if not _is_plausible(parts):
            raise _unclear_url()
        host = parts.get("host") or self._settings.environ.get("PGHOST") or "localhost"
        port = parts.get("port") or self._settings.environ.get("PGPORT") or "5432"
        name = parts.get("dbname") or self._settings.environ.get("PGDATABASE") or ""
        return f"{host}:{port}/{name}"

    def close(self) -> None:
        """Let go of the server; the embedded one stops with its last user."""
        if self._server is not None:
            self._server.release()
            self._server = None

    def check(self, connection: Connection[Any]) -> None:
        """Raise DatabaseError for a server that is too old, or cannot be written."""
        version = connection.info.server_version
        if version < VERSION_MIN:
            raise DatabaseError(
                f"the server at {self.where()} is PostgreSQL {version // 10000}; 15 is the oldest supported",
                hint="name a newer server in DATABASE_URL, or unset it to use the embedded one",
                code="DB_URL_VERSION",
            )
        if connection.info.parameter_status("in_hot_standby") == "on":
            raise DatabaseError(
                f"the server at {self.where()} is a hot standby, which cannot be written",
                hint="name the primary server in DATABASE_URL",
                code="DB_READONLY",
            )


def _is_plausible(parts: Mapping[str, Any]) -> bool:
    """Is every port a number, and no host the end of a password that holds an unescaped @? libpq does not look."""
    ports = str(parts.get("port") or "").split(",")
    return "@" not in str(parts.get("host") or "") and all(
        not port or (port.isdecimal() and 0 < int(port) <= _PORT_MAX) for port in ports
    )


def _unclear_url() -> DatabaseError:
    return DatabaseError(
        "DATABASE_URL cannot be understood",
        hint="write it as postgresql://user:password@host:5432/database, with %40 for an @ in the password",
        code="DB_URL",
    )
