"""What the files alone make, in a database of its own that is dropped again: what the real one is compared with."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Unpack

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from sql import catalogue, folder, steps
from sql.catalogue import Difference
from sql.folder import Folder
from sql.runner import Options, Runner, told

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


def differences(
    connection: Connection[Any], path: Path | Traversable, **options: Unpack[Options]
) -> tuple[Difference, ...]:
    """How the schema differs from what the files up to the newest applied one make in an empty database.

    Takes a role that may create databases. What another set made in the same schemas counts as a difference.
    """
    runner = Runner(connection, **options)
    files = folder.load(path)
    with told("the ledger was read"):
        newest = max((row.version for row in runner.ledger.read() if row.applied), default=0)
    applied = tuple(migration for migration in files.migrations if migration.version <= newest)
    schemas = [runner.scope] if runner.scope else None
    with told("the shadow database was made"), _scratch(connection) as shadow:
        if runner.scope:
            shadow.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(runner.scope)))
        steps.bring(Runner(shadow, **options | {"report": None}), Folder(applied, files.repeatables if applied else ()))
        expected = catalogue.read(shadow, schemas)
    with told("the schema was read"):
        return catalogue.differences(expected, catalogue.read(connection, schemas))


@contextmanager
def _scratch(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    """A connection to a new empty database on the same server."""
    name = f"executor_shadow_{secrets.token_hex(6)}"
    secret = {"password": connection.info.password} if connection.info.password else {}
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        conninfo = make_conninfo(connection.info.dsn, dbname=name, **secret)
        with psycopg.connect(conninfo, autocommit=True) as shadow:
            yield shadow
    finally:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
