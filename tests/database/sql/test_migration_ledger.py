"""The ledger: its forms, what is changed in it by hand, squashed files and what verification finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest

import sql
from sql import queries
from sql.errors import DatabaseRefused, FilesRefused, HistoryDiffers

LEDGER = queries.load("ledger")


def actions(project):
    return [(event.version, event.action) for event in project.ledger().events()]


class TestForms:
    def first_form(self, project):
        """The ledger as the first version of the program made it."""
        project.connection.execute("CREATE SCHEMA executor")
        project.connection.execute(LEDGER.create_table)
        project.connection.execute(LEDGER.create_version_index)
        project.connection.execute(
            "INSERT INTO executor.migration (set_name, version, name, checksum, up_sql, started_at, finished_at, tool)"
            " VALUES ('main', 1, 'a', %s, 'SELECT 1;', now(), now(), 'executor 0.1.0')",
            [sql.load(project.folder).migrations[0].checksum],
        )

    def test_an_older_one_is_read_as_it_is_and_upgraded_when_something_is_written(self, project):
        project.write("0001_a", "SELECT 1;")
        self.first_form(project)
        assert project.up().migrations == ()
        assert project.ask("SELECT to_regclass('executor.migration_event')") is None
        project.write("0002_b", "SELECT 2;")
        assert project.up().newest == 2
        assert project.ask("SELECT to_regclass('executor.migration_event')::text") == "executor.migration_event"
        assert project.versions() == [1, 2]

    def test_one_of_a_later_program_is_left_alone(self, project):
        project.write("0001_a", "SELECT 1;")
        project.up()
        project.connection.execute("COMMENT ON TABLE executor.migration_event IS 'form 4 of the ledger'")
        project.write("0002_b", "SELECT 2;")
        with pytest.raises(DatabaseRefused, match="the ledger is of form 4, this version knows 3"):
            project.up()

    def test_32_one_that_was_restored_from_a_dump_goes_on(self, project, server):
        project.write("0001_a", "CREATE TABLE a ();\n-- migrate: down\nDROP TABLE a;")
        project.write("0002_b", "CREATE TABLE b ();\n-- migrate: down\nDROP TABLE b;")
        project.up()
        sql.down(project.connection, project.folder)
        columns = project.connection.execute("SELECT * FROM executor.migration").fetchall()
        project.connection.execute("CREATE DATABASE restored_32")
        restored = f"{server} dbname=restored_32"
        try:
            dump = subprocess.run(["pg_dump", "-d", project.database], capture_output=True, check=False)
            if dump.returncode:
                self.copy(project.database, restored)
            else:
                subprocess.run(["psql", "-qd", restored], input=dump.stdout, check=True, capture_output=True)
            with psycopg.connect(restored, autocommit=True) as connection:
                assert connection.execute("SELECT * FROM executor.migration").fetchall() == columns
                assert [migration.version for migration in project.up(connection).migrations] == [2]
                sql.down(connection, project.folder)
                assert sql.verify(connection, project.folder).sound
        finally:
            project.connection.execute("DROP DATABASE restored_32 WITH (FORCE)")

    def copy(self, source: str, target: str) -> None:
        """The same for a machine whose pg_dump is older than the server: tables and rows, and sequences left behind."""
        with psycopg.connect(source) as old, psycopg.connect(target, autocommit=True) as new:
            new.execute("CREATE SCHEMA executor; CREATE TABLE a ()")
            for query in (LEDGER.create_table, LEDGER.create_version_index, LEDGER.create_event_table):
                new.execute(query)
            rows = old.execute("SELECT to_jsonb(migration)::text FROM executor.migration").fetchall()
            for (row,) in rows:
                new.execute(
                    "INSERT INTO executor.migration SELECT * FROM jsonb_populate_record(null::executor.migration, %s)",
                    [row],
                )


class TestResolving:
    def test_28_an_edit_that_changes_nothing_is_blessed_again(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);")
        project.up()
        project.write("0001_a", "CREATE TABLE a (x integer);")
        with pytest.raises(HistoryDiffers):
            project.up()
        resolved = sql.resolve(project.connection, project.folder, 1, "rebless")
        assert resolved.before.checksum != resolved.after.checksum
        assert resolved.before.finished_at == resolved.after.finished_at
        assert project.up().migrations == ()
        assert actions(project) == [(1, "blessed")]

    def test_a_row_is_forgotten_and_a_file_recorded(self, project):
        project.write("0001_a", "CREATE TABLE a ();")
        project.up()
        assert sql.resolve(project.connection, project.folder, 1, "forget").after is None
        assert project.versions() == []
        assert sql.resolve(project.connection, project.folder, 1, "applied").before is None
        assert project.up().migrations == ()
        assert actions(project) == [(1, "forgotten"), (1, "resolved")]

    @pytest.mark.parametrize(
        ("version", "resolution", "words"),
        [
            (7, "forget", "the ledger has no 0007"),
            (7, "applied", "the folder has no 0007"),
            (1, "rebless", "is not applied"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, project, version, resolution, words):
        project.write("0001_a", "CREATE TABLE a ();")
        with pytest.raises(HistoryDiffers, match=words):
            sql.resolve(project.connection, project.folder, version, resolution)

    def test_29_a_database_from_before_the_toolkit_gets_a_baseline(self, project):
        project.connection.execute("CREATE TABLE a ()")
        project.write("0001_a", "CREATE TABLE a ();")
        project.write("0002_b", "CREATE TABLE b ();\n-- migrate: down\nDROP TABLE b;")
        assert [file.version for file in sql.baseline(project.connection, project.folder, 1)] == [1]
        assert project.up().newest == 2
        kinds = project.connection.execute("SELECT kind FROM executor.migration ORDER BY version").fetchall()
        assert kinds == [("baseline",), ("versioned",)]
        with pytest.raises(HistoryDiffers, match="has a history here already: 0002_b is its newest"):
            sql.baseline(project.connection, project.folder, 2)
        with pytest.raises(HistoryDiffers, match="0001_a was never run here"):
            sql.down(project.connection, project.folder, to=0)


class TestSquashing:
    def folder(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);\nSET search_path = '';")
        project.write("0002_b", "CREATE TABLE b (x int); -- b;\nINSERT INTO b VALUES (1)")
        project.write(
            "0003_c",
            "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x); -- migrate: retries=1",
        )
        project.write("0004_d", "CREATE TABLE d ();")

    def squash(self, project) -> None:
        squashed = sql.squash(sql.load(project.folder).migrations, 3)
        for migration in squashed.replaced:
            Path(migration.path).unlink()
        project.write(squashed.name, squashed.text)

    def test_30_old_databases_accept_it_and_new_ones_run_it(self, project, server):
        self.folder(project)
        project.up()
        left = sql.fingerprint(project.connection)
        self.squash(project)
        assert project.up().migrations == ()
        assert sql.status(project.connection, project.folder).current
        project.connection.execute("CREATE DATABASE new_30")
        try:
            with psycopg.connect(f"{server} dbname=new_30", autocommit=True) as connection:
                assert [migration.version for migration in project.up(connection).migrations] == [3, 4]
                assert connection.execute("SELECT x FROM b").fetchall() == [(1,)]
                assert sql.fingerprint(connection) == left
                assert project.up(connection).migrations == ()
                project.write("0003_squashed", "SELECT 'another';")
                with pytest.raises(HistoryDiffers, match="edited"):
                    project.up(connection)
        finally:
            project.connection.execute("DROP DATABASE new_30 WITH (FORCE)")

    def test_30_one_that_stands_in_the_middle_is_told_where(self, project):
        self.folder(project)
        project.up(to=2)
        self.squash(project)
        with pytest.raises(HistoryDiffers, match="stands for 0001 to 0003, of which 0002 is the last applied"):
            project.up()

    def test_what_no_transaction_can_hold_is_told_with_its_place(self, project):
        self.folder(project)
        path = project.write("0003_c", "-- migrate: no-transaction\nVACUUM;")
        with pytest.raises(FilesRefused, match=f"{path}:2:1: VACUUM cannot be part of a squashed file"):
            self.squash(project)

    def test_its_number_is_the_last_it_stands_for(self, project):
        project.write("0009_x", "-- migrate: replaces=0001-0005\nSELECT 1;")
        with pytest.raises(FilesRefused, match="it replaces files up to 0005"):
            project.up()


class TestVerifying:
    def test_a_database_that_is_as_it_was_left_is_sound(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);")
        project.up()
        found = sql.verify(project.connection, project.folder)
        assert found.sound
        assert (found.drift.after, found.drift.drifted) == ("0001_a", False)

    def test_a_change_from_outside_is_drift_until_the_next_file(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);")
        project.up()
        project.connection.execute("ALTER TABLE a ADD by_hand text")
        found = sql.verify(project.connection, project.folder)
        assert found.drift.drifted
        assert not found.sound

    def test_an_undoing_leaves_a_fingerprint_too(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);")
        project.write("0002_b", "CREATE TABLE b (x int);\n-- migrate: down\nDROP TABLE b;")
        project.up()
        sql.down(project.connection, project.folder)
        assert sql.verify(project.connection, project.folder).drift.drifted is False

    def test_an_edit_is_shown_line_by_line_and_a_lost_file_named(self, project):
        project.write("0001_a", "CREATE TABLE a (\n  x int,\n  y int\n);")
        gone = project.write("0002_b", "SELECT 1;")
        project.write("0003_c", "SELECT 1;")
        project.up()
        gone.unlink()
        project.write("0001_a", "CREATE TABLE a (\n  x bigint,\n  y int\n);")
        found = sql.verify(project.connection, project.folder)
        assert [problem.kind for problem in found.problems] == ["edited", "missing"]
        assert "-  x int," in found.changes[1]
        assert "+  x bigint," in found.changes[1]

    def test_an_index_that_is_not_valid_is_found(self, project):
        project.write("0001_a", "CREATE TABLE a (x int); INSERT INTO a VALUES (1), (1);")
        project.up()
        with pytest.raises(psycopg.errors.UniqueViolation):
            project.connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON a (x)")
        found = sql.verify(project.connection, project.folder)
        assert [(index.name, index.table) for index in found.invalid_indexes] == [("public.broken", "a")]

    def test_66_a_role_that_may_only_read_sees_status_plan_and_verification(self, project):
        project.write("0001_a", "CREATE TABLE a ();")
        project.up()
        project.write("0002_b", "CREATE TABLE b ();")
        project.connection.execute("DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN")
        project.connection.execute(
            "GRANT USAGE ON SCHEMA executor TO looker; GRANT SELECT ON executor.migration TO looker"
        )
        try:
            conninfo = project.database.replace("user=postgres", "user=looker")
            with psycopg.connect(conninfo, autocommit=True) as looker:
                assert sql.status(looker, project.folder).count() == {"applied": 1, "pending": 1}
                assert sql.verify(looker, project.folder).sound
        finally:
            project.connection.execute("DROP OWNED BY looker; DROP ROLE looker")


class TestTogether:
    def test_files_in_one_transaction_are_kept_together(self, project):
        project.write("0001_a", "CREATE TABLE a ();")
        project.write("0002_b", "CREATE TABLE b ();")
        assert project.up(one_transaction=True).newest == 2
        assert project.ask("SELECT count(DISTINCT started_at) FROM executor.migration") == 1

    def test_or_none_of_them(self, project):
        project.write("0001_a", "CREATE TABLE a ();")
        project.write("0002_b", "SELECT nope;")
        with pytest.raises(sql.MigrationError, match=r"0002_b\.sql:1:8") as caught:
            project.up(one_transaction=True)
        assert caught.value.hint.startswith("all of this run was rolled back")
        assert project.versions() == []

    def test_a_file_that_no_transaction_holds_cannot_be_one_of_them(self, project):
        project.write("0001_a", "CREATE TABLE a ();")
        project.write("0002_b", "-- migrate: no-transaction\nVACUUM;")
        with pytest.raises(FilesRefused, match="cannot be one with other files"):
            project.up(one_transaction=True)

    def test_a_trial_tells_the_locks_and_leaves_nothing(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);")
        project.up()
        project.write("0002_b", "ALTER TABLE a ADD y int;")
        project.write("0003_c", "SELECT * FROM a;")
        project.write("0004_d", "-- migrate: no-transaction\nVACUUM;")
        tried = sql.trial(project.connection, project.folder)
        assert [(one.migration.version, one.locks) for one in tried.tried] == [
            (2, (("a", "AccessExclusiveLock"),)),
            (3, (("a", "AccessShareLock"),)),
        ]
        assert [migration.version for migration in tried.skipped] == [4]
        assert project.versions() == [1]
        assert project.ask("SELECT count(*) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attname = 'y'") == 0

    def test_a_trial_on_an_empty_database_makes_no_ledger(self, project):
        project.write("0001_a", "CREATE TABLE a (x int);")
        assert len(sql.trial(project.connection, project.folder).tried) == 1
        assert project.ask("SELECT to_regnamespace('executor')") is None


class TestTemplates:
    def test_a_template_is_made_once_and_copied(self, project, server):
        from sql import templates

        maintenance = f"{server} dbname=postgres"
        project.write("0001_a", "CREATE TABLE a (x int);")
        name = sql.template(maintenance, project.folder)
        try:
            assert sql.template(maintenance, project.folder) == name
            with templates.database(maintenance, project.folder) as made, psycopg.connect(made) as connection:
                assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(made)
            project.write("0001_a", "CREATE TABLE a (x bigint);")
            other = sql.template(maintenance, project.folder)
            assert other != name
            templates.drop(f"{server} dbname={other}", maintenance)
        finally:
            templates.drop(f"{server} dbname={name}", maintenance)
