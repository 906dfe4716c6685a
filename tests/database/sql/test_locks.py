from __future__ import annotations

import psycopg
import pytest

from sql import locks
from sql.locks import Lock, Mode

GROUND = """
CREATE TABLE t (id integer PRIMARY KEY, n integer, name text, CONSTRAINT unproven CHECK (n > 0) NOT VALID);
CREATE TABLE other (id integer PRIMARY KEY, t_id integer);
CREATE TABLE parent (id integer, name text);
CREATE TABLE child (note text) INHERITS (parent);
CREATE TABLE parted (id integer) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
CREATE TABLE loose (id integer);
CREATE INDEX t_n ON t (n);
CREATE UNIQUE INDEX t_name ON t (name);
CREATE VIEW v AS SELECT id FROM other;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
CREATE UNIQUE INDEX m_one ON m (one);
CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE POLICY p ON t USING (true);
CREATE RULE r AS ON DELETE TO loose DO ALSO NOTHING;
"""

STATEMENTS = [
    "SELECT * FROM t",
    "SELECT * FROM t JOIN other USING (id)",
    "SELECT * FROM t FOR UPDATE",
    "WITH x AS (SELECT * FROM t) SELECT * FROM x",
    "SELECT * FROM generate_series(1, 2) AS g, LATERAL (SELECT 1) AS l",
    "INSERT INTO t (id) SELECT t_id FROM other",
    "UPDATE t SET n = 1 FROM other WHERE other.id = t.id",
    "UPDATE ONLY t SET n = extract(year FROM now())",
    "DELETE FROM t USING other WHERE other.id = t.id",
    "MERGE INTO t USING other ON t.id = other.id WHEN MATCHED THEN DELETE",
    "TRUNCATE t",
    "TRUNCATE TABLE t, other",
    "LOCK TABLE t",
    "LOCK TABLE t IN SHARE MODE",
    "LOCK t, other IN ROW EXCLUSIVE MODE",
    "ANALYZE t",
    "CLUSTER t USING t_n",
    "REINDEX INDEX t_n",
    "REINDEX TABLE t",
    "REFRESH MATERIALIZED VIEW m",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
    "CREATE TABLE fresh (id integer REFERENCES t, other_id integer REFERENCES public.other (id))",
    "CREATE TABLE fresh (LIKE t)",
    "CREATE TABLE fresh () INHERITS (parent)",
    "CREATE TABLE fresh PARTITION OF parted FOR VALUES FROM (10) TO (20)",
    "CREATE TABLE fresh AS SELECT * FROM t",
    "CREATE VIEW fresh AS SELECT * FROM t",
    "CREATE OR REPLACE VIEW v AS SELECT id FROM other WHERE id > 1",
    "CREATE MATERIALIZED VIEW fresh AS SELECT * FROM t",
    "CREATE INDEX fresh ON t (n)",
    "CREATE UNIQUE INDEX IF NOT EXISTS fresh ON ONLY t USING btree (n) WHERE n > 0",
    "CREATE TRIGGER fresh AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE RULE fresh AS ON DELETE TO t DO INSTEAD NOTHING",
    "CREATE POLICY fresh ON t USING (id > 0)",
    "ALTER POLICY p ON t USING (id > 0)",
    "CREATE STATISTICS fresh ON id, n FROM t",
    "CREATE TYPE fresh AS ENUM ('a')",
    "CREATE FUNCTION fresh() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "DROP TRIGGER g ON t",
    "DROP POLICY p ON t",
    "DROP RULE r ON loose",
    "DROP TABLE loose",
    "DROP TABLE IF EXISTS loose, child CASCADE",
    "DROP VIEW v",
    "DROP MATERIALIZED VIEW m",
    "DROP SEQUENCE s",
    "DROP INDEX t_n",
    "COMMENT ON TABLE t IS 'x'",
    "COMMENT ON COLUMN t.n IS 'x'",
    "GRANT SELECT ON t TO PUBLIC",
    "ALTER VIEW v RENAME TO w",
    "ALTER INDEX t_n RENAME TO t_m",
    "ALTER INDEX t_n SET (fillfactor = 50)",
    "ALTER SEQUENCE s INCREMENT BY 2",
    "ALTER SEQUENCE s RENAME TO s2",
    "ALTER TABLE t ADD COLUMN fresh integer",
    "ALTER TABLE IF EXISTS ONLY public.t ADD fresh integer DEFAULT 1",
    "ALTER TABLE t DROP COLUMN name",
    "ALTER TABLE t ALTER COLUMN n SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN n TYPE bigint",
    "ALTER TABLE t ALTER COLUMN n SET DEFAULT 1",
    "ALTER TABLE t ALTER COLUMN n SET STATISTICS 100",
    "ALTER TABLE t ALTER COLUMN n SET (n_distinct = 5)",
    "ALTER TABLE t ALTER COLUMN name SET STORAGE EXTERNAL",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 1)",
    "ALTER TABLE t ADD CONSTRAINT c UNIQUE (n)",
    "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX t_name",
    "ALTER TABLE other ADD FOREIGN KEY (t_id) REFERENCES t",
    "ALTER TABLE other ADD CONSTRAINT c FOREIGN KEY (t_id) REFERENCES t (id) NOT VALID",
    "ALTER TABLE other ADD COLUMN fresh integer REFERENCES t",
    "ALTER TABLE t VALIDATE CONSTRAINT unproven",
    "ALTER TABLE t DROP CONSTRAINT unproven",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE t RENAME COLUMN n TO k",
    "ALTER TABLE t SET (fillfactor = 50)",
    "ALTER TABLE t SET UNLOGGED",
    "ALTER TABLE t CLUSTER ON t_n",
    "ALTER TABLE t DISABLE TRIGGER g",
    "ALTER TABLE t ENABLE ALWAYS TRIGGER g",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "ALTER TABLE t OWNER TO CURRENT_USER",
    "ALTER TABLE parted ATTACH PARTITION loose FOR VALUES FROM (20) TO (30)",
    "ALTER TABLE parted DETACH PARTITION part_1",
    "ALTER TABLE child NO INHERIT parent",
    "ALTER TABLE t ADD COLUMN a integer, ALTER n SET STATISTICS 5",
]

# What a statement reaches that its words do not name: the table of an index, a trigger's own, a view behind a view.
REACHED = {
    "REINDEX INDEX t_n": {"t"},
    "DROP INDEX t_n": {"t"},
    "DROP TABLE IF EXISTS loose, child CASCADE": {"parent"},
    "GRANT SELECT ON t TO PUBLIC": {"t"},  # newer servers read the table's name under ACCESS SHARE
    "ALTER TABLE t DROP COLUMN name": {"t_name"},
}
IGNORED = {"t_pkey", "other_pkey", "t_n", "t_name", "m_one"}


@pytest.fixture(scope="module")
def ground(server):
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE lock_ground TEMPLATE template0")
    with psycopg.connect(f"{server} dbname=lock_ground") as connection:
        connection.execute(GROUND)
    yield f"{server} dbname=lock_ground"
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE lock_ground WITH (FORCE)")


def taken(connection: psycopg.Connection) -> dict[str, Mode]:
    """The strongest lock of this session on each relation that it did not make itself."""
    rows = connection.execute(
        """SELECT before.name, replace(l.mode, 'Lock', '')
        FROM pg_locks AS l JOIN before ON before.oid = l.relation
        WHERE l.pid = pg_backend_pid() AND l.granted"""
    ).fetchall()
    names = {mode.name.replace("_", "").lower(): mode for mode in Mode}
    found: dict[str, Mode] = {}
    for name, mode in rows:
        strength = names[mode.replace("_", "").lower()]
        found[name] = max(strength, found.get(name, strength))
    return found


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_words_tell_the_locks_that_the_server_takes(ground, statement):
    with psycopg.connect(ground, autocommit=True) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE before AS SELECT oid, relname::text AS name"
            " FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
        connection.execute("BEGIN")
        connection.execute(statement)
        found = taken(connection)
        connection.execute("ROLLBACK")
    told = {lock.relation.removeprefix("public."): lock.mode for lock in locks.of(statement)}
    reached = {name for name in found if name not in told and name not in REACHED.get(statement, set()) | IGNORED}
    assert {name: str(mode) for name, mode in told.items()} == {
        name: str(found[name]) for name in told if name in found
    }, found
    assert not reached, {name: str(found[name]) for name in reached}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (n)", [Lock("t", Mode.SHARE_UPDATE_EXCLUSIVE)]),
        (
            "DROP INDEX CONCURRENTLY IF EXISTS i, j",
            [Lock("i", Mode.SHARE_UPDATE_EXCLUSIVE), Lock("j", Mode.SHARE_UPDATE_EXCLUSIVE)],
        ),
        ("REINDEX TABLE CONCURRENTLY t", [Lock("t", Mode.SHARE_UPDATE_EXCLUSIVE)]),
        (
            "ALTER TABLE p DETACH PARTITION q CONCURRENTLY",
            [Lock("p", Mode.SHARE_UPDATE_EXCLUSIVE), Lock("q", Mode.SHARE_UPDATE_EXCLUSIVE)],
        ),
        ('ALTER TABLE "Odd"."T" DROP COLUMN x', [Lock('"Odd"."T"', Mode.ACCESS_EXCLUSIVE)]),
    ],
)
def test_what_runs_outside_a_transaction_is_told_too(statement, expected):
    assert list(locks.of(statement)) == expected
