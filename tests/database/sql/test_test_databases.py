"""The page about databases for tests, tried as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

import sql
from sql import templates

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "how-to" / "test-databases.md"
TESTS = """
import psycopg, pytest

@pytest.mark.parametrize("name", ["a", "b"])
def test_each_has_its_own(database_url, name):
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO orders VALUES (%s)", [name])
        assert connection.execute("SELECT * FROM orders").fetchall() == [(name,)]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_orders.sql").write_text("CREATE TABLE orders (name text);")
    for number in range(2, 60):
        (folder / f"{number:04d}_t.sql").write_text(f"CREATE TABLE t_{number} (id integer PRIMARY KEY, note text);")
    return tmp_path


def names(server: str) -> set[str]:
    with psycopg.connect(f"{server} dbname=postgres") as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}


def test_the_fixture_of_the_page_gives_every_test_a_database(project, server):
    [block] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    fixture, replaced = re.subn(r'"postgres://[^"]*"', repr(f"{server} dbname=postgres"), block)
    assert replaced == 1
    (project / "conftest.py").write_text(fixture)
    (project / "test_orders.py").write_text(TESTS)
    before = names(server)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", project],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout
    [made] = names(server) - before
    assert made.startswith("executor_template_")


def test_the_history_is_applied_once_for_many_copies(project, server):
    place = f"{server} dbname=postgres"
    (project / "migrations" / "0060_more.sql").write_text("CREATE TABLE more (id integer);")
    before = names(server)
    for _ in range(3):
        with templates.database(place, project / "migrations", tool="test") as url, psycopg.connect(url) as connection:
            connection.execute("INSERT INTO orders VALUES ('a')")
            assert connection.execute("SELECT count(*) FROM orders").fetchone() == (1,)
    assert names(server) - before == {sql.template(place, project / "migrations", tool="test")}
