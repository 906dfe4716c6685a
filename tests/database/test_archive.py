"""A queue in one file: what is put back is what was written, and nothing that is there is lost by it."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import psycopg
import pytest
from psycopg import IsolationLevel

from executor.database import archive, schema
from executor.database.archive import Source, room
from executor.errors import DatabaseError
from executor.operations import retention
from executor.operations.backup import Backup
from tests import make
from tests.pooler import pooling

RELEASED = Path(__file__).parent / "sql" / "released" / "0001_core.sql"
ODD = "\\.\n\t'%s' \"\u2028\U0001f600 \\N"
OUTPUT = bytes(range(256)) * 300


@pytest.fixture
def filled(connection):
    """A queue with everything in it that could be lost on the way."""
    list_id, _ = make.synced(connection, make.document(make.task(id="A"), make.task(id="B", depends_on=["A"])))
    connection.execute("UPDATE executor.executor_state SET title = %s", [ODD])
    connection.execute(
        "INSERT INTO executor.run (queue_id, worker_id, worker, attempt, status, ended_at, cpu_seconds) "
        "SELECT queue_id, 7, 'gone', 1, 'failed', now(), 0.1 FROM executor.task_queue"
    )
    connection.execute(
        "INSERT INTO executor.run_output (run_id, chunk, content) SELECT run_id, 0, %s FROM executor.run", [OUTPUT]
    )
    connection.execute(
        "INSERT INTO executor.event (list_id, kind, actor, detail) VALUES (%s, 'task.failed', 'x', '{\"s\": 1.50}')",
        [list_id],
    )
    return connection


def write(connection, path, sources=()):
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction():
        made = archive.write(connection, path, where="here", sources=sources)
    connection.isolation_level = None
    return made


def load(connection, path, *, replace=False, leap=0):
    with connection.transaction():
        aside = room.make(connection, "here", replace=replace)
        archive.load(connection, path, leap=leap)
    return aside


def everything(connection):
    """All rows of all tables by another way than the archive's own; transaction ids belong to one server."""
    names = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'executor'::regnamespace AND relkind = 'r' ORDER BY 1"
    ).fetchall()
    query = "SELECT count(*), md5(string_agg((to_jsonb(t) - 'xid')::text, '|' ORDER BY (to_jsonb(t) - 'xid')::text)) "
    return {name: connection.execute(f"{query} FROM executor.{name} AS t".encode()).fetchone() for (name,) in names}


def test_what_was_written_comes_back(filled, database, tmp_path):
    made = write(filled, tmp_path / "one", [Source("/lists/tasks.md", {"tasks.md": b"# L\n"}, as_read=True)])
    assert made.count("task_queue") == made.count("run") == 2
    with psycopg.connect(database, autocommit=True) as other:
        load(other, tmp_path / "one", leap=5)
        assert everything(other) == everything(filled)
        schema.ensure(other)
        visible = "SELECT count(*) FROM executor.event WHERE xid < pg_snapshot_xmin(pg_current_snapshot())"
        assert other.execute(visible).fetchone() == filled.execute("SELECT count(*) FROM executor.event").fetchone()
        again = other.execute(
            "INSERT INTO executor.event (list_id, kind, actor) VALUES (1, 'x', 'x') RETURNING event_id"
        )
        assert again.fetchone()[0] == made.sequences["event_event_id_seq"] + 6, "no number comes twice"
    assert list(archive.texts_of(tmp_path / "one")) == [(Path("/lists/tasks.md"), b"# L\n")]
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600


def test_it_is_the_same_text_whatever_a_role_has_set(filled, ready_database, tmp_path):
    plain = write(filled, tmp_path / "one")
    settings = (
        "DateStyle=SQL",
        "IntervalStyle=iso_8601",
        "bytea_output=escape",
        "extra_float_digits=-5",
        "TimeZone=Asia/Tokyo",
        "search_path=nowhere",
        "statement_timeout=1",
        "idle_in_transaction_session_timeout=50",
        "quote_all_identifiers=on",
    )
    with psycopg.connect(filled.info.dsn, autocommit=True) as other:
        for setting in settings:
            name, value = setting.split("=")
            other.execute("SELECT set_config(%s, '0', false)", ["statement_timeout"])
            other.execute("SELECT set_config(%s, %s, false)", [name, value])
        odd = write(other, tmp_path / "two")
    assert odd.tables == plain.tables
    assert odd.fingerprint == plain.fingerprint


def test_it_goes_through_a_pooler_that_lends_a_session_for_a_transaction(filled, database, tmp_path):
    with pooling(filled.info.dsn) as pooled, psycopg.connect(pooled, autocommit=True) as connection:
        write(connection, tmp_path / "one")
    with pooling(database) as pooled, psycopg.connect(pooled, autocommit=True) as connection:
        load(connection, tmp_path / "one")
    with psycopg.connect(database) as other:
        assert everything(other) == everything(filled)


def test_a_file_that_is_there_is_never_replaced(filled, tmp_path):
    (tmp_path / "one").write_text("mine")
    with pytest.raises(DatabaseError, match="exists"):
        write(filled, tmp_path / "one")
    assert (tmp_path / "one").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_queue_that_is_there_is_never_lost(filled, database, tmp_path):
    write(filled, tmp_path / "one")
    before = everything(filled)
    with pytest.raises(DatabaseError, match="holds a queue already"):
        load(filled, tmp_path / "one")
    aside = load(filled, tmp_path / "one", replace=True)
    assert everything(filled) == before
    kept = filled.execute(f"SELECT count(*) FROM {aside}.task_queue".encode()).fetchone()
    assert kept == before["task_queue"][:1]


def test_workers_are_not_cut_off(filled, tmp_path):
    write(filled, tmp_path / "one")
    filled.execute(
        "INSERT INTO executor.worker "
        "(name, host, boot_id, pid_namespace, pid, pid_started, slots, version, lease_until) "
        "VALUES ('w', 'h', 'b', 'n', 1, 1, 1, '1', now() + '1 minute')"
    )
    with pytest.raises(DatabaseError, match="somebody is at work"):
        load(filled, tmp_path / "one", replace=True)


def test_a_role_with_nothing_but_its_schema_restores_into_it(filled, database, tmp_path):
    write(filled, tmp_path / "one")
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS tenant")
        admin.execute("CREATE ROLE tenant LOGIN")
        admin.execute("CREATE SCHEMA executor AUTHORIZATION tenant")
    with psycopg.connect(f"{database} user=tenant", autocommit=True) as tenant:
        schema.ensure(tenant)
        load(tenant, tmp_path / "one")
        assert everything(tenant) == everything(filled)
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP OWNED BY tenant CASCADE")
        admin.execute("DROP ROLE tenant")


def test_a_backup_of_an_older_schema_becomes_that_of_today(filled, ready_database, tmp_path):
    filled.execute("DROP SCHEMA executor CASCADE")
    filled.execute(RELEASED.read_bytes(), prepare=False)
    filled.execute("RESET ALL")
    filled.execute("INSERT INTO executor.executor_state (task_list_path) VALUES ('/lists/old.md')")
    assert write(filled, tmp_path / "one").migration == 1
    load(filled, tmp_path / "one", replace=True)
    schema.ensure(filled)
    found = filled.execute("SELECT task_list_path FROM executor.executor_state").fetchall()
    assert found == [("/lists/old.md",)]


def test_a_damaged_file_changes_nothing(filled, database, tmp_path):
    write(filled, tmp_path / "one")
    whole = (tmp_path / "one").read_bytes()
    chance = random.Random(7)
    with psycopg.connect(database, autocommit=True) as other:
        for _ in range(12):
            broken = bytearray(whole)
            broken[chance.randrange(len(broken) * 3 // 4)] ^= 1 << chance.randrange(8)
            try:
                _load_bytes(other, tmp_path / "two", bytes(broken))
            except DatabaseError:
                assert not room.has_schema(other)
                continue
            assert everything(other) == everything(filled), "a bit that says nothing, such as a moment in the directory"
            other.execute("DROP SCHEMA executor CASCADE")
        for part in (b"", whole[: len(whole) // 2], whole[:-1], b"no archive at all"):
            with pytest.raises(DatabaseError, match="damaged"):
                _load_bytes(other, tmp_path / "two", part)


def test_rows_that_somebody_changed_in_the_file_are_noticed(filled, database, tmp_path):
    write(filled, tmp_path / "one")
    with zipfile.ZipFile(tmp_path / "one") as old, zipfile.ZipFile(tmp_path / "two", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"failed", b"lost") if name == "tables/run.copy" else content)
    with psycopg.connect(database, autocommit=True) as other:
        with pytest.raises(DatabaseError, match="table run is not what was written"):
            load(other, tmp_path / "two")
        assert not room.has_schema(other)


def _load_bytes(connection, path, content):
    path.write_bytes(content)
    load(connection, path)


def test_of_old_backups_one_a_day_and_one_a_week_stay(filled, tmp_path):
    from datetime import timedelta

    from msgspec.structs import replace

    made = write(filled, tmp_path / "one")
    moments = [made.made_at - timedelta(hours=7 * number) for number in range(300)]
    found = [Backup(Path(f"/b/{n}"), 1, replace(made, made_at=moment)) for n, moment in enumerate(moments)]
    gone = {one.path for one in retention.spent(found, daily=10, weekly=5)}
    kept = [one for one in found if one.path not in gone]
    days = {one.manifest.made_at.date() for one in kept}
    assert len(kept) == len(days), "one a day at the most"
    assert len(kept) <= 15
    assert kept[0].path == Path("/b/0")
    ten_days = {moment.date() for moment in moments if moment > made.made_at - timedelta(days=9)}
    assert ten_days <= days
    assert retention.spent(found[:1], daily=0, weekly=0) == [], "the newest stays in any case"
