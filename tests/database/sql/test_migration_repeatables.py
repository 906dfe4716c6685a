"""Files that say how things are: run again whenever they change. Numbers are those of the cases."""

from __future__ import annotations

import pytest

import sql
from sql.errors import FilesRefused, StatementFailed


def names(applied) -> list[str]:
    return [migration.label for migration in applied.migrations]


def test_31_repeatable_files_run_after_the_others_in_the_order_of_their_names(project):
    project.write("repeat/b_view", "CREATE OR REPLACE VIEW b_view AS SELECT a FROM a_view;")
    project.write("repeat/a_view", "CREATE OR REPLACE VIEW a_view AS SELECT a FROM t;")
    project.write("0001_t", "CREATE TABLE t (a int);")
    assert names(project.up()) == ["0001_t", "repeat/a_view", "repeat/b_view"]


def test_31_one_that_did_not_change_is_not_run_again(project):
    project.write("0001_t", "CREATE TABLE t (a int); CREATE TABLE runs (x int);")
    project.write("repeat/a", "INSERT INTO runs VALUES (1);")
    project.write("repeat/b", "INSERT INTO runs VALUES (2);")
    project.up()
    project.write("repeat/a", "-- said otherwise\ninsert into runs values (1)")
    assert names(project.up()) == []
    project.write("repeat/a", "INSERT INTO runs VALUES (3);")
    assert names(project.up()) == ["repeat/a"]
    assert project.ask("SELECT array_agg(x) FROM runs") == [1, 2, 3]
    assert project.ask("SELECT count(*) FROM executor.migration WHERE kind = 'repeatable'") == 2


def test_31_one_that_fails_is_told_and_the_numbered_files_stand(project):
    project.write("0001_t", "CREATE TABLE t (a int);")
    path = project.write("repeat/v", "CREATE OR REPLACE VIEW v AS\nSELECT nope FROM t;")
    with pytest.raises(StatementFailed) as caught:
        project.up()
    assert caught.value.message.startswith(f'{path}:2:8: column "nope" does not exist')
    assert caught.value.hint == "repeat/v was rolled back, 0001 is the last applied; mend the file and run it again"
    assert project.versions() == [1]
    project.write("repeat/v", "CREATE OR REPLACE VIEW v AS SELECT a FROM t;")
    assert names(project.up()) == ["repeat/v"]


def test_31_they_wait_until_nothing_numbered_is_left(project):
    project.write("0001_t", "CREATE TABLE t (a int);")
    project.write("0002_u", "CREATE TABLE u (a int);")
    project.write("repeat/v", "CREATE OR REPLACE VIEW v AS SELECT a FROM u;")
    assert names(project.up(to=1)) == ["0001_t"]
    assert names(project.up(steps=1)) == ["0002_u"]
    assert names(project.up()) == ["repeat/v"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1;\n-- migrate: down\nSELECT 2;", "has no down part"),
        ("-- migrate: no-transaction\nVACUUM;", "runs in a transaction"),
    ],
)
def test_what_a_repeatable_file_cannot_have_is_refused(project, text, words):
    project.write("0001_t", "SELECT 1;")
    project.write("repeat/v", text)
    with pytest.raises(FilesRefused, match=words):
        project.up()


def test_a_repeatable_file_needs_a_name_of_plain_letters(project):
    project.write("0001_t", "SELECT 1;")
    project.write("repeat/Orders View", "SELECT 1;")
    with pytest.raises(FilesRefused, match="not named like a repeatable file"):
        project.up()


def test_the_status_tells_which_are_to_run(project):
    project.write("0001_t", "SELECT 1;")
    project.write("repeat/v", "SELECT 1;")
    project.up()
    assert sql.status(project.connection, project.folder).current
    project.write("repeat/v", "SELECT 2;")
    found = sql.status(project.connection, project.folder)
    assert [(entry.label, entry.standing, entry.detail) for entry in found.entries][1] == (
        "repeat/v",
        "pending",
        "changed",
    )
    assert not found.current
