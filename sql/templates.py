"""Databases for tests: the folder is applied once, and each test gets a copy of the result."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Unpack

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from sql import apply, folder, lock
from sql.runner import Options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "executor_template_"


def template(server: str, path: Path, **options: Unpack[Options]) -> str:
    """The name of a database to which the folder was applied, made if it is not there yet.

    `server` is a conninfo of any database of the server, for a role that may create databases. The name is told by
    the folder's SQL, so that an edit makes another one; many processes may ask at once.
    """
    name = PREFIX + _digest(path, options)
    with psycopg.connect(server, autocommit=True) as connection:
        turn = lock.Turn(lock.key("template", name), application=f"executor {name}")
        with lock.session(connection, turn):
            if not _exists(connection, name):
                _build(connection, server, name, path, options)
    return name


def clone(server: str, name: str, new: str | None = None) -> str:
    """The conninfo of a new database that is a copy of a template; whoever asked for it drops it."""
    new = new or f"executor_test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(new), sql.Identifier(name)))
    return make_conninfo(server, dbname=new)


def drop(conninfo: str, server: str) -> None:
    """Remove a database, whoever is still connected to it."""
    name = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(str(name))))


@contextmanager
def database(server: str, path: Path, **options: Unpack[Options]) -> Iterator[str]:
    """The conninfo of a database with the folder applied, dropped at the end: what a pytest fixture yields."""
    made = clone(server, template(server, path, **options))
    try:
        yield made
    finally:
        drop(made, server)


def _digest(path: Path, options: Options) -> str:
    files = folder.load(path)
    said = [migration.checksum for migration in (*files.migrations, *files.repeatables)]
    said += [f"{name}={value}" for name, value in sorted(options.get("values", {}).items())]
    said += [options.get("set_name", "main"), options.get("scope", "")]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:16]


def _build(connection: Connection[Any], server: str, name: str, path: Path, options: Options) -> None:
    """Under another name until it is whole: a killed process leaves no half template."""
    building = f"{name}_building"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(building)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
    with psycopg.connect(server, dbname=building, autocommit=True) as inside:
        if scope := options.get("scope"):
            inside.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(scope)))
        apply.up(inside, path, **options)
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
    connection.execute(rename)


def _exists(connection: Connection[Any], name: str) -> bool:
    return connection.execute("SELECT FROM pg_catalog.pg_database WHERE datname = %s", [name]).fetchone() is not None
