"""Folders as the tools' own documentation shows them, and what becomes of them."""

from __future__ import annotations

import re

import pytest

from sql import adoption, script
from sql.adoption import Source, Tool
from sql.errors import FilesRefused

DBMATE = {
    "20151127184807_create_users_table.sql": """-- migrate:up
create table users (
  id integer,
  name varchar(255),
  email varchar(255) not null
);

-- migrate:down
drop table users;
""",
    "20151129000000_add_index.sql": """-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email ON users (email);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS users_email;
""",
}

GOOSE = {
    "00001_create_users_table.sql": """-- +goose Up
CREATE TABLE users (
    id int NOT NULL PRIMARY KEY,
    username text
);

INSERT INTO users VALUES
(0, 'root'),
(1, 'vojtechvitek');

-- +goose Down
DROP TABLE users;
""",
    "00002_functions.sql": """-- A note from the author
-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION histories_partition_creation() returns void AS $$
DECLARE
  create_query text;
BEGIN
  create_query := 'a;b';
END;
$$
language plpgsql
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION histories_partition_creation();
""",
    "00003_index.sql": """-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_username ON users (username);
-- +goose Down
-- nothing to do
""",
}

GOLANG = {
    "1_initialize_schema.up.sql": "BEGIN;\nCREATE TABLE users (id int);  -- people\nCOMMIT;\n",
    "1_initialize_schema.down.sql": "DROP TABLE IF EXISTS users;\n",
    "2_add_table.up.sql": "CREATE TABLE other (id int);\n",
    "10_index.up.sql": "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (id);",
}

FLYWAY = {
    "V1__Create_person_table.sql": "create table PERSON (\n    ID int not null,\n    NAME varchar(100) not null\n);\n",
    "V1.1__Add_people.sql": "insert into PERSON (ID, NAME) values (1, 'Axel');\n",
    "U1.1__Add_people.sql": "delete from PERSON where ID = 1;\n",
    "V2_1__addIndex.sql": "create index concurrently if not exists i on PERSON (ID);\n",
    "V2_1__addIndex.sql.conf": "executeInTransaction=false\n",
    "R__Blue.sql": "CREATE OR REPLACE VIEW blue AS\n    SELECT ID, NAME FROM PERSON; -- ${no placeholder}\n",
}

NODE = {
    "1414549381268_my-first-migration.sql": """-- Up Migration
CREATE TABLE "users" ("id" serial PRIMARY KEY);

-- Down Migration
DROP TABLE "users";
""",
    "1414549381300_plain.sql": "CREATE TABLE plain (id integer);\n",
}

FOLDERS = {
    Tool.DBMATE: DBMATE,
    Tool.GOOSE: GOOSE,
    Tool.GOLANG_MIGRATE: GOLANG,
    Tool.FLYWAY: FLYWAY,
    Tool.NODE_PG_MIGRATE: NODE,
}


def converted(tool: Tool, folder: dict[str, str]) -> adoption.Conversion:
    return adoption.convert(tool, [Source(name, text) for name, text in folder.items()])


def texts(tool: Tool, folder: dict[str, str]) -> dict[str, str]:
    return {file.name: file.text for file in converted(tool, folder).files}


def faults(tool: Tool, folder: dict[str, str]) -> list[str]:
    with pytest.raises(FilesRefused) as refused:
        converted(tool, folder)
    return [str(fault) for fault in refused.value.faults]


@pytest.mark.parametrize("tool", Tool)
def test_every_result_is_a_folder_of_ours(tool):
    for name, text in texts(tool, FOLDERS[tool]).items():
        assert re.fullmatch(r"(\d{4,14}_|repeat/)[a-z0-9_]+\.sql", name)
        parsed = script.parse(text)
        assert parsed.statements
        if parsed.down is not None:
            assert script.undoing(parsed).statements


MARK = re.compile(r"--\s*(migrate:(up|down).*|\+goose .*|(Up|Down) Migration)")


@pytest.mark.parametrize("tool", Tool)
def test_no_line_is_lost_comments_included(tool):
    result = converted(tool, FOLDERS[tool])
    by_source = {source: file.text.splitlines() for file in result.files for source in file.sources}
    for name, text in FOLDERS[tool].items():
        if name.endswith(".conf"):
            continue
        for line in text.splitlines():
            kept = by_source[name]
            assert line in kept or f"/* {line} */" in kept or MARK.fullmatch(line), line


def test_dbmate_s_marks_become_ours():
    found = texts(Tool.DBMATE, DBMATE)
    assert list(found) == ["20151127184807_create_users_table.sql", "20151129000000_add_index.sql"]
    assert found["20151127184807_create_users_table.sql"].endswith(");\n\n-- migrate: down\ndrop table users;\n")
    assert found["20151129000000_add_index.sql"].startswith("-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY")


def test_goose_s_statement_blocks_get_the_semicolon_that_they_left_out():
    result = converted(Tool.GOOSE, GOOSE)
    text = result.files[1].text
    assert text.startswith("-- A note from the author\nCREATE OR REPLACE")
    assert "language plpgsql\n;\n\n-- migrate: down\nDROP FUNCTION" in text
    assert "00002_functions.sql:12: a statement ended here without a semicolon; it has one now" in map(
        str, result.decisions
    )
    assert result.files[2].text == (
        "-- migrate: no-transaction\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS users_username ON users (username);\n-- nothing to do\n"
    )


def test_golang_migrate_s_pairs_become_one_file_without_begin_and_commit():
    found = texts(Tool.GOLANG_MIGRATE, GOLANG)
    assert list(found) == ["0001_initialize_schema.sql", "0002_add_table.sql", "0010_index.sql"]
    assert found["0001_initialize_schema.sql"] == (
        "/* BEGIN; */\nCREATE TABLE users (id int);  -- people\n/* COMMIT; */\n"
        "-- migrate: down\nDROP TABLE IF EXISTS users;\n"
    )
    assert found["0010_index.sql"].startswith("-- migrate: no-transaction\n")


def test_flyway_s_versions_with_points_are_numbered_anew_and_told():
    result = converted(Tool.FLYWAY, FLYWAY)
    assert [(file.name, file.key) for file in result.files] == [
        ("0001_create_person_table.sql", "1"),
        ("0002_add_people.sql", "1.1"),
        ("0003_add_index.sql", "2.1"),
        ("repeat/blue.sql", "Blue"),
    ]
    assert "-- migrate: down\ndelete from PERSON" in result.files[1].text
    assert "V1.1__Add_people.sql: version 1.1 became 0002" in map(str, result.decisions)


def test_node_pg_migrate_s_plain_files_are_all_up():
    found = texts(Tool.NODE_PG_MIGRATE, NODE)
    assert found["1414549381300_plain.sql"] == "CREATE TABLE plain (id integer);\n"
    assert found["1414549381268_my_first_migration.sql"].endswith('-- migrate: down\nDROP TABLE "users";\n')


def test_a_comment_that_looks_like_a_directive_of_ours_stays_a_comment():
    folder = {"1_a.up.sql": "-- migrate: old data\nSELECT 1;\n"}
    result = converted(Tool.GOLANG_MIGRATE, folder)
    assert result.files[0].text == "--- migrate: old data\nSELECT 1;\n"
    assert "1_a.up.sql:1: a comment that reads like a directive has one more dash now" in map(str, result.decisions)


@pytest.mark.parametrize(
    ("tool", "folder", "expected"),
    [
        (Tool.DBMATE, {"1_a.sql": "CREATE TABLE a ();"}, ["1_a.sql: no part that says it is the way up"]),
        (
            Tool.DBMATE,
            {"1_a.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down transaction:false\nVACUUM;\n"},
            [
                (
                    "1_a.sql:3:1: the way down runs outside a transaction and the way up inside one:"
                    " make them two migrations"
                ),
                "1_a.sql:4:1: VACUUM cannot run in a transaction; begin the file with -- migrate: no-transaction",
            ],
        ),
        (
            Tool.DBMATE,
            {"1_a.sql": "-- migrate:up\n\\connect x\nSELECT 1;\n", "readme.sql": ""},
            [
                "readme.sql: not named like a migration of that tool",
                "1_a.sql:2:1: commands of psql, such as \\connect or \\restrict, do not run on a server",
            ],
        ),
        (
            Tool.GOOSE,
            {"1_a.sql": "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${A}';\n", "2_b.go": "package x"},
            [
                "2_b.go: a migration that is a program: write what it does as SQL",
                "1_a.sql:1:1: variables are put into the SQL before it runs; write it out",
            ],
        ),
        (
            Tool.GOLANG_MIGRATE,
            {"1_a.up.sql": "SELECT 1;", "2_b.down.sql": "SELECT 1;", "01_c.up.sql": "SELECT 2;"},
            ["1_a.up.sql: version 1 is taken by 01_c.up.sql", "2_b.down.sql: a way down without its way up"],
        ),
        (
            Tool.FLYWAY,
            {
                "V1__a.sql": "SELECT 1;\nSELECT '${schema}';",
                "B2__b.sql": "",
                "beforeMigrate.sql": "",
                "V1_0__c.sql": "SELECT 1;",
            },
            [
                "B2__b.sql: a baseline of the whole schema: take the versioned files, or make it the first of them",
                "beforeMigrate.sql: a callback: put what it does into a migration, or into the program that migrates",
                "V1__a.sql:2:1: the placeholder ${schema}: write its value, or current_setting(…)",
                "V1__a.sql: has the version of V1_0__c.sql",
            ],
        ),
        (
            Tool.NODE_PG_MIGRATE,
            {"1_a.js": "exports.up = 1"},
            ["1_a.js: a migration that is a program: write what it does as SQL"],
        ),
        (Tool.NODE_PG_MIGRATE, {"README.md": ""}, [".: no migrations of node-pg-migrate in this folder"]),
        (
            Tool.GOLANG_MIGRATE,
            {"1_a.up.sql": "CREATE TABLE a (n int);\nCOPY a FROM STDIN;\n"},
            ["1_a.up.sql:2:1: COPY from or to the client: write INSERT, or COPY a file of the server"],
        ),
    ],
)
def test_what_cannot_be_converted_is_refused_with_its_place(tool, folder, expected):
    assert sorted(faults(tool, folder)) == sorted(expected)
