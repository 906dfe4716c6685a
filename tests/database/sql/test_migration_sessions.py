"""Locks, settings, roles and rights: what surrounds a migration. Numbers are those of the list of cases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from sql import lock
from sql.errors import EXIT_DATABASE, DatabaseRefused, LockHeld, StatementFailed
from sql.notices import NoticeKind


@contextmanager
def role(project, name: str) -> Iterator[str]:
    """The conninfo of a role that may log in and nothing else."""
    project.connection.execute(f"CREATE ROLE {name} LOGIN")
    try:
        yield project.database.replace("user=postgres", f"user={name}")
    finally:
        project.connection.execute(f"DROP OWNED BY {name}")
        project.connection.execute(f"DROP ROLE {name}")


def test_13_a_runner_that_never_gets_its_turn_names_who_has_it(project):
    project.write("0001_a", "SELECT 1;")
    with psycopg.connect(project.database, application_name="other") as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock.key("set", "main")])
        with pytest.raises(LockHeld) as caught:
            project.up(lock_wait=timedelta(seconds=0.1))
        assert f"held by pid {other.info.backend_pid} (postgres@other, idle in transaction" in caught.value.message
    assert caught.value.exit_code == EXIT_DATABASE
    assert [notice.kind for notice in project.notices] == [NoticeKind.STARTED, NoticeKind.WAITING]
    assert project.up().newest == 1


def test_13_a_runner_waits_anew_for_each_file_that_another_one_applies(project):
    """The other goes from file to file without letting go for a moment; 1.6 s are longer than one wait may be."""
    for number in range(1, 5):
        project.write(f"{number:04d}_x", "SELECT pg_sleep(0.4);")
    first = project.start()
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'executor migrate 0001'"
    while not project.ask(query):
        assert first.poll() is None, first.communicate()
    assert project.up(lock_wait=timedelta(seconds=1)).newest == 4
    output, errors = first.communicate(timeout=20)
    assert (output.split(), errors) == (["1", "2", "3", "4"], "")


def test_16_two_sets_do_not_wait_for_each_other(project):
    project.write("0001_a", "SELECT 1;")
    with psycopg.connect(project.database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock.key("set", "another")])
        assert project.up(lock_wait=timedelta(0)).newest == 1


def test_55_an_empty_search_path_does_not_reach_the_ledger_or_the_next_file(project):
    project.write("0001_dump", "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.a ();")
    project.write("0002_next", "CREATE TABLE b ();")
    project.up()
    assert project.ask("SELECT to_regclass('public.b')::text") == "b"


@pytest.mark.parametrize("change", ["SET ROLE plain", "SET SESSION AUTHORIZATION plain", "SET LOCAL ROLE plain"])
def test_56_another_role_and_other_settings_end_with_the_file(project, change):
    with role(project, "plain"):
        project.connection.execute("SET work_mem = '1MB'")
        project.write("0001_a", f"SET work_mem = '9MB'; SET DateStyle = 'German'; {change};")
        project.write("0002_b", "CREATE TABLE b AS SELECT current_user AS who, current_setting('work_mem') AS memory;")
        project.up()
        who, memory = project.connection.execute("SELECT who, memory FROM b").fetchone()
        assert (who, memory != "9MB") == ("postgres", True)
        assert project.ask("SELECT session_user || current_setting('DateStyle')") == "postgresISO, MDY"


def test_57_discard_all_is_the_servers_to_refuse(project):
    project.write("0001_a", "DISCARD ALL;")
    with pytest.raises(StatementFailed) as caught:
        project.up()
    assert caught.value.sqlstate == "25001"


def test_57_forgetting_prepared_statements_disturbs_nothing(project):
    for number in range(1, 9):
        project.write(f"{number:04d}_x", "DEALLOCATE ALL;")
    assert project.up().newest == 8


def test_58_to_60_a_roles_settings_do_not_stop_its_migrations(project):
    project.write(
        "0001_a",
        "SELECT pg_sleep(0.2); CREATE TABLE t AS SELECT current_setting('transaction_isolation') AS level,"
        " current_setting('statement_timeout') AS timeout, current_setting('application_name') AS name;",
    )
    with role(project, "hurried") as conninfo:
        name = project.connection.info.dbname
        project.connection.execute(f"GRANT CREATE ON DATABASE {name} TO hurried; GRANT ALL ON SCHEMA public TO hurried")
        for setting in (
            "statement_timeout = '150ms'",
            "default_transaction_read_only = on",
            "idle_in_transaction_session_timeout = '1ms'",
            "default_transaction_isolation = 'serializable'",
        ):
            project.connection.execute(f"ALTER ROLE hurried SET {setting}")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            project.up(connection)
            assert connection.execute("SHOW statement_timeout").fetchone() == ("150ms",)
            assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert project.connection.execute("SELECT * FROM t").fetchone() == (
            "read committed",
            "0",
            "executor migrate 0001",
        )


def test_58_a_file_may_bound_its_own_statements(project):
    project.write("0001_a", "-- migrate: statement-timeout=50ms\nSELECT pg_sleep(10);")
    with pytest.raises(StatementFailed, match="57014"):
        project.up()


def test_61_a_lock_that_is_let_go_in_time_costs_a_retry(project):
    project.write("0001_a", "CREATE TABLE busy (a int);")
    project.up()
    project.write("0002_b", "-- migrate: lock-timeout=50ms retries=20\nALTER TABLE busy ADD b int;")
    retrying = threading.Event()
    with psycopg.connect(project.database, application_name="reader") as other:
        other.execute("SELECT * FROM busy")

        def listen(notice):
            project.notices.append(notice)
            if notice.kind is NoticeKind.RETRYING:
                other.rollback()
                retrying.set()

        assert project.up(report=listen).newest == 2
    assert retrying.is_set()
    assert [notice.kind for notice in project.notices][-2:] == [NoticeKind.RETRYING, NoticeKind.APPLIED]


def test_61_a_lock_that_is_kept_is_given_up_with_the_name_of_who_keeps_it(project):
    project.write("0001_a", 'CREATE TABLE "Busy one" (a int);')
    project.up()
    path = project.write("0002_b", '-- migrate: lock-timeout=50ms retries=1\nALTER TABLE "Busy one" ADD b int;')
    with psycopg.connect(project.database, application_name="reader") as other:
        other.execute('SELECT * FROM "Busy one"')
        with pytest.raises(LockHeld) as caught:
            project.up()
        first, second = caught.value.message.splitlines()
        pid = other.info.backend_pid
    assert first == f"{path}:2:1: canceling statement due to lock timeout [55P03], 2 tries with 0.05 s each"
    assert second.startswith(f"  lock held by pid {pid} (postgres@reader, idle in transaction, query began 20")
    assert second.endswith('SELECT * FROM "Busy one"')
    assert project.versions() == [1]


def test_62_a_deferred_constraint_is_told_with_its_file(project):
    project.write("0001_a", "CREATE TABLE a (id int PRIMARY KEY);")
    path = project.write(
        "0002_b",
        "CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1);",
    )
    with pytest.raises(StatementFailed) as caught:
        project.up()
    assert caught.value.sqlstate == "23503"
    assert caught.value.message.startswith(f"{path}: insert or update on table")
    assert project.versions() == [1]


def test_65_a_role_that_may_not_create_is_told_what_it_lacks(project):
    project.write("0001_a", "CREATE TABLE a ();")
    with role(project, "poor") as conninfo, psycopg.connect(conninfo, autocommit=True) as connection:
        with pytest.raises(DatabaseRefused, match="permission denied for database") as caught:
            project.up(connection)
        assert caught.value.exit_code == EXIT_DATABASE
        assert "GRANT CREATE" in caught.value.hint


def test_65_a_right_that_a_file_lacks_has_the_exit_code_of_permissions(project):
    project.write("0001_a", "SELECT 1;")
    project.up()
    project.write("0002_b", "CREATE TABLE executor.b ();")
    with role(project, "poor") as conninfo, psycopg.connect(conninfo, autocommit=True) as connection:
        project.connection.execute("GRANT USAGE ON SCHEMA executor TO poor; GRANT ALL ON executor.migration TO poor")
        with pytest.raises(StatementFailed) as caught:
            project.up(connection)
    assert (caught.value.sqlstate, caught.value.exit_code) == ("42501", EXIT_DATABASE)


def test_67_a_ledger_that_belongs_to_somebody_else_is_used_with_the_rights_given(project):
    project.write("0001_a", "SELECT 1;")
    project.up()
    project.write("0002_b", "SELECT 2;")
    with role(project, "guest") as conninfo, psycopg.connect(conninfo, autocommit=True) as connection:
        with pytest.raises(DatabaseRefused, match="permission denied for schema executor"):
            project.up(connection)
        project.connection.execute(
            "GRANT USAGE ON SCHEMA executor TO guest; GRANT SELECT ON executor.migration TO guest"
        )
        with pytest.raises(DatabaseRefused, match="permission denied for table migration"):
            project.up(connection)
        project.connection.execute("GRANT INSERT ON executor.migration TO guest")
        project.connection.execute("GRANT SELECT, INSERT, UPDATE ON executor.migration_schema TO guest")
        assert project.up(connection).newest == 2
    assert project.ask("SELECT applied_by FROM executor.migration WHERE version = 2") == "guest"


def test_67_a_schema_that_belongs_to_somebody_else_is_used_with_the_rights_given(project):
    project.write("0001_a", "SELECT 1;")
    project.connection.execute("CREATE SCHEMA executor")
    with role(project, "guest") as conninfo, psycopg.connect(conninfo, autocommit=True) as connection:
        project.connection.execute("GRANT ALL ON SCHEMA executor TO guest")
        assert project.up(connection).newest == 1


def test_a_database_without_an_encoding_is_brought_up_to_date_too(project, server):
    project.write("0001_a", "CREATE TABLE a AS SELECT 'é' AS letter;")
    project.connection.execute("CREATE DATABASE ascii_only ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        with psycopg.connect(f"{server} dbname=ascii_only", autocommit=True) as connection:
            assert project.up(connection).newest == 1
            assert project.up(connection).migrations == ()
            assert connection.execute("SELECT octet_length(letter) FROM a").fetchone() == (2,)
    finally:
        project.connection.execute("DROP DATABASE ascii_only WITH (FORCE)")
