"""A desk for each test: its own folder and home, and a database without anything of the tests before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.desk import Desk

_CLEAR = """
    SELECT pg_terminate_backend(pid, 5000)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    DELETE FROM executor.executor_state;
    DELETE FROM executor.worker;
    DELETE FROM executor.event;
    DELETE FROM executor.task_dependency
"""


@pytest.fixture(scope="session")
def shared_database(server: str, template: str) -> str:
    """The conninfo of one database for all desks: emptying it costs a tenth of making another."""
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE desks TEMPLATE {template}")
    return f"{server} dbname=desks"


def _desk(tmp_path: Path, database: str) -> Iterator[Desk]:
    folder, home = tmp_path / "work", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    made = Desk(folder, home, database)
    yield made
    made.clear()


@pytest.fixture
def desk(shared_database: str, tmp_path: Path) -> Iterator[Desk]:
    """A folder, a home and an empty queue."""
    with psycopg.connect(shared_database, autocommit=True) as connection:
        connection.execute(_CLEAR)
    yield from _desk(tmp_path, shared_database)


@pytest.fixture
def lone_desk(ready_database: str, tmp_path: Path) -> Iterator[Desk]:
    """As a desk, for tests that do things to the database itself."""
    yield from _desk(tmp_path, ready_database)
