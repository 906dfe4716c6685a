"""Values, tenants' schemas and several sets in one database. Numbers are those of the cases."""

from __future__ import annotations

import psycopg
import pytest

import sql
from sql import lock, numbering
from sql.errors import DatabaseRefused


def test_values_are_read_by_the_files_and_end_with_them(project):
    project.write("0001_a", "CREATE TABLE a AS SELECT current_setting('app.region') AS region;")
    project.write("0002_b", "-- migrate: no-transaction\nINSERT INTO a VALUES (current_setting('app.region'));")
    project.up(values={"app.region": "eu'1"})
    assert project.connection.execute("SELECT region FROM a").fetchall() == [("eu'1",), ("eu'1",)]
    assert project.ask("SELECT current_setting('app.region', true)") in (None, "")


@pytest.mark.parametrize("name", ["work_mem", "role", "search_path"])
def test_a_value_cannot_be_a_setting_of_the_server(project, name):
    project.write("0001_a", "SELECT 1;")
    with pytest.raises(ValueError, match=f"such as app.{name}"):
        project.up(values={name: "x"})


@pytest.mark.parametrize("scope", ["plain", "With Upper", 'quo"ted', "ö"])
def test_71_a_tenants_schema_has_any_name(project, scope):
    project.connection.execute(f"CREATE SCHEMA {lock.quoted(scope)}")
    project.write("0001_a", "CREATE TABLE a (x int);")
    project.write("0002_b", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_x ON a (x);")
    assert project.up(scope=scope).newest == 2
    assert project.connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'a'").fetchall() == [(scope,)]
    assert project.up().newest == 2
    assert project.ask("SELECT count(*) FROM pg_tables WHERE tablename = 'a'") == 2
    assert project.ask("SELECT array_agg(DISTINCT scope ORDER BY scope) FROM executor.migration") == ["", scope]


def test_71_a_schema_that_is_not_there_is_told(project):
    project.write("0001_a", "SELECT 1;")
    with pytest.raises(DatabaseRefused, match='no schema "absent"'):
        project.up(scope="absent")
    assert project.ask("SELECT to_regnamespace('executor')") is None


def test_16_two_tenants_do_not_wait_for_each_other(project):
    project.connection.execute("CREATE SCHEMA one; CREATE SCHEMA two")
    project.write("0001_a", "CREATE TABLE a ();")
    with psycopg.connect(project.database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock.key("set", "main", "one")])
        assert project.up(scope="two").newest == 1


def test_73_our_set_and_the_users_share_a_database_and_a_ledger(project):
    project.write("0001_a", "CREATE TABLE a ();")
    sql.up(project.connection, numbering.OURS, set_name=numbering.OUR_SET)
    project.up()
    sets = project.connection.execute("SELECT DISTINCT set_name FROM executor.migration ORDER BY 1").fetchall()
    assert sets == [("executor",), ("main",)]
    assert sql.verify(project.connection, project.folder).sound


def test_a_role_of_the_file_owns_what_it_makes(project):
    project.connection.execute("DROP ROLE IF EXISTS app_owner; CREATE ROLE app_owner")
    project.connection.execute("GRANT CREATE ON SCHEMA public TO app_owner")
    project.write("0001_a", "-- migrate: role=app_owner\nCREATE TABLE a ();")
    project.write("0002_b", "CREATE TABLE b ();")
    try:
        project.up()
        owners = project.connection.execute("SELECT tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        assert owners.fetchall() == [("app_owner",), ("postgres",)]
        assert project.ask("SELECT array_agg(DISTINCT applied_by) FROM executor.migration") == ["postgres"]
    finally:
        project.connection.execute("DROP OWNED BY app_owner; DROP ROLE app_owner")
