from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from sql import catalogue
from sql.catalogue import facts

RICH = (Path(__file__).parent / "rich_schema.sql").read_text(encoding="utf-8")

CIRCLE = """
CREATE TABLE node (id integer);
CREATE FUNCTION heaviest(node) RETURNS integer LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT 1; END;
CREATE FUNCTION nodes() RETURNS SETOF node LANGUAGE sql STABLE BEGIN ATOMIC SELECT id FROM node; END;
CREATE FUNCTION fresh() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT count(*)::integer FROM node; END;
ALTER TABLE node ALTER id SET DEFAULT fresh(), ADD CHECK (id > 0), ADD CHECK (heaviest(node.*) = 1);
"""

SERIALS_AND_CROSSED_KEYS = """
CREATE TABLE zoo (id serial PRIMARY KEY, keeper integer);
CREATE TABLE animal (id bigserial PRIMARY KEY, zoo integer REFERENCES zoo);
ALTER TABLE zoo ADD FOREIGN KEY (keeper) REFERENCES animal;
CREATE VIEW b AS SELECT * FROM zoo; CREATE VIEW a AS SELECT * FROM b;
"""


@pytest.fixture
def empty(server):
    """The conninfo of one more empty database."""
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty_one TEMPLATE template0")
    yield f"{server} dbname=empty_one"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE empty_one WITH (FORCE)")


def repeated(database: str, empty: str, *, schemas: list[str] | None = None) -> str:
    """Dump one database into the other; the dump, after both were found to be the same."""
    with psycopg.connect(database) as connection:
        original = catalogue.read(connection, schemas)
        dumped = catalogue.dump(connection, schemas)
    with psycopg.connect(empty) as connection:
        connection.execute(dumped)
    with psycopg.connect(empty) as connection:
        assert facts.facts(catalogue.read(connection, schemas)) == facts.facts(original)
        assert catalogue.dump(connection, schemas) == dumped
    return dumped


def judged(programs: Path, conninfo: str) -> str:
    """What pg_dump says of a schema."""
    command = [programs / "pg_dump", "--schema-only", conninfo]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    text = re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.M)
    # PostgreSQL 18 names what earlier versions cannot: NOT NULL of a column.
    return re.sub(r' CONSTRAINT (\w+|"[^"]+") NOT NULL', " NOT NULL", text)


def test_a_dump_makes_the_same_schema_again(database, empty, programs):
    with psycopg.connect(database) as connection:
        connection.execute(RICH)
    repeated(database, empty)
    assert judged(programs, empty) == judged(programs, database)


def test_our_own_schema_is_made_again_by_its_dump(ready_database, empty):
    assert "CREATE TABLE executor.task_queue (\n" in repeated(ready_database, empty, schemas=["executor"])


def test_tables_and_functions_that_need_each_other_are_taken_apart(database, empty):
    with psycopg.connect(database) as connection:
        connection.execute(CIRCLE)
    dumped = repeated(database, empty)
    assert dumped.index("CREATE TABLE public.node") < dumped.index("fresh()") < dumped.index("SET DEFAULT")


def test_what_is_needed_comes_first_whatever_its_name(database, empty):
    with psycopg.connect(database) as connection:
        connection.execute(SERIALS_AND_CROSSED_KEYS)
    dumped = repeated(database, empty)
    assert dumped.index("VIEW public.b") < dumped.index("VIEW public.a")


def test_what_the_server_prints_in_two_ways_is_dumped_in_one(database, empty):
    with psycopg.connect(database) as connection:
        connection.execute(
            """CREATE TABLE letter (kind varchar(9) CHECK (kind IN ('a', 'it''s', 'b, c')), size integer);
            CREATE INDEX letter_kind ON letter (kind) WHERE kind IN ('a', 'b');
            CREATE VIEW few AS SELECT * FROM letter WHERE kind NOT IN ('a', 'b') AND kind LIKE ANY (ARRAY['x', 'y']);
            COMMENT ON TABLE letter IS $$(ARRAY['a'::character varying])::text[]$$"""
        )
    assert "IS '(ARRAY[''a''::character varying])::text[]'" in repeated(database, empty)


def test_an_empty_database_has_an_empty_dump(database):
    with psycopg.connect(database) as connection:
        assert catalogue.dump(connection) == ""


def test_one_more_column_is_one_more_line(database):
    with psycopg.connect(database) as connection:
        connection.execute(RICH)
        before = catalogue.dump(connection).splitlines()
        connection.execute("ALTER TABLE shop.product ADD COLUMN weight integer")
        after = catalogue.dump(connection).splitlines()
    assert set(after) - set(before) == {"    weight integer,"}
    assert len(after) == len(before) + 1


def test_the_executor_s_tables_are_not_the_user_s(ready_database):
    with psycopg.connect(ready_database, autocommit=True) as connection:
        assert catalogue.dump(connection) == ""
