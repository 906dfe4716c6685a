"""What doctor says of servers, lists and backups, the archive that it writes, and what probes are told.

Machines whose embedded server cannot start are in tests/database/embedded/test_broken_machines.py.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from executor.database import schema
from tests import conftest, make, relay
from tests.desk import Desk

SECRET = "hunter2-hunter2"
_FAKETIME = importlib.util.find_spec("libfaketime")
_LIBRARY = Path(str(_FAKETIME and _FAKETIME.origin)).parent / "vendor/libfaketime/src/libfaketime.so.1"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that root's unprivileged account can enter."""
    made = Path(tempfile.mkdtemp(prefix="executor-doctor-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def wrong(desk: Desk, subject: str, **env: str | None) -> str:
    """What doctor says of one thing, and that it says what to do; nothing else is wrong."""
    said = desk.do("doctor", env=env).out
    assert found_wrong(said) - {"durability"} == {subject} - {"durability"}, said
    (line,) = (line for line in said.split("\n") if line.startswith("WRONG") and line.split()[1] == subject)
    assert f"\n{subject}: " in said
    return line


def found_wrong(said: str) -> set[str]:
    """The subjects. Of the tests' own server one always is: it runs with fsync off."""
    return {line.split()[1] for line in said.split("\n") if line.startswith("WRONG")}


@pytest.mark.parametrize(
    ("setting", "subject", "words"),
    [
        ("synchronous_commit = off", "durability", "synchronous_commit off"),
        ("statement_timeout = '300ms'", "timeouts", "statement_timeout 300 ms"),
        ("idle_in_transaction_session_timeout = '20ms'", "timeouts", "20 ms"),
    ],
)
def test_a_setting_of_the_server_that_costs_work(lone_desk: Desk, setting: str, subject: str, words: str):
    assert found_wrong(lone_desk.do("doctor").out) == {"durability"}
    name = conninfo_to_dict(lone_desk.database)["dbname"]
    lone_desk.change(f"ALTER DATABASE {name} SET {setting}")
    assert words in wrong(lone_desk, subject)


def test_a_database_that_cannot_hold_every_letter(lone_desk: Desk, server: str):
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as admin:
        admin.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
        try:
            assert "LATIN1" in wrong(lone_desk, "encoding", DATABASE_URL=f"{server} dbname=latin")
        finally:
            admin.execute("DROP DATABASE latin WITH (FORCE)")


def test_a_slot_that_nobody_reads(lone_desk: Desk):
    lone_desk.change("SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        assert "1 slots that nobody reads" in wrong(lone_desk, "replication")
    finally:
        lone_desk.change("SELECT pg_drop_replication_slot('forgotten')")


@pytest.mark.skipif(_FAKETIME is None, reason="libfaketime is for Linux on x86")
def test_a_clock_that_is_an_hour_off(lone_desk: Desk):
    env = {"LD_PRELOAD": str(_LIBRARY), "FAKETIME": "+3600", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    assert "+3600" in wrong(lone_desk, "clock", **env)


@pytest.mark.skipif(_FAKETIME is None, reason="libfaketime is for Linux on x86")
def test_transactions_that_nobody_ends(
    folder: Path, tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server for whom ten minutes pass at once, which the doctor's clock does not follow."""
    library, offset = folder / "faketime.so", folder / "offset"
    shutil.copy(_LIBRARY, library)
    offset.write_text("+0")
    account = conftest._account()
    if account:
        shutil.chown(folder, account["user"], account["group"])
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(offset))
    monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    for name in ("work", "home"):
        (tmp_path / name).mkdir()
    serve = contextmanager(conftest._serve)
    with serve(programs, folder, account, "max_prepared_transactions=2", "autovacuum=off") as conninfo:
        desk = Desk(tmp_path / "work", tmp_path / "home", f"{conninfo} dbname=postgres")
        with psycopg.connect(desk.database, autocommit=True) as connection:
            schema.ensure(connection)
        assert found_wrong(desk.do("doctor").out) == {"durability"}
        with psycopg.connect(desk.database) as left, psycopg.connect(desk.database, autocommit=True) as other:
            left.execute("SELECT 1")
            other.execute("BEGIN")
            other.execute("CREATE TABLE half_done ()")
            other.execute("PREPARE TRANSACTION 'forgotten'")
            offset.write_text("+600")
            said = desk.do("doctor").out
            assert found_wrong(said) == {"durability", "clock", "transactions", "replication"}, said
            assert re.search("oldest open for 0:10:", said)
            assert re.search("a prepared transaction open for 0:10:", said)
            left.rollback()
            other.execute("ROLLBACK PREPARED 'forgotten'")
        assert found_wrong(desk.do("doctor").out) == {"durability", "clock"}


def test_a_table_that_nobody_cleans(lone_desk: Desk):
    lone_desk.change("ALTER TABLE executor.event SET (autovacuum_enabled = off)")
    lone_desk.change(
        "INSERT INTO executor.event (list_id, kind, actor) SELECT 0, 'note', 'x' FROM generate_series(1, 250000)"
    )
    lone_desk.change("DELETE FROM executor.event")
    lone_desk.change("SELECT pg_stat_force_next_flush()")
    lone_desk.until(lambda: "bloat" in found_wrong(lone_desk.do("doctor").out), "the server has counted them")
    line = wrong(lone_desk, "bloat")
    assert "250000 dead rows in executor.event" in line


def test_an_executor_that_died_elsewhere_and_a_list_whose_file_is_gone(lone_desk: Desk):
    lone_desk.write(make.document(make.task(id="A", run="touch begun; sleep 60")))
    worker = lone_desk.start("run")
    lone_desk.until_there("begun")
    worker.process.kill()
    worker.process.wait()
    lone_desk.change("UPDATE executor.worker SET lease_until = now() - interval '1 hour'")
    (lone_desk.folder / "tasks.md").rename(lone_desk.folder / "moved.md")
    assert "1 whose lease is over" in wrong(lone_desk, "executors")
    assert f"1 without a file, such as {lone_desk.folder}/tasks.md" in lone_desk.do("doctor").out


def test_a_backup_that_is_none(lone_desk: Desk):
    backups = lone_desk.home / "executor" / "backups"
    backups.mkdir(parents=True)
    (backups / "x.backup").write_text("nothing of the kind")
    assert "x.backup cannot be read" in wrong(lone_desk, "backups")


def test_a_schema_older_than_the_program_is_migrated_and_a_newer_one_named(lone_desk: Desk, database: str):
    released = Path(__file__).parents[1] / "database/sql/released/0001_core.sql"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(released.read_bytes(), prepare=False)
    newest = lone_desk.value("SELECT max(version) FROM executor.migration")
    older = lone_desk.do("doctor", env={"DATABASE_URL": database})
    assert found_wrong(older.out) == {"durability"}
    assert f"migration {newest:04d} of {newest:04d}" in older.out
    lone_desk.change(
        "INSERT INTO executor.migration SELECT (jsonb_populate_record(migration, '{\"version\": 9999}')).* "
        f"FROM executor.migration WHERE set_name = 'executor' AND version = {newest}"
    )
    assert "[DB_SCHEMA]" in wrong(lone_desk, "database")


def test_a_server_that_is_too_old(lone_desk: Desk):
    with relay.reporting(lone_desk.database, "server_version", "14.12") as url:
        assert "[DB_URL_VERSION]" in wrong(lone_desk, "database", DATABASE_URL=url)


def test_a_disk_that_fills_up_soon(lone_desk: Desk, small_disk: Path):
    assert "MB free" in wrong(lone_desk, "space", EXECUTOR_HOME=str(small_disk / "home"))


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system to fill")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m,noexec", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_the_programs_that_are_found_and_the_one_that_is_chosen(desk: Desk, folder: Path):
    said = desk.do("doctor", env={"DATABASE_URL": None, "EXECUTOR_HOME": str(folder / "home")}).out
    lines = {line.split()[1]: line for line in said.split("\n") if line.startswith("ok")}
    assert "pginstall18" in lines["binaries"]
    assert {"pginstall18/bin", "pginstall/bin"} <= {
        "/".join(word.rstrip(",").split("/")[-2:]) for word in lines["programs"].split()
    }


def test_an_archive_for_a_report_holds_no_secret(desk: Desk, folder: Path):
    url = f"postgresql://ann:{SECRET}@127.0.0.1:1/work"
    env = {"DATABASE_URL": url, "SHOP_API_TOKEN": "tok-1234567", "EXECUTOR_HOME": str(folder / "home")}
    (folder / "home" / "pg").mkdir(parents=True)
    log = f'FATAL: no connection to "{url}" with tok-1234567 by password={SECRET}\n'
    (folder / "home" / "pg" / "postgres.log").write_text(log)
    answer = desk.do("doctor", "--bundle", "report.zip", env=env)
    assert answer.code == 1
    with zipfile.ZipFile(desk.folder / "report.zip") as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert "DB_UNREACHABLE" in text
    assert "SHOP_API_TOKEN" in text
    assert "no connection to" in text
    for secret in (SECRET, "tok-1234567", str(desk.home)):
        assert secret not in text + answer.said
    again = desk.do("doctor", "--bundle", "report.zip", env=env)
    assert (again.code, "exists" in again.err) == (2, True)


def test_a_probe_is_told_in_one_value_whether_a_command_could_work(lone_desk: Desk):
    well = lone_desk.do("db", "status", "--json")
    assert well.code == 0
    assert (well.json["reachable"], well.json["ready"], well.json["wrong"]) == (True, True, None)
    newest = lone_desk.value("SELECT max(version) FROM executor.migration")
    assert well.json["migration"] == newest
    lone_desk.change(
        "INSERT INTO executor.migration SELECT (jsonb_populate_record(migration, '{\"version\": 9999}')).* "
        f"FROM executor.migration WHERE set_name = 'executor' AND version = {newest}"
    )
    newer = lone_desk.do("db", "status", "--json")
    assert (newer.code, newer.json["reachable"], newer.json["ready"]) == (4, True, False)
    assert newer.json["wrong"]["code"] == "DB_SCHEMA"
    gone = lone_desk.do("db", "status", "--json", env={"DATABASE_URL": f"postgresql://ann:{SECRET}@127.0.0.1:1/work"})
    assert (gone.code, gone.json["reachable"], gone.json["wrong"]["code"]) == (4, False, "DB_UNREACHABLE")
    assert SECRET not in gone.said
