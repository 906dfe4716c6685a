"""Undoing, and what the ledger keeps of it. Numbers are those of the cases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

import sql
from sql.errors import EXIT_HISTORY, HistoryDiffers, Irreversible, StatementFailed

PAIR = "CREATE TABLE {0} (a int);\n-- migrate: down\nDROP TABLE {0};\n"


def down(project, **options):
    return sql.down(project.connection, project.folder, **options)


def test_the_newest_is_undone_and_may_be_applied_again(project):
    project.write("0001_a", PAIR.format("a"))
    project.write("0002_b", PAIR.format("b"))
    project.up()
    undone = down(project)
    assert ([migration.version for migration in undone.migrations], undone.newest) == ([2], 1)
    assert project.ask("SELECT to_regclass('b')") is None
    assert project.versions() == [1]
    assert [migration.version for migration in project.up().migrations] == [2]


def test_down_to_a_version_undoes_all_above_it_newest_first(project):
    for number, name in enumerate("abcd", 1):
        project.write(f"{number:04d}_{name}", PAIR.format(name))
    project.up()
    assert [migration.version for migration in down(project, to=1).migrations] == [4, 3, 2]
    assert project.versions() == [1]


def test_21_a_file_that_is_gone_is_undone_with_the_sql_that_the_ledger_kept(project):
    project.write("0001_a", PAIR.format("a"))
    gone = project.write("0002_b", PAIR.format("b"))
    project.up()
    gone.unlink()
    assert [migration.label for migration in down(project).migrations] == ["0002_b"]
    assert project.ask("SELECT to_regclass('b')") is None
    assert project.up().migrations == ()


def test_a_down_part_that_was_mended_is_the_one_that_runs(project):
    project.write("0001_a", "CREATE TABLE a ();\n-- migrate: down\nDROP TABLE nonsense;")
    project.up()
    project.write("0001_a", "CREATE TABLE a ();\n-- migrate: down\nDROP TABLE a;")
    down(project)
    assert project.ask("SELECT to_regclass('a')") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-- migrate: irreversible\nCREATE TABLE b ();", "0002_b says that it is irreversible"),
        ("CREATE TABLE b ();", "0002_b has no down part"),
    ],
)
def test_what_cannot_be_undone_is_told_before_anything_is(project, text, words):
    project.write("0001_a", PAIR.format("a"))
    project.write("0002_b", text)
    project.write("0003_c", PAIR.format("c"))
    project.up()
    with pytest.raises(Irreversible, match=words) as caught:
        down(project, steps=3)
    assert caught.value.exit_code == EXIT_HISTORY
    assert project.versions() == [1, 2, 3]


def test_a_down_part_that_fails_leaves_the_migration_and_tells_its_place_in_the_file(project):
    path = project.write("0001_a", "CREATE TABLE a ();\n\n-- migrate: down\nDROP TABLE a;\nDROP TABLE nope;")
    project.up()
    with pytest.raises(StatementFailed) as caught:
        down(project)
    assert caught.value.message.startswith(f'{path}:5:1: table "nope" does not exist [42P01]')
    assert caught.value.hint == "the undoing was rolled back, 0001_a is still applied; mend its down part"
    assert project.ask("SELECT to_regclass('a')::text") == "a"
    assert project.versions() == [1]


def test_an_undoing_outside_a_transaction_runs_statement_by_statement(project):
    project.write("0001_t", "CREATE TABLE t (a int);")
    project.write(
        "0002_i",
        "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (a);\n"
        "-- migrate: down\nDROP INDEX CONCURRENTLY IF EXISTS i;",
    )
    project.up()
    down(project)
    assert project.ask("SELECT to_regclass('i')") is None
    assert project.versions() == [1]
    assert [event.action for event in project.ledger().events()] == ["undone"]


def test_one_that_fails_half_way_can_go_on_in_both_directions(project):
    project.write("0001_t", "CREATE TABLE t (a int);")
    up = "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);\n-- migrate: down\n"
    project.write("0002_i", up + "DROP INDEX CONCURRENTLY IF EXISTS i;\nSELECT nope;")
    project.up()
    with pytest.raises(StatementFailed):
        down(project)
    assert project.connection.execute(
        "SELECT state, error ->> 'direction' FROM executor.migration WHERE version = 2"
    ).fetchone() == ("failed", "down")
    project.write("0002_i", up + "DROP INDEX CONCURRENTLY IF EXISTS i;")
    assert project.up().newest == 2
    down(project)
    assert project.versions() == [1]


def test_every_undoing_is_kept_as_an_event_with_the_row_as_it_was(project):
    project.write("0001_a", PAIR.format("a"))
    project.up()
    down(project, tool="test 2.0")
    row = project.connection.execute(
        "SELECT version, name, action, tool, done_by, row_before ->> 'up_sql' FROM executor.migration_event"
    ).fetchone()
    assert row == (1, "a", "undone", "test 2.0", "postgres", "CREATE TABLE a (a int);\n")


def test_redo_takes_the_file_as_it_is_now(project):
    project.write("0001_a", PAIR.format("a"))
    project.up()
    project.write("0001_a", "CREATE TABLE a (b text);\n-- migrate: down\nDROP TABLE a;")
    assert [migration.version for migration in sql.redo(project.connection, project.folder).migrations] == [1]
    assert project.ask("SELECT attname FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum = 1") == "b"


def test_repeatable_files_run_again_after_an_undoing(project):
    project.write("0001_a", "CREATE TABLE a (x int);\n-- migrate: down\nDROP TABLE a CASCADE;")
    project.write("repeat/v", "CREATE OR REPLACE VIEW v AS SELECT x FROM a;")
    project.up()
    down(project)
    project.up()
    assert project.ask("SELECT to_regclass('v')::text") == "v"


def test_11_runners_that_apply_and_undo_at_once_leave_a_history_that_is_true(project):
    for number, name in enumerate("abcdef", 1):
        project.write(f"{number:04d}_{name}", PAIR.format(name))
    project.up()
    together = threading.Barrier(2)
    moved = []

    def act(work) -> None:
        with psycopg.connect(project.database, autocommit=True) as connection:
            together.wait(timeout=20)
            for _ in range(6):
                try:
                    work(connection)
                except HistoryDiffers as differs:
                    moved.append(differs.hint)

    with ThreadPoolExecutor(2) as pool:
        acts = [
            pool.submit(act, lambda connection, work=work: work(connection, project.folder))
            for work in (sql.up, sql.down)
        ]
        for done in acts:
            done.result(timeout=60)
    assert all("another runner was at work" in hint for hint in moved)
    tables = project.connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    assert [ord(name) - 96 for (name,) in tables] == project.versions()
