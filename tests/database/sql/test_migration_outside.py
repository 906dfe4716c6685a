"""Files that run outside a transaction: half-way they are told as such, and the next run heals."""

from __future__ import annotations

import time

import psycopg
import pytest

import sql
from sql.errors import FilesRefused, LockHeld, StatementFailed
from sql.notices import NoticeKind

TABLE = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 100);"
INDEX = "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (a);\n"


def row(project, version):
    query = "SELECT state, error, finished_at IS NOT NULL FROM executor.migration WHERE version = %s"
    return project.connection.execute(query, [version]).fetchone()


def await_building(connection, runner):
    """Until a runner's index build waits for somebody's transaction to end."""
    deadline = time.monotonic() + 20
    while connection.execute("SELECT count(*) FROM pg_stat_progress_create_index").fetchone() == (0,):
        assert runner.poll() is None, runner.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_index_is_built_concurrently_and_recorded(project):
    project.write("0001_t", TABLE)
    project.write("0002_i", INDEX + "CREATE UNIQUE INDEX CONCURRENTLY t_b ON t (a);\nVACUUM t;")
    assert project.up().newest == 2
    assert row(project, 2) == ("applied", None, True)
    assert project.ask("SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass AND indisvalid") == 2


def test_2_an_index_that_a_killed_runner_left_is_healed(project):
    project.write("0001_t", TABLE)
    project.up()
    project.write("0002_i", INDEX)
    with psycopg.connect(project.database) as reader:
        reader.execute("SELECT * FROM t")
        reader.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        runner = project.start()
        await_building(project.connection, runner)
        runner.kill()
        runner.communicate()
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index"
        project.connection.execute(query)
        assert row(project, 2)[0] == "running"
    assert project.up().newest == 2
    assert row(project, 2) == ("applied", None, True)
    assert project.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass") is True
    assert NoticeKind.HEALED in {notice.kind for notice in project.notices}


def test_5_a_backend_that_works_on_without_its_client_keeps_the_next_runner_waiting(project):
    project.write("0001_a", "CREATE TABLE a ();\nSELECT pg_sleep(4);")
    runner = project.start()
    deadline = time.monotonic() + 20
    while project.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'executor migrate 0001'") == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)
    runner.kill()
    runner.communicate()
    assert project.up().newest == 1
    assert project.versions() == [1]


def test_a_statement_that_fails_is_told_with_what_is_kept(project):
    project.write("0001_t", TABLE)
    project.write("0002_i", INDEX + "INSERT INTO t VALUES (1);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(StatementFailed) as caught:
        project.up()
    assert caught.value.line == 4
    assert caught.value.hint == (
        "0002 failed at statement 3 of 3, statements 1 to 2 of 3 are kept; mend what is wrong, and `up` runs it again "
        "from the top"
    )
    state, error, finished = row(project, 2)
    assert (state, finished) == ("failed", False)
    assert (error["statement"], error["of"], error["sqlstate"], error["direction"]) == (3, 3, "42P01", "up")
    (entry,) = [entry for entry in sql.status(project.connection, project.folder).entries if entry.version == 2]
    assert entry.standing == "failed"
    assert entry.detail.startswith('statement 3 of 3: relation "nowhere" does not exist [42P01]; `executor migrate up`')


def test_a_file_that_failed_may_be_mended_and_runs_again(project):
    project.write("0001_t", TABLE)
    project.write("0002_i", INDEX + "SELECT nope;")
    with pytest.raises(StatementFailed):
        project.up()
    project.write("0002_i", INDEX)
    assert project.up().newest == 2
    assert row(project, 2) == ("applied", None, True)


def test_an_index_that_cannot_be_built_is_left_to_the_next_run(project):
    project.write("0001_t", "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1);")
    project.write("0002_i", "-- migrate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON t (a);")
    for _ in range(2):
        with pytest.raises(StatementFailed, match="could not create unique index"):
            project.up()
    project.connection.execute("DELETE FROM t")
    project.connection.execute("INSERT INTO t VALUES (1)")
    project.up()
    assert project.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass") is True


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "create unique index concurrently if not exists i on t (a)",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX (VERBOSE) TABLE CONCURRENTLY t",
        "REINDEX DATABASE d",
        "REINDEX SCHEMA public",
        "VACUUM",
        "VACUUM (ANALYZE) t",
        "CLUSTER",
        "CREATE DATABASE d",
        "DROP DATABASE IF EXISTS d",
        "ALTER DATABASE d SET TABLESPACE s",
        "CREATE TABLESPACE s LOCATION '/nowhere'",
        "DROP TABLESPACE s",
        "ALTER SYSTEM SET work_mem = '1MB'",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
    ],
)
def test_48_what_runs_in_no_transaction_is_refused_where_there_is_one(project, statement):
    project.write("0001_a", f"CREATE TABLE t (a int);\n{statement};")
    with pytest.raises(FilesRefused, match=r"0001_a\.sql:2:1: .* begin the file with -- migrate: no-transaction"):
        project.up()
    project.write("0001_a", f"-- migrate: no-transaction\n{statement};")
    assert sql.load(project.folder).migrations[0].script.directives.transaction is False


@pytest.mark.parametrize(
    "statement", ["VACUUM", "CLUSTER", "DROP INDEX CONCURRENTLY IF EXISTS i", "REINDEX SCHEMA public"]
)
def test_48_and_runs_where_there_is_none(project, statement):
    project.write("0001_a", f"-- migrate: no-transaction\n{statement};")
    assert project.up().newest == 1


def test_an_index_without_a_name_is_refused(project):
    project.write("0001_a", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY ON t (a);")
    with pytest.raises(FilesRefused, match="needs a name"):
        project.up()


def test_settings_of_the_file_end_with_it(project):
    project.write(
        "0001_a", "-- migrate: no-transaction statement-timeout=9s\nSET work_mem = '9MB'; SET ROLE pg_monitor;"
    )
    project.write("0002_b", "CREATE TABLE b AS SELECT current_setting('work_mem') AS memory, current_user AS who;")
    project.up()
    memory, who = project.connection.execute("SELECT memory, who FROM b").fetchone()
    assert (memory != "9MB", who) == (True, "postgres")
    assert project.ask("SHOW statement_timeout") == "0"
    assert project.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


def test_a_plain_statement_gives_up_on_a_lock_and_says_so(project):
    project.write("0001_t", TABLE)
    project.up()
    project.write("0002_b", "-- migrate: no-transaction lock-timeout=50ms retries=0\nALTER TABLE t ADD b int;")
    with psycopg.connect(project.database) as other:
        other.execute("SELECT * FROM t")
        with pytest.raises((LockHeld, StatementFailed), match="55P03"):
            project.up()
    assert row(project, 2)[0] == "failed"
    assert project.up().newest == 2


def test_10_eight_runners_with_concurrent_indexes_all_succeed(project):
    project.write("0001_t", TABLE)
    for number in range(2, 10):
        text = f"INSERT INTO t VALUES ({number});"
        if number % 2:
            text = f"-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i{number} ON t (a);"
        project.write(f"{number:04d}_x", text)
    runners = [project.start() for _ in range(8)]
    results = [runner.communicate(timeout=90) for runner in runners]
    assert [runner.returncode for runner in runners] == [0] * 8, [errors for _, errors in results]
    applied = sorted(int(word) for output, _ in results for word in output.split())
    assert applied == project.versions() == list(range(1, 10))
    assert project.ask("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
