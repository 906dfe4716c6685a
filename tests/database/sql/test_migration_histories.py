"""What the toolkit does with a folder and a ledger that agree, or do not. Numbers are those of the list of cases."""

from __future__ import annotations

import psycopg
import pytest

from sql import apply, current, numbering, queries
from sql.errors import FilesRefused, HistoryDiffers, NewerHistory


def test_our_own_schema_is_applied_once_and_then_current(database):
    with psycopg.connect(database, autocommit=True) as connection:
        assert not current.is_current(connection, numbering.OURS, numbering.OUR_SET)
        done = apply.up(connection, numbering.OURS, set_name=numbering.OUR_SET, tool="executor 0.1.0")
        assert tuple(migration.version for migration in done.migrations) == numbering.versions(numbering.OURS)
        assert current.is_current(connection, numbering.OURS, numbering.OUR_SET)
        assert apply.up(connection, numbering.OURS, set_name=numbering.OUR_SET, tool="executor 0.1.0").migrations == ()


def test_the_ledger_tells_what_was_run_when_and_by_whom(project):
    project.write("0001_a", "CREATE TABLE a ();\n-- migrate: down\nDROP TABLE a;")
    project.up()
    row = project.connection.execute(
        "SELECT set_name, scope, version, name, kind, state, up_sql, down_sql, applied_by, tool,"
        " finished_at >= started_at, length(checksum), error FROM executor.migration"
    ).fetchall()
    assert row == [
        (
            *("main", "", 1, "a", "versioned", "applied", "CREATE TABLE a ();\n", "\nDROP TABLE a;"),
            *("postgres", "test 1.0", True, 64, None),
        )
    ]


def test_when_nothing_is_pending_one_query_is_all(project, tmp_path):
    project.write("0001_a", "SELECT 1;")
    project.up()
    with (tmp_path / "trace").open("w+b") as trace:
        project.connection.pgconn.trace(trace.fileno())
        assert project.is_current()
        project.connection.pgconn.untrace()
        trace.seek(0)
        sent = [line for line in trace.read().splitlines() if b"\tExecute\t" in line or b"\tQuery\t" in line]
    assert len(sent) == 1


def test_the_query_that_every_start_asks_uses_an_index(project):
    for number in range(1, 4):
        project.write(f"{number:04d}_x", f"SELECT {number};")
    project.up()
    project.connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
    versions = queries.load("ledger").versions
    plan = project.connection.execute(b"EXPLAIN " + versions, {"set_name": "main"}).fetchall()
    assert any("using migration_" in line for (line,) in plan), plan


def test_up_with_nothing_pending_needs_only_the_right_to_read(project, server):
    project.write("0001_a", "SELECT 1;")
    project.up()
    project.connection.execute("DROP ROLE IF EXISTS reader")
    project.connection.execute("CREATE ROLE reader LOGIN")
    project.connection.execute("GRANT USAGE ON SCHEMA executor TO reader; GRANT SELECT ON executor.migration TO reader")
    try:
        with psycopg.connect(project.database.replace("user=postgres", "user=reader"), autocommit=True) as reader:
            assert project.up(reader).migrations == ()
    finally:
        project.connection.execute("DROP OWNED BY reader; DROP ROLE reader")


def test_a_connection_in_a_transaction_is_refused(project):
    project.write("0001_a", "SELECT 1;")
    with project.connection.transaction(), pytest.raises(ValueError, match="no transaction open"):
        project.up()


def test_every_kind_of_row_the_caller_likes_is_fine(project):
    project.write("0001_a", "SELECT 1;")
    with psycopg.connect(project.database, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
        assert project.up(connection).newest == 1


def test_17_an_edited_file_stops_everything_and_shows_the_change(project):
    path = project.write("0001_a", "CREATE TABLE a (\n    note text\n);")
    project.up()
    project.write("0001_a", "-- longer\nCREATE TABLE a (\n    note varchar(80)\n);")
    project.write("0002_b", "CREATE TABLE b ();")
    with pytest.raises(HistoryDiffers) as caught:
        project.up()
    assert caught.value.message.splitlines() == [
        "history does not match the folder; nothing was run",
        f"  edited   {path}  - note text   + note varchar(80)",
    ]
    assert project.ask("SELECT to_regclass('b')") is None


def test_18_an_edit_of_comments_blanks_and_line_ends_is_no_edit(project):
    project.write("0001_a", "CREATE TABLE a (note text);\n")
    project.up()
    project.write("0001_a", b"\xef\xbb\xbf-- Copyright\r\ncreate  table a\r\n(\r\n  note text /* why */\r\n);;\r\n")
    assert project.up().migrations == ()


def test_19_an_edit_inside_a_string_is_one(project):
    project.write("0001_a", "SELECT 'a  b';")
    project.up()
    project.write("0001_a", "SELECT 'a b';")
    with pytest.raises(HistoryDiffers):
        project.up()


def test_20_a_missing_file_stops_everything(project):
    project.write("0001_a", "SELECT 1;").rename(project.folder / "0001_kept.sql")
    gone = project.write("0002_b", "SELECT 2;")
    project.write("0003_c", "SELECT 3;")
    project.up()
    gone.unlink()
    assert not project.is_current()
    with pytest.raises(HistoryDiffers, match=r"missing  0002_b  recorded \d{4}-\d\d-\d\d, file gone"):
        project.up()


def test_22_a_late_file_is_refused_and_runs_when_allowed(project):
    project.write("0001_a", "SELECT 1;")
    project.write("0003_c", "SELECT 3;")
    project.up()
    project.write("0002_b", "CREATE TABLE b ();")
    with pytest.raises(HistoryDiffers, match=r"late .* older than 0003"):
        project.up()
    assert [migration.version for migration in project.up(allow_late=True).migrations] == [2]
    assert project.is_current()


def test_23_a_version_taken_twice_is_refused_before_anything_runs(project):
    project.write("0001_a", "CREATE TABLE a ();")
    project.write("0001_b", "CREATE TABLE b ();")
    with pytest.raises(FilesRefused, match=r"0001_b\.sql: version 0001 is taken by 0001_a\.sql"):
        project.up()
    assert project.ask("SELECT to_regnamespace('executor')") is None


def test_24_a_renamed_file_is_not_run_again(project):
    project.write("0001_a", "CREATE TABLE a ();")
    project.up()
    (project.folder / "0001_a.sql").rename(project.folder / "0001_b.sql")
    assert project.up().migrations == ()
    assert project.is_current()


def test_25_a_newer_database_is_left_alone(project):
    for number in (1, 2, 3):
        project.write(f"{number:04d}_x", "SELECT 1;")
    project.up(set_name="executor")
    (project.folder / "0003_x.sql").unlink()
    assert not current.is_current(project.connection, project.folder, "executor")
    with pytest.raises(NewerHistory) as caught:
        project.up(set_name="executor")
    assert caught.value.message == "database is newer than this executor: it has 0003, this version knows 0002"


def test_26_an_empty_folder_is_an_error_and_not_success(project):
    with pytest.raises(FilesRefused, match="no migrations"):
        project.up()


def test_27_gaps_are_fine(project):
    project.write("0001_a", "SELECT 1;")
    project.write("0100_b", "SELECT 1;")
    assert project.up().newest == 100


def test_two_sets_share_a_database_but_no_history(project):
    project.write("0001_a", "CREATE TABLE IF NOT EXISTS a ();")
    assert project.up(set_name="one").newest == 1
    assert [migration.version for migration in project.up(set_name="two").migrations] == [1]
