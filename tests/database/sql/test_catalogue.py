from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from sql import catalogue

RICH = (Path(__file__).parent / "rich_schema.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def rich(server):
    """The conninfo of a database with one of everything, which tests change in transactions of their own."""
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE rich TEMPLATE template0")
    with psycopg.connect(f"{server} dbname=rich") as connection:
        connection.execute(RICH)
    yield f"{server} dbname=rich"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE rich WITH (FORCE)")


@pytest.fixture
def connection(rich):
    with psycopg.connect(rich, autocommit=True) as opened:
        yield opened


def relation(found: catalogue.Catalogue, path: str) -> catalogue.Relation:
    return next(one for one in found.relations if one.path == path)


def test_the_reader_finds_one_of_everything(connection):
    found = catalogue.read(connection)
    assert [schema.name for schema in found.schemas] == ['"Odd Names"', "public", "shop"]
    assert {kind.kind for kind in found.types} == {"enum", "domain", "range", "composite"}
    assert {one.kind for one in found.routines} == {"function", "procedure", "aggregate"}
    assert {one.kind for one in found.relations} == {"table", "partitioned table", "view", "materialized view"}
    assert {one.kind for one in found.others} == {
        "STATISTICS",
        "EVENT TRIGGER",
        "OPERATOR",
        "CAST",
        "COLLATION",
        "TEXT SEARCH DICTIONARY",
        "TEXT SEARCH CONFIGURATION",
    }
    assert {part.kind for one in found.relations for part in one.constraints} == {
        "primary key",
        "unique",
        "foreign key",
        "check",
        "exclusion",
    }
    assert [sequence.path for sequence in found.sequences] == [
        "shop.counter",
        "shop.loose",
        "shop.product_product_id_seq",
    ]


def test_a_table_is_read_with_all_that_belongs_to_it(connection):
    customer = relation(catalogue.read(connection, ["shop"]), "shop.customer")
    assert customer.comment == "Who buys"
    assert [column.name for column in customer.columns][:4] == ["customer_id", "email", '"Full Name"', "feeling"]
    columns = {column.name: column for column in customer.columns}
    assert columns["customer_id"].identity == "GENERATED ALWAYS AS IDENTITY (START WITH 1000 INCREMENT BY 10)"
    assert columns["shout"].generated == 'GENERATED ALWAYS AS (upper("Full Name")) STORED'
    assert columns['"Full Name"'].collation == 'pg_catalog."C"'
    assert columns["created_at"].default == "'2020-01-01 10:00:00+00'::timestamp with time zone"
    assert [index.name for index in customer.indexes] == ["customer_code", "customer_lower"]
    assert [(trigger.name, trigger.enabled) for trigger in customer.triggers] == [
        ("after_all", "DISABLE"),
        ("customer_changes", None),
    ]


def test_partitions_do_not_repeat_what_their_parent_does(connection):
    found = catalogue.read(connection)
    part = relation(found, "shop.event_2024")
    assert part.parents == ("shop.event",)
    assert part.partition_bound == "FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00')"
    assert not part.triggers
    assert all(constraint.inherited for constraint in part.constraints)
    assert [constraint.kind for constraint in relation(found, "shop.event_note").constraints] == ["foreign key"]


def test_reading_leaves_the_session_and_its_transaction_as_they_were(rich):
    with psycopg.connect(rich) as connection:
        connection.execute("SET LOCAL search_path = shop, public")
        connection.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
        connection.execute("CREATE TABLE shop.made_here (n integer)")
        assert relation(catalogue.read(connection), "shop.made_here")
        settings = "SELECT current_setting('search_path'), current_setting('TimeZone')"
        assert connection.execute(settings).fetchone() == ("shop, public", "Asia/Tokyo")
        assert connection.info.transaction_status is TransactionStatus.INTRANS
        connection.rollback()


def test_a_role_without_any_rights_may_read(rich, connection):
    connection.execute("CREATE ROLE nobody_at_all")
    expected = catalogue.fingerprint(connection)
    connection.execute("SET ROLE nobody_at_all")
    try:
        assert catalogue.fingerprint(connection) == expected
    finally:
        connection.execute("RESET ROLE")
        connection.execute("DROP ROLE nobody_at_all")


def test_the_fingerprint_does_not_depend_on_the_reader_s_settings(connection):
    expected = catalogue.fingerprint(connection)
    connection.execute("SET search_path = shop")
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    connection.execute("SET DateStyle = 'German'")
    connection.execute("SET IntervalStyle = 'sql_standard'")
    connection.execute("SET quote_all_identifiers = on")
    assert catalogue.fingerprint(connection) == expected


def test_the_way_to_a_schema_is_not_in_its_fingerprint(database):
    straight = """
        CREATE TABLE a (x integer NOT NULL, y text);
        CREATE TABLE b (n integer PRIMARY KEY);
        CREATE INDEX a_x ON a (x); CREATE INDEX a_y ON a (y)"""
    winding = """
        CREATE TABLE gone (n integer);
        CREATE TABLE b (n integer CONSTRAINT b_pkey PRIMARY KEY);
        CREATE TABLE old (z integer, x bigint, y text); DROP TABLE gone;
        ALTER TABLE old RENAME TO a; ALTER TABLE a DROP COLUMN z; ALTER TABLE a ALTER x TYPE integer;
        CREATE INDEX later ON a (y); ALTER TABLE a ALTER x SET NOT NULL;
        CREATE INDEX a_x ON a (x); ALTER INDEX later RENAME TO a_y"""
    with psycopg.connect(database) as connection:
        connection.execute(straight)
        expected = catalogue.fingerprint(connection)
        connection.rollback()
        connection.execute("CREATE ROLE somebody")
        connection.execute("GRANT CREATE ON SCHEMA public TO somebody; SET LOCAL ROLE somebody")
        connection.execute(winding)
        connection.execute("RESET ROLE; REVOKE CREATE ON SCHEMA public FROM somebody")
        assert catalogue.fingerprint(connection) == expected
        connection.rollback()


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE shop.product ADD COLUMN new integer",
        "ALTER TABLE shop.product DROP COLUMN document",
        "ALTER TABLE shop.thing ALTER COLUMN id TYPE bigint",
        "ALTER TABLE shop.product ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE shop.product ALTER COLUMN price SET DEFAULT 1",
        "ALTER TABLE shop.product RENAME COLUMN price TO cost",
        "ALTER TABLE shop.product RENAME TO article",
        "ALTER TABLE shop.product SET (fillfactor = 50)",
        "ALTER TABLE shop.product DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop.product DROP CONSTRAINT product_price_check",
        "ALTER TABLE shop.customer VALIDATE CONSTRAINT late_check",
        "ALTER TABLE shop.product RENAME CONSTRAINT product_parent TO parent",
        "ALTER TABLE shop.product ALTER COLUMN price SET STATISTICS 7",
        'ALTER TABLE shop."order" SET LOGGED',
        "ALTER TABLE shop.customer REPLICA IDENTITY DEFAULT",
        "ALTER TABLE shop.customer SET WITHOUT CLUSTER",
        "ALTER TABLE shop.customer ALTER COLUMN customer_id SET GENERATED BY DEFAULT",
        "ALTER TABLE shop.customer ALTER COLUMN customer_id SET INCREMENT BY 3",
        "ALTER TABLE shop.customer ENABLE TRIGGER after_all",
        "ALTER TABLE shop.event DETACH PARTITION shop.event_2024",
        "ALTER TABLE shop.special NO INHERIT shop.thing",
        "DROP INDEX shop.customer_code",
        "DROP TRIGGER customer_changes ON shop.customer",
        "DROP RULE quiet ON shop.cheap",
        "DROP POLICY readers ON shop.product",
        "DROP VIEW shop.over_view",
        "DROP AGGREGATE shop.longest(text)",
        "DROP STATISTICS shop.customer_stats",
        "DROP EVENT TRIGGER watch_ddl",
        "DROP CAST (shop.mood AS integer)",
        "DROP OPERATOR shop.=== (shop.mood, text)",
        "ALTER TYPE shop.mood RENAME VALUE 'ok' TO 'fine'",
        "ALTER TYPE shop.address ADD ATTRIBUTE country text CASCADE",
        "ALTER DOMAIN shop.email DROP NOT NULL",
        "ALTER DOMAIN shop.email DROP CONSTRAINT not_long",
        "ALTER SEQUENCE shop.counter NO CYCLE",
        "ALTER SEQUENCE shop.product_product_id_seq OWNED BY NONE",
        "ALTER FUNCTION shop.squared(integer) VOLATILE",
        "CREATE OR REPLACE FUNCTION shop.next_code() RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
        "CREATE OR REPLACE VIEW shop.over_view AS SELECT * FROM shop.total WHERE orders > 2",
        "COMMENT ON COLUMN shop.product.name IS 'new'",
        "GRANT DELETE ON shop.product TO PUBLIC",
        "REVOKE SELECT ON shop.product FROM PUBLIC",
        "REVOKE EXECUTE ON FUNCTION shop.squared(integer) FROM PUBLIC",
        "CREATE SCHEMA another",
    ],
)
def test_every_change_of_the_schema_changes_the_fingerprint(rich, change):
    with psycopg.connect(rich) as connection:
        before = catalogue.fingerprint(connection)
        connection.execute(change)
        assert catalogue.fingerprint(connection) != before
        connection.rollback()


def test_rows_statistics_and_sequences_moving_on_change_nothing(rich):
    with psycopg.connect(rich) as connection:
        before = catalogue.fingerprint(connection)
        connection.execute(
            "INSERT INTO shop.product (name) VALUES ('a'); SELECT nextval('shop.counter'); ANALYZE shop.product"
        )
        connection.execute("CREATE TEMPORARY TABLE scratch (n integer)")
        assert catalogue.fingerprint(connection) == before
        connection.rollback()


def test_only_the_schemas_asked_for_are_read(connection):
    only = catalogue.read(connection, ["Odd Names", "no such schema"])
    assert [schema.name for schema in only.schemas] == ['"Odd Names"']
    assert [one.name for one in only.relations] == ['"Table; DROP"', '"View"']
    assert catalogue.read(connection, []) == catalogue.Catalogue()
