"""`docs schema`, `migrate dump` and `migrate import` as people type them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

OLD = {
    "20200101000000_orders.sql": (
        "-- migrate:up\nCREATE TABLE orders (id int); -- ours\n-- migrate:down\nDROP TABLE orders;\n"
    ),
    "20200102000000_note.sql": "-- migrate:up\nALTER TABLE orders ADD note text;\n",
}


@pytest.fixture
def run(tmp_path: Path, database: str) -> Run:
    def start(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        kept |= {"EXECUTOR_HOME": str(tmp_path / "home"), "DATABASE_URL": database, **environ}
        command = [sys.executable, "-m", "executor", *words]
        return subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False, timeout=60)

    return start


@pytest.fixture
def shop(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE orders (id integer PRIMARY KEY, note text)")
        connection.execute("COMMENT ON TABLE orders IS 'Who bought what'")
    return database


def test_the_schema_is_described_in_every_format(run, shop):
    assert "### public.orders\n\nWho bought what\n" in run("docs", "schema").stdout
    assert run("docs", "schema", "--format", "mermaid").stdout.startswith("erDiagram\n")
    assert run("docs", "schema", "--format", "dot").stdout.startswith('digraph "Schema" {\n')
    assert "<title>The shop</title>" in run("docs", "schema", "--format", "html", "--title", "The shop").stdout
    assert json.loads(run("docs", "schema", "--format", "json").stdout)["relations"][0]["comment"] == "Who bought what"
    assert run("docs", "schema", "--schema", "nothing").stdout == "# Schema\n"
    wrong = run("docs", "schema", "--format", "word")
    assert (wrong.returncode, wrong.stderr) == (
        2,
        "error: --format word: no such format\n  hint: one of markdown, mermaid, dot, html, json\n",
    )


def test_a_dump_is_kept_in_a_file_and_compared_in_ci(run, shop, tmp_path):
    assert run("migrate", "dump", "-o", "schema.sql").stdout == "schema.sql written\n"
    assert (tmp_path / "schema.sql").read_text() == run("migrate", "dump").stdout
    assert run("migrate", "dump", "-o", "schema.sql").stdout == "schema.sql is up to date\n"
    assert run("migrate", "dump", "-o", "schema.sql", "--check").returncode == 0
    with psycopg.connect(shop) as connection:
        connection.execute("ALTER TABLE orders ADD total numeric")
    before = (tmp_path / "schema.sql").read_text()
    outdated = run("migrate", "dump", "-o", "schema.sql", "--check")
    assert outdated.returncode == 10
    assert "schema.sql is out of date" in outdated.stderr
    assert (tmp_path / "schema.sql").read_text() == before


def test_neither_writes_anything_into_the_database(run, shop):
    run("docs", "schema")
    run("migrate", "dump")
    with psycopg.connect(shop) as connection:
        assert connection.execute("SELECT to_regnamespace('executor')").fetchone() == (None,)


def old(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    for name, text in OLD.items():
        (tmp_path / "old" / name).write_text(text)


def test_another_tool_s_folder_is_converted_and_every_decision_told(run, tmp_path):
    old(tmp_path)
    done = run("migrate", "import", "old", "--from", "dbmate")
    assert done.returncode == 0
    assert done.stdout == (
        "20200102000000_note.sql: has no way down, and so has the file made of it\n2 files written to migrations\n"
    )
    expected = "CREATE TABLE orders (id int); -- ours\n-- migrate: down\nDROP TABLE orders;\n"
    assert (tmp_path / "migrations" / "20200101000000_orders.sql").read_text() == expected
    assert run("migrate", "up").returncode == 0
    again = run("migrate", "import", "old", "--from", "dbmate")
    assert again.returncode == 2
    assert "migrations is not empty" in again.stderr


def test_what_the_other_tool_applied_is_a_baseline(run, database, tmp_path):
    old(tmp_path)
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE orders (id int); CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
        connection.execute("INSERT INTO schema_migrations VALUES ('20200101000000')")
    done = run("migrate", "import", "old", "--from", "dbmate", "--database-url", database, "--json")
    assert json.loads(done.stdout)["baseline"] == 20200101000000
    status = json.loads(run("migrate", "status", "--json").stdout)
    assert [one["standing"] for one in status["migrations"]] == ["applied", "pending"]
    assert run("migrate", "up").returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--from", "dbmate"], "error: nowhere: no such folder\n"),
        (["old", "--from", "dbmat"], "error: --from dbmat: no such tool\n"),
        (["old", "--from", "goose"], "error: 20200101000000_orders.sql: no part that says it is the way up\n"),
    ],
)
def test_what_cannot_be_imported_is_told_and_nothing_is_written(run, tmp_path, words, message):
    old(tmp_path)
    refused = run("migrate", "import", *words)
    assert refused.returncode == 2
    assert refused.stderr.startswith(message)
    assert not (tmp_path / "migrations").exists()
