"""Servers that are cut off, too old, read-only, or behind a pooler. Numbers are those of the cases."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import sql
from sql.errors import DatabaseRefused, StatementFailed
from tests import conftest
from tests.pooler import pooling
from tests.relay import reporting
from tests.standby import APPLIED, pair


@contextmanager
def cluster() -> Iterator[Path]:
    """An empty folder that PostgreSQL may write in, whoever we are."""
    with tempfile.TemporaryDirectory(prefix="executor-tests-", ignore_cleanup_errors=True) as home:
        account = conftest._account()
        if account:
            conftest.shutil.chown(home, account["user"], account["group"])
        yield Path(home)


def start(home: Path, data: Path, port: int, *more: str) -> subprocess.Popen[bytes]:
    settings = (f"unix_socket_directories={home}", f"port={port}", "listen_addresses=", "hot_standby=on", *more)
    options = [word for setting in settings for word in ("-c", setting)]
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(
            [conftest._binaries() / "postgres", "-D", data, *options], stderr=log, cwd=home, **conftest._account()
        )
    conftest._await(f"host={home} port={port} user=postgres", process, home / "log")
    return process


def made(home: Path, program: str, *words: object) -> None:
    command = [conftest._binaries() / program, *words]
    subprocess.run(command, check=True, capture_output=True, cwd=home, **conftest._account())


def test_8_after_the_power_failed_the_next_run_finishes_what_was_begun(project):
    for number in range(1, 6):
        project.write(f"{number:04d}_x", f"CREATE TABLE t{number} (a int); INSERT INTO t{number} VALUES ({number});")
    project.write("0006_slow", "CREATE TABLE slow (a int); SELECT pg_sleep(60);")
    with cluster() as home:
        data, port = home / "data", conftest.free_port()
        made(home, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C")
        server = start(home, data, port)
        conninfo = f"host={home} port={port} user=postgres dbname=postgres"
        program = (
            "import psycopg, sql, sys; from pathlib import Path\n"
            "sql.up(psycopg.connect(sys.argv[1], autocommit=True), Path(sys.argv[2]))"
        )
        runner = subprocess.Popen(
            [sys.executable, "-c", program, conninfo, project.folder],
            cwd=Path(sql.__file__).parents[1],
            stderr=subprocess.PIPE,
        )
        with psycopg.connect(conninfo, autocommit=True) as watcher:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'executor migrate 0006'"
            deadline = time.monotonic() + 30
            while watcher.execute(query).fetchone() == (0,):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        server.send_signal(signal.SIGQUIT)  # an immediate stop writes nothing down
        server.wait(timeout=30)
        _, errors = runner.communicate(timeout=30)
        assert b"the connection broke" in errors
        server = start(home, data, port)
        try:
            project.write("0006_slow", "CREATE TABLE slow (a int);")
            with psycopg.connect(conninfo, autocommit=True) as connection:
                again = [migration.version for migration in sql.up(connection, project.folder).migrations]
                assert again[-1] == 6  # what had not reached the disk comes before it, without a gap
                assert again == list(range(again[0], 7))
                assert connection.execute("SELECT a FROM t5").fetchone() == (5,)
                assert sql.verify(connection, project.folder).sound
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


def test_8_what_a_run_says_is_applied_is_on_disk_also_when_it_ended_in_an_error(project):
    for number in range(1, 6):
        project.write(f"{number:04d}_x", f"CREATE TABLE t{number} (a int); INSERT INTO t{number} VALUES ({number});")
    project.write("0006_bad", "SELECT nope;")
    with cluster() as home:
        data, port = home / "data", conftest.free_port()
        made(home, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--locale=C")
        lazy = ("wal_writer_delay=10s", "bgwriter_delay=10s", "autovacuum=off")  # nobody else writes to the disk
        server = start(home, data, port, *lazy)
        conninfo = f"host={home} port={port} user=postgres dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            with pytest.raises(StatementFailed) as caught:
                sql.up(connection, project.folder)
            assert caught.value.kept == 5
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=30)
        server = start(home, data, port)
        try:
            with psycopg.connect(conninfo, autocommit=True) as connection:
                assert sql.status(connection, project.folder).count() == {"applied": 5, "pending": 1}
                assert connection.execute("SELECT a FROM t5").fetchone() == (5,)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


def test_69_a_hot_standby_is_read_and_never_written(project):
    project.write("0001_a", "CREATE TABLE a ();")
    with cluster() as home, pair(home) as servers:
        with psycopg.connect(servers.primary.conninfo("work"), autocommit=True) as connection:
            connection.execute(APPLIED)
            sql.up(connection, project.folder)
        project.write("0002_b", "CREATE TABLE b ();")
        with psycopg.connect(servers.standby.conninfo("work"), autocommit=True) as connection:
            assert sql.status(connection, project.folder).count() == {"applied": 1, "pending": 1}
            with pytest.raises(DatabaseRefused, match="no writes here") as caught:
                sql.up(connection, project.folder)
            assert caught.value.hint == "connect to the primary server"


def test_70_a_server_that_is_too_old_is_refused_before_anything_is_asked_of_it(project):
    project.write("0001_a", "CREATE TABLE a ();")
    fact = "the server is PostgreSQL 13, and migrations need 14 or newer"
    with (
        reporting(project.database, "server_version", "13.4") as old,
        psycopg.connect(old, autocommit=True) as connection,
        pytest.raises(DatabaseRefused, match=fact),
    ):
        project.up(connection)
    assert project.ask("SELECT to_regnamespace('executor')") is None


def test_14_behind_a_pooler_files_are_applied_and_leave_no_lock(project):
    for number in range(1, 8):
        project.write(f"{number:04d}_x", f"CREATE TABLE t{number} (a int);\n-- migrate: down\nDROP TABLE t{number};")
    with pooling(project.database) as pooled, psycopg.connect(pooled, autocommit=True) as connection:
        connection.prepare_threshold = None
        assert project.up(connection).newest == 7
        assert sql.down(connection, project.folder).newest == 6
        assert sql.status(connection, project.folder).count() == {"applied": 6, "pending": 1}
    assert project.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_14_and_a_file_without_a_transaction_is_refused_with_the_reason(project):
    project.write("0001_a", "-- migrate: no-transaction\nVACUUM;")
    with pooling(project.database) as pooled, psycopg.connect(pooled, autocommit=True) as connection:
        with pytest.raises(DatabaseRefused, match="through a pooler") as caught:
            project.up(connection)
        assert "connect to the server itself" in caught.value.hint
    assert project.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    assert project.up().newest == 1
