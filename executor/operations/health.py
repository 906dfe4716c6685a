"""Whether the database could serve a command now: asked by probes, so it starts nothing and changes nothing."""

from __future__ import annotations

import os

from msgspec import Struct
from psycopg import Connection

from executor.database import relocation, schema, translate
from executor.database.connection import Database
from executor.database.embedded import ServerStatus
from executor.errors import DatabaseError
from sql import current, numbering


class Health(Struct, frozen=True):
    """`ready`: a command would not be refused. `migration` is that of our schema, None before the first command."""

    reachable: bool
    ready: bool
    migration: int | None = None
    version: str | None = None
    wrong: DatabaseError | None = None


def read(database: Database) -> Health:
    """Ask. An embedded server that does not run is not reachable, and ready: the next command starts it."""
    if database.embedded and not database.is_up:
        return Health(reachable=False, ready=True)
    try:
        with database.visit("status") as connection, translate.errors(database.where()):
            return _of(connection, database)
    except DatabaseError as error:
        return Health(reachable=False, ready=False, wrong=error)


def _of(connection: Connection[tuple[object, ...]], database: Database) -> Health:
    number = connection.info.server_version
    version = f"{number // 10000}.{number % 10000}"
    applied = current.versions(connection, numbering.OUR_SET)
    newest = applied[-1] if applied else None
    try:
        database.check(connection)
        relocation.refuse(connection, database.where())
        schema.refuse_newer(connection)
    except DatabaseError as error:
        return Health(reachable=True, ready=False, migration=newest, version=version, wrong=error)
    return Health(reachable=True, ready=True, migration=newest, version=version)


def told(database: Database, found: Health) -> dict[str, object]:
    """What `db status --json` says, and a worker over HTTP."""
    facts = _of_embedded(database.server().status()) if database.embedded else _of_server(database, found)
    return facts | verdict(found)


def verdict(found: Health) -> dict[str, object]:
    """The part of it that is the same for every server."""
    wrong = found.wrong
    return {
        "reachable": found.reachable,
        "ready": found.ready,
        "migration": found.migration,
        "wrong": wrong and {"code": wrong.code, "message": wrong.message, "hint": wrong.hint},
    }


def _of_server(database: Database, found: Health) -> dict[str, object]:
    try:
        where = database.where()
    except DatabaseError:
        where = None  # it cannot be understood, which `wrong` says
    state = "running" if found.reachable else "unreachable"
    return {"kind": "server", "where": where, "state": state, "version": found.version}


def _of_embedded(found: ServerStatus) -> dict[str, object]:
    return {
        "kind": "embedded",
        "state": found.state.value,
        "version": found.version,
        "port": found.port,
        "pid": found.pid,
        "data": os.fspath(found.data) if found.data else None,
        "binaries": os.fspath(found.binaries) if found.binaries else None,
        "account": found.account,
        "kept": found.kept,
        "in_use": found.in_use,
        "log": os.fspath(found.log) if found.log else None,
    }
