"""Every schema of ours that anybody may have becomes today's, and keeps what was in it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

import sql
from executor.database import schema
from sql import numbering

RELEASED = sorted((Path(__file__).parent / "released").glob("*.sql"))
LIST = "INSERT INTO executor.executor_state (task_list_path, title) VALUES ('/lists/old.md', 'Kept')"


def restore(connection, path: Path) -> None:
    connection.execute(path.read_bytes(), prepare=False)
    connection.execute("RESET ALL")


@pytest.mark.parametrize("dump", RELEASED, ids=lambda path: path.stem)
def test_a_schema_from_before_becomes_that_of_today(dump, database, ready_database):
    with psycopg.connect(database, autocommit=True) as old, psycopg.connect(ready_database, autocommit=True) as new:
        restore(old, dump)
        old.execute(LIST)
        schema.ensure(old)
        assert sql.fingerprint(old, ["executor"]) == sql.fingerprint(new, ["executor"])
        assert old.execute("SELECT title FROM executor.executor_state").fetchall() == [("Kept",)]
        found = sql.status(old, numbering.OURS, set_name=numbering.OUR_SET)
        assert found.current
        schema.ensure(old)


def test_there_is_a_dump_of_the_first_one():
    assert [path.stem for path in RELEASED][:1] == ["0001_core"]
