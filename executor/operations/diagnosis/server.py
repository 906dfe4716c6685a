"""The server and what is in it: settings that matter, room, age, workers, lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.rows import class_row

from executor import clock, processes
from executor.database import translate
from executor.database.connection import Database
from executor.operations.diagnosis.finding import Finding
from sql import numbering, queries

HEALTH = queries.load("health")
_OLD_TRANSACTION = timedelta(minutes=5)
_OLD_PREPARED = timedelta(minutes=5)
_TIMEOUT_MIN = timedelta(seconds=1)
_SKEW_MAX = 5.0
_DEAD_ROWS = 200_000


class Facts(Struct, frozen=True):
    """What one look at the server says; timeouts are of this role, in milliseconds."""

    fsync: str
    full_page_writes: str
    synchronous_commit: str
    encoding: str
    locale: str
    checksums: str
    standbys: int
    idle_slots: int
    prepared: timedelta | None
    oldest: timedelta | None
    connections: int
    connections_max: int
    timeouts: dict[str, int]
    dead_table: str | None
    dead_rows: int
    live_rows: int
    now: datetime


def examine(database: Database) -> Iterator[Finding]:
    """Everything that a connection can tell."""
    with database.connect("doctor") as connection, translate.errors(database.where()):
        version = connection.info.server_version
        yield Finding(
            "server", well=True, seen=f"PostgreSQL {version // 10000}.{version % 10000} at {database.where()}"
        )
        with connection.cursor(row_factory=class_row(Facts)) as cursor:
            facts = cursor.execute(HEALTH.facts).fetchone()
        assert facts is not None, "one row"
        yield from _trust(facts)
        yield from _load(facts)
        yield _skew(facts)
        yield from _queue(connection)


def _trust(facts: Facts) -> Iterator[Finding]:
    """Can it be trusted with what was done?"""
    durable = facts.fsync == "on" and facts.full_page_writes == "on" and facts.synchronous_commit != "off"
    yield Finding(
        "durability",
        durable,
        f"fsync {facts.fsync}, full_page_writes {facts.full_page_writes}, "
        f"synchronous_commit {facts.synchronous_commit}",
        "set all to on: a power cut may otherwise lose what was recorded as done",
    )
    yield Finding("checksums", well=True, seen=facts.checksums)
    yield Finding(
        "encoding",
        facts.encoding == "UTF8",
        f"{facts.encoding}, locale {facts.locale}",
        "make a database with ENCODING 'UTF8' and move the queue: executor db move --to URL",
    )
    short = [f"{name} {ms} ms" for name, ms in facts.timeouts.items() if 0 < ms < _TIMEOUT_MIN.total_seconds() * 1000]
    set_ = [f"{name} {ms} ms" for name, ms in facts.timeouts.items() if ms]
    yield Finding(
        "timeouts",
        not short,
        ", ".join(short or set_) or "none set",
        "ALTER ROLE … SET … to a second or more: turns are undone and tried again until they fit",
    )


def _load(facts: Facts) -> Iterator[Finding]:
    """Has it room, and does nobody keep it from cleaning up?"""
    old = facts.oldest is not None and facts.oldest > _OLD_TRANSACTION
    yield Finding(
        "transactions",
        not old,
        f"oldest open for {facts.oldest}" if old else "none open for long",
        "end the client that holds it open: it keeps dead rows from being cleaned and events from being shown",
    )
    forgotten = facts.prepared is not None and facts.prepared > _OLD_PREPARED
    yield Finding(
        "replication",
        not (forgotten or facts.idle_slots),
        f"{facts.standbys} standbys, {facts.idle_slots} slots that nobody reads"
        + (f", a prepared transaction open for {facts.prepared}" if forgotten else ""),
        "drop slots that nobody reads (pg_drop_replication_slot) and end prepared transactions (ROLLBACK PREPARED): "
        "both keep the disk filling up",
    )
    yield Finding(
        "connections",
        facts.connections < 0.9 * facts.connections_max,
        f"{facts.connections} of {facts.connections_max}",
        "raise max_connections, or end idle clients",
    )
    bloated = facts.dead_rows > max(_DEAD_ROWS, facts.live_rows)
    yield Finding(
        "bloat",
        not bloated,
        f"{facts.dead_rows} dead rows in {facts.dead_table}" if facts.dead_table else "no table yet",
        f"VACUUM {facts.dead_table}; is autovacuum on, and no old transaction in its way?",
    )


def _skew(facts: Facts) -> Finding:
    seconds = clock.wall_ns() / 1e9 - facts.now.timestamp()
    return Finding(
        "clock",
        abs(seconds) <= _SKEW_MAX,
        f"{seconds:+.1f} s from the server's",
        "set this machine's clock by the network; the server's decides, but times that are shown will surprise",
    )


def _queue(connection: Connection[Any]) -> Iterator[Finding]:
    newest, workers, late = _row(connection, HEALTH.schema)
    known = numbering.versions(numbering.OURS)[-1]
    yield Finding("schema", well=True, seen=f"migration {newest:04d} of {known:04d}")
    yield Finding(
        "executors",
        late == 0,
        f"{workers} at work" + (f", {late} whose lease is over" if late else ""),
        "`executor run` takes back what they held; `executor workers` shows them",
    )
    here = [path for path, host in connection.execute(HEALTH.lists).fetchall() if host == processes.own().host]
    gone = [path for path in here if not Path(path).exists()]
    seen = f"{len(here)} from this machine" + (f", {len(gone)} without a file, such as {gone[0]}" if gone else "")
    yield Finding("lists", well=True, seen=seen)


def _row(connection: Connection[Any], query: bytes) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None, "one row"
    return tuple(row)
