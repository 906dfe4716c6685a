"""A machine with one thing broken: doctor names it with what to do, and a run says one line. No secret is shown."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import make
from tests.desk import Desk

SECRET = "hunter2-hunter2"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that root's unprivileged account can enter."""
    made = Path(tempfile.mkdtemp(prefix="executor-doctor-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def broken(folder: Path) -> dict[str, dict[str, str]]:
    """Code to the environment in which it is met."""
    homes = {name: folder / name for name in ("port", "perms", "corrupt", "upgrade", "binaries", "root")}
    (folder / "file").write_text("")
    for name in ("perms", "corrupt", "upgrade"):
        (homes[name] / "pg").mkdir(parents=True)
    (homes["perms"] / "pg").chmod(0o777)
    for name, version in (("corrupt", "eighteen"), ("upgrade", "12")):
        data = homes[name] / "pg" / "data-12"
        data.mkdir(mode=0o700)
        (data / "PG_VERSION").write_text(version)
    cases = {
        "DB_PORT": {"EXECUTOR_HOME": str(homes["port"]), "EXECUTOR_PG_PORT": "none"},
        "DB_DIR": {"EXECUTOR_HOME": str(folder / "file" / "home")},
        "DB_PERMS": {"EXECUTOR_HOME": str(homes["perms"])},
        "DB_CORRUPT": {"EXECUTOR_HOME": str(homes["corrupt"])},
        "DB_UPGRADE": {"EXECUTOR_HOME": str(homes["upgrade"])},
        "DB_BINARIES": {"EXECUTOR_HOME": str(homes["binaries"]), "EXECUTOR_PG_BIN": "/nowhere"},
    }
    if os.geteuid() == 0:
        cases["DB_ROOT"] = {"EXECUTOR_HOME": str(homes["root"]), "EXECUTOR_PG_USER": "nobody-at-all"}
    return cases


def test_what_is_broken_is_named_with_the_remedy(desk: Desk, folder: Path):
    desk.write(make.document(make.task()))
    for code, environ in broken(folder).items():
        env = {"DATABASE_URL": None, **environ}
        run, doctor = desk.do_all(("run",), ("doctor",), env=env)
        assert (run.code, run.out) == (4, ""), (code, run.said)
        fact, hint = run.err.strip().split("\n")
        assert f"error: [{code}]" in fact
        assert hint.startswith("  hint: ")
        assert doctor.code == 1, (code, doctor.said)
        assert f"[{code}]" in doctor.out, doctor.out
        (line,) = {one for one in doctor.out.split("\n") if f"[{code}]" in one}
        subject = line.split()[1]
        assert any(one.startswith(f"{subject}: ") for one in doctor.out.split("\n")), "what to do"


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
