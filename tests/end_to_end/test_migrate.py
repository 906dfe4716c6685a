"""The `migrate` commands as people type them. Numbers are those of the cases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

PAIR = "CREATE TABLE {0} (a int);\n\n-- migrate: down\nDROP TABLE {0};\n"


@dataclass
class Shop:
    """A folder with migrations, and the database they are for."""

    home: Path
    database: str

    def write(self, name: str, text: str) -> Path:
        path = self.home / "migrations" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *words: str, database: str | None = "", **environ: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment.pop("DATABASE_URL", None)
        environment |= {"EXECUTOR_HOME": str(self.home / "home"), **environ}
        chosen = self.database if database == "" else database
        if chosen:
            environment["DATABASE_URL"] = chosen
        command = [sys.executable, "-m", "executor", "migrate", *words]
        return subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def json(self, *words: str) -> object:
        return json.loads(self.run(*words, "--json").stdout)

    def ask(self, query: str) -> object:
        with psycopg.connect(self.database, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        return row and row[0]


@pytest.fixture
def shop(database: str, tmp_path: Path) -> Iterator[Shop]:
    return Shop(tmp_path, database)


def test_75_from_the_first_file_to_its_undoing(shop):
    begun = shop.run("new", "Create Orders!")
    assert (begun.returncode, begun.stdout) == (0, "migrations/0001_create_orders.sql\n")
    shop.write("0001_create_orders", PAIR.format("orders"))
    pending = shop.run("status", "--check")
    assert (pending.returncode, pending.stdout) == (10, "  0001_create_orders  pending\n1 file · 1 pending\n")
    assert shop.run("plan").returncode == 10
    done = shop.run("up")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("  0001_create_orders  applied  ")
    assert shop.run("up").stdout == "nothing to do\n"
    assert shop.run("plan").returncode == shop.run("status", "--check").returncode == 0
    assert shop.run("down").returncode == 2
    assert "say --yes" in shop.run("down").stderr
    assert shop.run("down", "--yes").returncode == 0
    assert shop.ask("SELECT to_regclass('orders')") is None
    assert shop.run("down", "--yes").stdout == "nothing to undo\n"


def test_75_an_error_in_the_sql_ends_with_1_and_says_file_line_and_what_stands(shop):
    shop.write("0001_a", "CREATE TABLE orders (total int);")
    shop.write("0002_b", "UPDATE orders\n  SET total = totl * 1.2;\n")
    done = shop.run("up")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        'error: migrations/0002_b.sql:2:15: column "totl" does not exist [42703]',
        "    1 | UPDATE orders",
        "    2 |   SET total = totl * 1.2;",
        'hint (server): Perhaps you meant to reference the column "orders.total".',
        "  hint: 0002_b was rolled back, 0001 is the last applied; mend the file and run it again",
    ]


def test_75_bad_files_end_with_2_and_all_are_told(shop):
    shop.write("0001_a", "COMMIT;")
    shop.write("0002_b", "-- migrate: no-transactions")
    for words in (["up"], ["check"], ["status"]):
        done = shop.run(*words)
        assert done.returncode == 2
        assert "migrations/0001_a.sql:1:1: COMMIT" in done.stderr
        assert "migrations/0002_b.sql:1:1: unknown directive 'no-transactions'" in done.stderr
    faults = shop.json("check")["faults"]
    assert [(fault["path"], fault["line"]) for fault in faults] == [
        ("migrations/0001_a.sql", 1),
        ("migrations/0002_b.sql", 1),
    ]


def test_75_a_history_that_differs_ends_with_3_and_names_the_ways_out(shop):
    for number, name in enumerate("ac", 1):
        shop.write(f"{number * 2 - 1:04d}_{name}", PAIR.format(name))
    shop.run("up")
    shop.write("0002_b", PAIR.format("b"))
    shop.write("0001_a", PAIR.format("another"))
    done = shop.run("up")
    assert done.returncode == 3
    assert "edited   migrations/0001_a.sql" in done.stderr
    assert "`resolve N rebless` accepts it" in done.stderr
    assert "`executor migrate renumber FILE` gives it the next free number" in done.stderr
    status = shop.run("status")
    assert status.returncode == 3
    assert "EDITED" in status.stdout
    assert "LATE" in status.stdout
    assert shop.run("verify").returncode == 3
    assert "+CREATE TABLE another (a int);" in shop.run("verify", "1").stdout
    assert shop.run("resolve", "1", "rebless").returncode == 0
    renumbered = shop.run("renumber", "migrations/0002_b.sql")
    assert renumbered.stdout == "0002_b.sql -> 0004_b.sql\n", renumbered.stderr
    assert shop.run("up").returncode == 0
    assert shop.run("renumber", "migrations/0003_c.sql").returncode == 3


def test_75_no_database_ends_with_4_and_the_embedded_server_is_never_used_unasked(shop):
    shop.write("0001_a", "SELECT 1;")
    done = shop.run("up", database=None)
    assert done.returncode == 4
    assert "no database is named" in done.stderr
    assert not (shop.home / "home").exists()
    gone = shop.run("up", database="postgresql://localhost:1/none")
    assert gone.returncode == 4


def test_a_target_and_a_folder_may_stand_in_a_file(shop):
    folder = shop.home / "db" / "sql"
    folder.mkdir(parents=True)
    (folder / "0001_a.sql").write_text("CREATE TABLE a ();")
    config = shop.home / "executor.toml"
    config.write_text(f'[migrate]\nfolder = "db/sql"\ntarget = "{shop.database}"\n')
    done = shop.run("up", database=None)
    assert done.returncode == 0, done.stderr
    config.write_text("[migrate]\ntarjet = 1\n")
    assert "unknown setting 'tarjet' in [migrate]" in shop.run("up").stderr
    config.unlink()
    assert "no migrations/ and no db/migrations/ here" in shop.run("up").stderr


def test_77_a_password_is_never_printed(shop):
    shop.write("0001_a", "SELECT nope;")
    host = dict(word.split("=") for word in shop.database.split())
    url = f"postgresql://postgres:verysecret@/{host['dbname']}?host={host['host']}&port={host['port']}"
    wrong = f"postgresql://postgres:verysecret@localhost:1/{host['dbname']}"
    for database in (url, wrong):
        for verb in ("up", "status", "plan", "verify"):
            done = shop.run(verb, "--database-url", database, database=None, EXECUTOR_LOG="debug")
            assert "verysecret" not in done.stdout + done.stderr


def test_76_there_is_no_colour_where_there_is_no_terminal(shop):
    shop.write("0001_a", "SELECT 1;")
    assert "\x1b" not in shop.run("status").stdout
    done = shop.run("up")
    assert "\x1b" not in done.stdout + done.stderr


def test_74_json_has_these_fields(shop):
    shop.write("0001_a", PAIR.format("a"))
    shop.write("repeat/v", "CREATE OR REPLACE VIEW v AS SELECT 1 AS one;")
    pending = shop.json("plan")["pending"]
    assert [set(one) for one in pending] == [
        {"version", "name", "label", "path", "transaction", "sql", "findings", "locks"}
    ] * 2
    applied = shop.json("up")
    assert set(applied) == {"applied", "newest"}
    assert [one["label"] for one in applied["applied"]] == ["0001_a", "repeat/v"]
    status = shop.json("status")
    assert set(status) == {"migrations", "counts"}
    assert set(status["migrations"][0]) == {"version", "name", "label", "kind", "standing", "applied_at", "detail"}
    assert set(shop.json("verify")) == {"sound", "problems", "unfinished", "invalid_indexes", "drift", "shadow"}
    assert set(shop.json("check")) == {"files", "faults", "findings"}
    assert set(shop.json("resolve", "1", "rebless")) == {"before", "after"}
    assert set(shop.json("redo", "--yes")) == {"applied", "newest"}
    assert set(shop.json("down", "--yes")) == {"undone", "newest"}
    assert set(shop.json("baseline", "1")) == {"recorded"}
    assert set(shop.json("new", "b")) == {"path"}
    assert set(shop.json("renumber", "migrations/0002_b.sql")) == {"from", "to", "checked"}
    assert set(shop.json("squash", "--upto", "3", "--yes")) == {"path", "replaced"}


def test_29_a_database_from_before_is_dumped_into_the_first_file_of_its_folder(shop):
    assert shop.run("baseline", "1", "--dump").returncode == 2
    with psycopg.connect(shop.database, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE orders (id bigint PRIMARY KEY, note text); CREATE INDEX notes ON orders (note)"
        )
        connection.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$")
    done = shop.run("baseline", "1", "--dump")
    assert (done.returncode, done.stderr) == (0, "wrote migrations/0001_baseline.sql\n")
    assert done.stdout == "1 file recorded as applied, up to 0001_baseline; nothing was run\n"
    assert shop.run("up").stdout == "nothing to do\n"
    assert shop.run("check").returncode == 0
    assert shop.run("verify", "--shadow").returncode == 0
    assert "has 0001_baseline already" in shop.run("baseline", "1", "--dump").stderr


def test_drift_is_told_in_words_and_a_shadow_tells_what_the_files_alone_would_make(shop):
    shop.write("0001_a", "CREATE TABLE orders (id bigint PRIMARY KEY, note text); CREATE INDEX notes ON orders (note);")
    shop.write("repeat/v", "CREATE OR REPLACE VIEW v AS SELECT 1 AS one;")
    assert shop.run("up").returncode == 0
    shop.write("0002_pending", "CREATE TABLE later ();")
    same = shop.run("verify", "--shadow")
    assert same.returncode == 0, same.stdout + same.stderr
    assert same.stdout.endswith("left; the files make the same schema in an empty database\n")
    with psycopg.connect(shop.database, autocommit=True) as connection:
        connection.execute("ALTER TABLE orders ALTER note SET NOT NULL; DROP INDEX notes; CREATE TABLE by_hand (a int)")
    found = shop.run("verify", "--shadow")
    words = [
        "column note of public.orders should not be not null",
        "index notes of public.orders is missing",
        "table public.by_hand is there, and no migration made it",
    ]
    assert found.returncode == 3
    assert found.stdout.splitlines() == [
        "  DRIFT    the schema is not what repeat/v left: something else changed it",
        *(f"      {line}" for line in words),
        *(f"  SHADOW   {line}" for line in words),
    ]
    shown = shop.json("verify")
    assert [f"{one['thing']} {one['text']}" for one in shown["drift"]["differences"]] == words
    assert (shown["sound"], shown["shadow"]) == (False, None)
    shop.run("up")
    assert shop.run("verify").returncode == 0
    assert shop.run("verify", "--shadow").returncode == 3
    assert shop.ask("SELECT count(*) FROM pg_database WHERE datname LIKE 'executor_shadow%'") == 0


def test_72_a_hundred_tenants_of_which_one_fails(shop):
    shop.write("0001_a", "CREATE TABLE a (x int);")
    with psycopg.connect(shop.database, autocommit=True) as connection:
        for number in range(100):
            connection.execute(f"CREATE SCHEMA t{number:03d}")
        connection.execute("CREATE TABLE t042.a ()")
    query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 't0%' ORDER BY 1"
    done = shop.run("up", "--schemas", query)
    assert done.returncode == 1
    assert done.stdout.endswith("100 schemas · 1 failed\n")
    assert 'relation "a" already exists' in done.stderr
    assert shop.ask("SELECT count(*) FROM executor.migration") == 99
    with psycopg.connect(shop.database, autocommit=True) as connection:
        connection.execute("DROP TABLE t042.a")
    results = shop.json("up", "--schemas", query)["schemas"]
    assert [one["schema"] for one in results if one["applied"]] == ["t042"]


def test_a_file_that_takes_its_time_is_told_to_be_running(shop):
    shop.write("0001_slow", "SELECT pg_sleep(1.6);")
    done = shop.run("up")
    assert done.returncode == 0
    assert "  0001_slow  running 1." in done.stderr


def test_53_what_the_server_says_is_shown_with_its_file(shop):
    shop.write(
        "0001_a", "CREATE TABLE a (); CREATE TABLE IF NOT EXISTS a (); DO $$BEGIN RAISE WARNING 'take care'; END$$;"
    )
    errors = shop.run("up").stderr
    assert '0001_a  NOTICE: relation "a" already exists, skipping' in errors
    assert "0001_a  WARNING: take care" in errors


def test_6_an_interrupted_command_ends_with_130(shop):
    shop.write("0001_a", "CREATE TABLE a (); SELECT pg_sleep(30);")
    environment = os.environ | {"DATABASE_URL": shop.database}
    command = [sys.executable, "-m", "executor", "migrate", "up"]
    with subprocess.Popen(command, cwd=shop.home, env=environment, stderr=subprocess.PIPE, text=True) as runner:
        assert runner.stderr is not None
        assert "running" in runner.stderr.readline()
        runner.send_signal(2)
        assert runner.wait(timeout=20) == 130
    assert shop.ask("SELECT to_regclass('a')") is None


def test_values_and_sets_are_named_by_one_option(shop):
    shop.write("0001_a", "CREATE TABLE a AS SELECT current_setting('app.region') AS region;")
    assert shop.run("up", "--set", "app.region=eu", "--set", "shop").returncode == 0
    assert shop.ask("SELECT region FROM a") == "eu"
    assert shop.ask("SELECT set_name FROM executor.migration") == "shop"
    assert shop.run("up", "--set", "region=eu").returncode == 2


def test_a_trial_shows_the_locks_that_were_taken(shop):
    shop.write("0001_a", "CREATE TABLE a (x int);")
    shop.run("up")
    shop.write("0002_b", "ALTER TABLE a ADD y int;")
    shown = shop.run("plan", "--try", "--sql")
    assert shown.returncode == 10
    assert "    ALTER TABLE a ADD y int;" in shown.stdout
    assert "  locks a: ACCESS EXCLUSIVE" in shown.stdout
    assert shop.ask("SELECT count(*) FROM executor.migration") == 1


def test_a_database_for_tests_is_a_copy(shop):
    shop.write("0001_a", "CREATE TABLE a (x int);")
    made = shop.json("testdb")
    server = shop.database.rpartition(" dbname=")[0]
    try:
        with psycopg.connect(f"{server} dbname={made['database']}") as connection:
            assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)
        assert shop.json("testdb", "--name", "second_copy")["template"] == made["template"]
    finally:
        with psycopg.connect(shop.database, autocommit=True) as connection:
            for name in (made["database"], "second_copy", made["template"]):
                connection.execute(f"DROP DATABASE IF EXISTS {name}")
