"""Connections to the database of this process: embedded and started on demand, or a server named by the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from executor.errors import DatabaseError
from executor.settings import Settings
from sql import queries

if TYPE_CHECKING:
    from psycopg import Connection

    from executor.database.embedded import Address, Server

HEALTH = queries.load("health")
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
        self._is_pooled = False

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

    def connect(self, purpose: str, *, reads: bool = False) -> Connection[Any]:
        """A connection with our schema up to date. Starts the embedded server where that is to be used.

        `reads`: nothing will be changed, so the schema of a newer version will do.
        """
        from executor.database import schema

        if self.embedded:
            self._address = self.server().acquire()
        connection = self.attach(purpose)
        try:
            self.check(connection)
            self._notice_pooler(connection)
            from executor.database import relocation, translate

            with translate.errors(self.where()):
                relocation.refuse(connection, self.where())
                schema.ensure(connection, reads=reads)
            _speak_plainly(connection)  # applying files puts back what the role has set
        except BaseException:  # Ctrl-C too: nobody else knows of this connection
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

        words: dict[str, str | int] = {
            **_KEEPALIVE,
            "application_name": f"executor {purpose}",
            "client_encoding": "UTF8",
        }
        with translate.errors(self.where()):
            opened = psycopg.connect(make_conninfo(self.conninfo(), **words), autocommit=True)
            if self._is_pooled:
                opened.prepare_threshold = None
            _speak_plainly(opened)
            return opened

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
        return f"{_hosts(str(host), str(port))}/{name}"

    def close(self) -> None:
        """Let go of the server; the embedded one stops with its last user."""
        if self._server is not None:
            self._server.release()
            self._server = None

    def _notice_pooler(self, connection: Connection[Any]) -> None:
        """Does a pooler lend us sessions, in which what was prepared before is not to be found? Its numbers differ."""
        if self.embedded:
            return
        from executor.database import translate

        with translate.errors(self.where()):
            row = connection.execute(HEALTH.session, prepare=False).fetchone()
        self._is_pooled = row is not None and row[0] != connection.info.backend_pid
        if self._is_pooled:
            connection.prepare_threshold = None

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


def _speak_plainly(connection: Connection[Any]) -> None:
    """Have moments and durations told as the driver reads them, whatever the role or the database has set.

    The server tells every client how it stands, so this asks nothing where all is as usual; and poolers keep it.
    """
    for name, usual, prefix in (("DateStyle", "ISO, YMD", "ISO"), ("IntervalStyle", "postgres", "postgres")):
        said = connection.info.parameter_status(name)
        if said is not None and (not said.startswith(prefix) or said == "postgres_verbose"):
            connection.execute(HEALTH.set, {"name": name, "value": usual}, prepare=False)


def _is_plausible(parts: Mapping[str, Any]) -> bool:
    """Is every port a number, and no host the end of a password that holds an unescaped @? libpq does not look."""
    ports = str(parts.get("port") or "").split(",")
    return "@" not in str(parts.get("host") or "") and all(
        not port or (port.isdecimal() and 0 < int(port) <= _PORT_MAX) for port in ports
    )


def _hosts(host: str, port: str) -> str:
    """Each host with its port: libpq takes several, and one port for all of them."""
    hosts, ports = host.split(","), port.split(",")
    if len(ports) != len(hosts):
        ports *= len(hosts)
    return ",".join(f"{one}:{number}" for one, number in zip(hosts, ports, strict=False))


def _unclear_url() -> DatabaseError:
    return DatabaseError(
        "DATABASE_URL cannot be understood",
        hint="write it as postgresql://user:password@host:5432/database, with %40 for an @ in the password",
        code="DB_URL",
    )
