"""A folder of migrations, and runners to apply it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

import sql
from sql import apply, current
from sql.apply import Applied
from sql.ledger import Ledger
from sql.notices import Notice


@dataclass
class Project:
    """A folder of migrations, and a connection to the database it belongs to."""

    database: str
    folder: Path
    connection: Connection[Any]
    notices: list[Notice] = field(default_factory=list)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / f"{name}.sql"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def up(self, connection: Connection[Any] | None = None, **options: Any) -> Applied:
        options = {"set_name": "main", "tool": "test 1.0", "report": self.notices.append} | options
        return apply.up(connection or self.connection, self.folder, **options)

    def ledger(self) -> Ledger:
        return Ledger(self.connection, "main", "", "test 1.0")

    def is_current(self) -> bool:
        return current.is_current(self.connection, self.folder, "main")

    def start(self, *, lock_wait: float = 60) -> subprocess.Popen[str]:
        """A runner in a process of its own, that can be killed."""
        program = (
            "import psycopg, sys; from datetime import timedelta; from pathlib import Path; from sql import apply\n"
            "with psycopg.connect(sys.argv[1], autocommit=True, application_name='runner') as connection:\n"
            "    done = apply.up(connection, Path(sys.argv[2]), set_name='main', tool='test 1.0',\n"
            "                    lock_wait=timedelta(seconds=float(sys.argv[3])))\n"
            "print(*[migration.version for migration in done.migrations])"
        )
        return subprocess.Popen(
            [sys.executable, "-c", program, self.database, self.folder, str(lock_wait)],
            cwd=Path(sql.__file__).parents[1],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, query: str) -> Any:
        """The one value of a query."""
        row = self.connection.execute(query).fetchone()
        return row and row[0]

    def versions(self) -> list[int]:
        rows = self.connection.execute("SELECT version FROM executor.migration WHERE set_name = 'main' ORDER BY 1")
        return [version for (version,) in rows]


@pytest.fixture
def project(database: str, tmp_path: Path) -> Iterator[Project]:
    folder = tmp_path / "migrations"
    folder.mkdir()
    with psycopg.connect(database, autocommit=True) as connection:
        yield Project(database, folder, connection)
