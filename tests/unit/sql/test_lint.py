from __future__ import annotations

import pytest

from sql import lint, script
from sql.lint import RULES

# Rule → files that break it alone.
BROKEN = {
    "index-without-concurrently": ["CREATE INDEX i ON t (x)", 'create unique index if not exists i on only "T" (x)'],
    "drop-index-without-concurrently": ["DROP INDEX i", "DROP INDEX IF EXISTS public.i"],
    "reindex-without-concurrently": ["REINDEX INDEX i", "REINDEX TABLE t"],
    "refresh-without-concurrently": ["REFRESH MATERIALIZED VIEW m"],
    "not-null-without-default": ["ALTER TABLE t ADD COLUMN x integer NOT NULL", "alter table t add x int not null"],
    "rewriting-default": [
        "ALTER TABLE t ADD COLUMN x uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE t ADD COLUMN x bigserial",
        "ALTER TABLE t ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE t ADD COLUMN x integer GENERATED ALWAYS AS (a + b) STORED",
    ],
    "set-not-null": ["ALTER TABLE t ALTER COLUMN x SET NOT NULL", "ALTER TABLE t ALTER x SET NOT NULL"],
    "constraint-without-not-valid": [
        "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0)",
        "ALTER TABLE t ADD FOREIGN KEY (x) REFERENCES u",
        "ALTER TABLE t ADD COLUMN x integer DEFAULT 1 REFERENCES u",
    ],
    "validate-in-same-transaction": [
        "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c"
    ],
    "key-without-index": [
        "ALTER TABLE t ADD PRIMARY KEY (x)",
        "ALTER TABLE t ADD CONSTRAINT c UNIQUE (x)",
        "ALTER TABLE t ADD COLUMN x integer UNIQUE",
    ],
    "alter-type": ["ALTER TABLE t ALTER COLUMN x TYPE bigint", "ALTER TABLE t ALTER x SET DATA TYPE bigint"],
    "rewrites-table": ["CLUSTER t USING i", "ALTER TABLE t SET UNLOGGED", "ALTER TABLE t SET ACCESS METHOD heap"],
    "drop-table": ["DROP TABLE t", "DROP TABLE IF EXISTS t CASCADE"],
    "drop-column": ["ALTER TABLE t DROP COLUMN x", "ALTER TABLE t DROP x", "ALTER TABLE t DROP COLUMN IF EXISTS x"],
    "rename": [
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t RENAME COLUMN x TO y",
        "ALTER TABLE t RENAME x TO y",
        "ALTER VIEW v RENAME TO w",
        "ALTER TYPE mood RENAME VALUE 'a' TO 'b'",
    ],
    "enum-value-used": ["ALTER TYPE mood ADD VALUE 'new'; INSERT INTO t VALUES ('new')"],
    "truncate-cascade": ["TRUNCATE t CASCADE", "TRUNCATE TABLE t, u CASCADE"],
    "change-all-rows": ["UPDATE t SET x = 1", "DELETE FROM t"],
    "non-local-set": ["SET search_path = app", "SET ROLE owner"],
}

SAFE = [
    "CREATE TABLE t (x integer PRIMARY KEY, y integer NOT NULL UNIQUE CHECK (y > 0) REFERENCES u)",
    "CREATE TABLE t (x integer); CREATE INDEX i ON t (x); ALTER TABLE public.t ALTER x SET NOT NULL; DROP TABLE t",
    "CREATE MATERIALIZED VIEW m AS SELECT 1; REFRESH MATERIALIZED VIEW m",
    "ALTER TABLE t ADD COLUMN x integer",
    "ALTER TABLE t ADD COLUMN x integer NOT NULL DEFAULT 0",
    "ALTER TABLE t ADD COLUMN x timestamptz DEFAULT now()",
    "ALTER TABLE t ADD COLUMN x integer REFERENCES u",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID",
    "ALTER TABLE t VALIDATE CONSTRAINT c",
    "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i",
    "ALTER TABLE t DROP CONSTRAINT c",
    "ALTER TABLE t RENAME CONSTRAINT c TO d",
    "ALTER TABLE t ALTER x DROP NOT NULL, ALTER y SET DEFAULT 'RENAME TO; DROP COLUMN x'",
    "ALTER TYPE mood ADD VALUE 'new'",
    "CREATE TYPE mood AS ENUM ('old'); ALTER TYPE mood ADD VALUE 'new'; INSERT INTO t VALUES ('new')",
    "UPDATE t SET x = 1 WHERE id < 10",
    "TRUNCATE t, u",
    "SET LOCAL search_path = app",
    "SET CONSTRAINTS ALL DEFERRED",
    "INSERT INTO t VALUES ('DROP TABLE t')",
    "COMMENT ON TABLE t IS 'DELETE FROM t' -- DROP TABLE t",
    'SELECT "drop", "table" FROM t',
]


def codes(text: str) -> list[str]:
    return [finding.code for finding in lint.check(script.parse(text))]


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in BROKEN.items() for text in texts])
def test_each_rule_finds_what_it_is_about(code, text):
    assert code in codes(text)


@pytest.mark.parametrize("text", SAFE)
def test_what_is_safe_is_left_alone(text):
    assert codes(text) == []


def test_every_rule_is_proved_above():
    assert BROKEN.keys() | {"not-repeatable"} == RULES.keys()


def test_a_finding_says_where_it_is_what_is_wrong_and_what_to_write():
    [finding] = lint.check(script.parse("SELECT 1;\n\nCREATE INDEX i ON orders (x);"))
    assert (finding.line, finding.offset) == (3, 11)
    assert str(finding) == (
        "index-without-concurrently: CREATE INDEX on orders stops all writes to it until the index is built;"
        " instead: CREATE INDEX CONCURRENTLY in a file that says `-- migrate: no-transaction`"
    )


def test_a_file_may_allow_itself_a_rule():
    text = "DROP TABLE t; ALTER TABLE u DROP COLUMN x"
    assert codes(text) == ["drop-table", "drop-column"]
    assert codes(f"-- migrate: allow=drop-table\n{text}") == ["drop-column"]


def test_a_misspelt_rule_is_told_with_its_neighbour():
    assert lint.unknown(["drop-column"]) == ()
    assert lint.unknown(["drop-colum", "xyz"]) == (
        "unknown lint rule 'drop-colum' (did you mean 'drop-column'?)",
        "unknown lint rule 'xyz'",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (x)", []),
        ("CREATE INDEX CONCURRENTLY i ON t (x)", ["not-repeatable"]),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", []),
        ("DROP INDEX CONCURRENTLY i", ["not-repeatable"]),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", []),
        ("REINDEX TABLE CONCURRENTLY t", []),
        ("VACUUM t", []),
    ],
)
def test_outside_a_transaction_a_statement_must_bear_to_be_repeated(text, expected):
    assert codes(f"-- migrate: no-transaction\n{text}") == expected


def test_all_actions_of_one_alter_table_are_judged():
    text = "ALTER TABLE IF EXISTS ONLY app.t ADD COLUMN a numeric(10, 2) NOT NULL, DROP COLUMN b, ALTER c TYPE text"
    assert codes(text) == ["not-null-without-default", "drop-column", "alter-type"]
