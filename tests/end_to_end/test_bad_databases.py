"""Databases that cannot be used: one coded line, the next step, exit code 4, and never a password."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests import make, relay

SECRET = "hunter2-hunter2"


def refused(answer, code, *words):
    assert answer.code == 4, answer.said
    assert f"[{code}]" in answer.err
    assert "hint:" in answer.err
    for word in words:
        assert word in answer.err, (word, answer.err)
    assert answer.out == ""
    assert SECRET not in answer.said
    assert len(answer.err.strip().split("\n")) <= 3, answer.err


@pytest.fixture
def listed(desk):
    desk.write(make.document(make.task()))
    return desk


@pytest.fixture
def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it meanwhile
        yield bound.getsockname()[1]


@pytest.mark.parametrize("words", [("run",), ("status",), ("done", "X"), ("db", "status")])
def test_a_server_that_is_not_there(listed, closed_port, words):
    url = f"postgresql://ann:{SECRET}@127.0.0.1:{closed_port}/work"
    answer = listed.do(*words, env={"DATABASE_URL": url})
    refused(answer, "DB_UNREACHABLE", f"127.0.0.1:{closed_port}/work", "DATABASE_URL")
    assert "[ ]" in listed.read()


def test_a_host_that_is_not_there(listed):
    refused(
        listed.do("run", env={"DATABASE_URL": f"postgresql://ann:{SECRET}@no-such-host.invalid/work"}), "DB_UNREACHABLE"
    )


def test_a_database_that_does_not_exist(listed, server):
    url = make_conninfo(server, dbname="nowhere", password=SECRET)
    refused(listed.do("run", env={"DATABASE_URL": url}), "DB_MISSING", "nowhere", "createdb")


def test_a_user_that_does_not_exist(listed, server):
    refused(
        listed.do("run", env={"DATABASE_URL": make_conninfo(server, user="mallory", dbname="x", password=SECRET)}),
        "DB_AUTH",
    )


def test_a_wrong_password(listed, locked_server):
    refused(
        listed.do("run", env={"DATABASE_URL": make_conninfo(locked_server, password=SECRET)}), "DB_AUTH", "password"
    )
    answer = listed.do("run", env={"DATABASE_URL": locked_server, "PGPASSFILE": "/dev/null"})
    refused(answer, "DB_AUTH")


@pytest.fixture
def locked_server(server):
    """The server as a user meets it who must give a password."""
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        hba = connection.execute("SHOW hba_file").fetchone()[0]
        before = Path(hba).read_text()
        connection.execute("DROP ROLE IF EXISTS locked")
        connection.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
        Path(hba).write_text("local all locked scram-sha-256\n" + before)
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield make_conninfo(server, user="locked", dbname="postgres")
        finally:
            Path(hba).write_text(before)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP ROLE locked")


def test_a_user_who_is_not_let_in(listed, locked_server):
    hba = Path(listed.value("SHOW hba_file"))
    hba.write_text(hba.read_text().replace("local all locked scram-sha-256", "local all locked reject"))
    listed.value("SELECT pg_reload_conf()")
    refused(listed.do("run", env={"DATABASE_URL": locked_server}), "DB_AUTH", "pg_hba.conf")


def test_a_server_without_a_free_connection(desk, database):
    desk.write(make.document(make.task()))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS crowd")
        connection.execute("CREATE ROLE crowd LOGIN CONNECTION LIMIT 0")
        url = make_conninfo(database, user="crowd")
        refused(desk.do("run", env={"DATABASE_URL": url}), "DB_CONNECTIONS", "too many connections", "max_connections")
        name = conninfo_to_dict(database)["dbname"]
        connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        connection.execute("ALTER ROLE crowd CONNECTION LIMIT -1")
        refused(desk.do("status", env={"DATABASE_URL": url}), "DB_CONNECTIONS")
        connection.execute("DROP ROLE crowd")


UNCLEAR = [
    f"postgresql://ann:{SECRET}@host:port/work",
    f"postgresql://ann:{SECRET}@[::1/work",
    f"postgresql://ann:p@{SECRET}@host/work",
    f"mysql://ann:{SECRET}@host/work",
    f"host=localhost pasword={SECRET}",
    f"postgresql://ann:{SECRET}@host/work?sslmod=on",
    f"ann:{SECRET}@host",
    f"postgresql://ann:{SECRET}@host:99999/work",
    f"postgresql://ann:{SECRET}%zz@host/work",
]


def test_a_url_that_cannot_be_understood(listed):
    for answer in listed.do_all(*(("run", "--database-url", url) for url in UNCLEAR)):
        refused(answer, "DB_URL", "postgresql://user:password@host:5432/database")
    refused(listed.do("status", env={"DATABASE_URL": UNCLEAR[0]}), "DB_URL")


def test_a_server_that_is_too_old(listed):
    with relay.reporting(listed.database, "server_version", "14.12") as url:
        refused(listed.do("run", env={"DATABASE_URL": url}), "DB_URL_VERSION", "PostgreSQL 14", "15 is the oldest")
    assert listed.value("SELECT count(*) FROM executor.executor_state") == 0


def test_the_relay_itself_changes_nothing_else(listed):
    with relay.reporting(listed.database, "server_version", "15.1") as url:
        assert listed.do("run", env={"DATABASE_URL": url}).code == 0


def test_a_standby_cannot_be_written(listed):
    with relay.reporting(listed.database, "in_hot_standby", "on") as url:
        refused(listed.do("run", env={"DATABASE_URL": url}), "DB_READONLY", "standby")


def test_a_database_that_is_read_only(lone_desk):
    lone_desk.write(make.document(make.task()))
    name = conninfo_to_dict(lone_desk.database)["dbname"]
    lone_desk.change(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    refused(lone_desk.do("run"), "DB_READONLY")


def test_a_user_who_may_not_make_our_schema(desk, database):
    desk.write(make.document(make.task()))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
    refused(desk.do("run", env={"DATABASE_URL": make_conninfo(database, user="guest")}), "DB_SCHEMA", "GRANT CREATE")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP ROLE guest")


def test_a_schema_from_a_newer_program_is_read_and_not_changed(lone_desk):
    lone_desk.write(make.document(make.task(id="T1")))
    lone_desk.do("run")
    lone_desk.change(
        "INSERT INTO executor.migration SELECT (jsonb_populate_record(migration, '{\"version\": 9999}')).* "
        "FROM executor.migration WHERE set_name = 'executor' ORDER BY version DESC LIMIT 1"
    )
    lone_desk.change("UPDATE executor.migration SET tool = 'executor 7.0.0' WHERE version = 9999")
    refused(lone_desk.do("run"), "DB_SCHEMA", "9999", "install executor 7.0.0")
    refused(lone_desk.do("skip", "T1"), "DB_SCHEMA")
    for words in (("status",), ("list",), ("events",), ("workers",), ("db", "backup", "a.backup")):
        answer = lone_desk.do(*words)
        assert answer.code == 0, answer.said


def test_something_else_than_a_server(listed):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            with suppress(OSError):  # the end of the listener
                while True:
                    listener.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        url = f"postgresql://ann:{SECRET}@127.0.0.1:{listener.getsockname()[1]}/work"
        refused(listed.do("status", env={"DATABASE_URL": url}), "DB_UNREACHABLE")


@pytest.mark.parametrize(
    ("name", "value"),
    [("EXECUTOR_LEASE", "soon"), ("EXECUTOR_LEASE", "0"), ("EXECUTOR_LEASE", "nan"), ("EXECUTOR_LOG", "loudly")],
)
def test_a_setting_of_the_environment_that_makes_no_sense(listed, name, value):
    answer = listed.do("run", env={name: value})
    assert answer.code == 2
    assert f"{name} is '{value}'" in answer.err
    assert "hint:" in answer.err


def test_what_is_ours_to_start_and_what_is_not(listed):
    for word in ("start", "stop", "url"):
        answer = listed.do("db", word)
        assert answer.code == 2
        assert SECRET not in answer.said
    assert listed.do("db", "status").code == 0


def test_doctor_tells_of_a_database_it_cannot_reach(listed, closed_port):
    answer = listed.do("doctor", env={"DATABASE_URL": f"postgresql://ann:{SECRET}@127.0.0.1:{closed_port}/work"})
    assert answer.code == 1
    assert "WRONG" in answer.out
    assert SECRET not in answer.said
