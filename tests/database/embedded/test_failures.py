"""Every way a start can fail ends in one line with a code, and a hint that names a way out."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from embedded_processes import QUICK, Clients, servers_in

from executor.database.embedded import Home, Limits, Server, account, binaries
from executor.errors import EXIT_DATABASE, DatabaseError

IS_ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not IS_ROOT, reason="only root can mount and chown")
ORDINARY = "games"


def failure(home: Home, limits: Limits = QUICK) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        Server(home, limits=limits).acquire()
    error = caught.value
    assert error.exit_code == EXIT_DATABASE
    assert "\n" not in error.message
    assert "EXECUTOR_" in error.hint or "DATABASE_URL" in error.hint, error.hint
    assert servers_in(home.pg) == []
    return error


@pytest.mark.parametrize("name", ["password", "admin-password"])
def test_a_missing_password_file(made: Home, name: str) -> None:
    (made.pg / "password").write_text("wrong\n")  # else the superuser's is never asked for
    (made.pg / name).unlink()
    error = failure(made)
    assert (error.code, str(made.pg / name) in error.message) == ("DB_AUTH", True)


@pytest.mark.parametrize("names", [["password"], ["password", "admin-password"]])
def test_a_wrong_password_file(made: Home, names: list[str]) -> None:
    for name in names:
        (made.pg / name).write_text("wrong\n")
    assert failure(made).code == "DB_AUTH"


def test_a_data_folder_open_to_others(made: Home, data: Path) -> None:
    data.chmod(0o777)
    error = failure(made)
    assert (error.code, str(data) in error.message) == ("DB_PERMS", True)


def test_a_home_that_others_may_write(made: Home) -> None:
    made.pg.chmod(0o777)
    assert failure(made).code == "DB_PERMS"


def test_a_file_in_the_place_of_the_home(folder: Path) -> None:
    (folder / "home").write_text("not a folder")
    assert failure(Home(folder / "home")).code == "DB_DIR"


def test_too_little_room_for_a_new_database(home: Home) -> None:
    error = failure(home, Limits(free_min=1 << 40))
    assert error.code == "DB_DISK"
    assert "MB free" in error.message


def test_no_binaries(home: Home, folder: Path) -> None:
    error = failure(Home(home.folder, binaries=folder))
    assert error.code == "DB_BINARIES"
    assert str(folder) in error.message


def test_binaries_that_do_not_run(home: Home, folder: Path) -> None:
    for name in ("postgres", "initdb"):
        (folder / name).write_text("#!/bin/sh\necho broken >&2; exit 1\n")
        (folder / name).chmod(0o755)
    error = failure(Home(home.folder, binaries=folder))
    assert (error.code, "broken" in error.message) == ("DB_BINARIES", True)


def test_a_cluster_of_a_version_that_is_not_installed(made: Home, data: Path) -> None:
    (data / "PG_VERSION").write_text("99\n")
    error = failure(made)
    assert error.code == "DB_UPGRADE"
    assert "PostgreSQL 99" in error.message


def test_binaries_of_another_version_than_the_cluster(made: Home, data: Path, folder: Path) -> None:
    program = folder / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n")
    program.chmod(0o755)
    assert failure(Home(made.folder, binaries=folder)).code == "DB_UPGRADE"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("global/pg_control", b"\0" * 8192),
        ("global/pg_control", b""),
        ("global/pg_control", None),
        ("postgresql.conf", None),
        ("PG_VERSION", None),
        ("PG_VERSION", b"?"),
    ],
)
def test_a_damaged_cluster(made: Home, data: Path, file: str, content: bytes | None) -> None:
    if content is None:
        (data / file).unlink()
    else:
        (data / file).write_bytes(content)
    assert failure(made).code == "DB_CORRUPT"


def test_a_setting_that_the_server_refuses_shows_its_log(made: Home) -> None:
    (made.pg / "user.conf").write_text("shared_buffers = 'lots'\n")
    error = failure(made)
    assert error.code == "DB_START"
    assert "shared_buffers" in error.hint
    assert str(made.log) in error.hint


def test_a_server_after_a_failure_has_been_mended(made: Home, data: Path, server: Server) -> None:
    data.chmod(0o777)
    with pytest.raises(DatabaseError):
        server.acquire()
    data.chmod(0o700)
    psycopg.connect(server.acquire().conninfo()).close()
    server.release()


@root_only
def test_a_small_disk(mounted: Path) -> None:
    error = failure(Home(mounted / "home"))
    assert error.code == "DB_DISK"
    assert "MB free" in error.message


@root_only
def test_a_disk_that_fills_up_during_the_first_start(mounted: Path) -> None:
    (mounted / "ballast").write_bytes(b"\1" * (30 << 20))
    home = Home(mounted / "home")
    assert failure(home, Limits(free_min=0)).code == "DB_DISK"
    assert not [*home.pg.glob("init-*"), *home.pg.glob("data-*")]


@root_only
def test_a_read_only_file_system(mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    assert failure(Home(mounted / "home")).code == "DB_READONLY"


@root_only
def test_a_file_system_that_forbids_execution_still_holds_a_database(mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,noexec,size=300m", mounted], check=True)
    home = Home(mounted / "home")
    programs = binaries.find(home, home.place(), None)
    if account.can_enter(account.choose(None, None), programs.folder):
        server = Server(home, limits=QUICK)
        server.acquire()
        assert server.status().binaries == programs.folder
        server.release()
    else:
        assert failure(home).code == "DB_BINARIES"  # its copy cannot run either


@root_only
def test_binaries_on_a_file_system_that_forbids_execution(home: Home, mounted: Path) -> None:
    for name in ("postgres", "initdb"):
        shutil.copy("/bin/true", mounted / name)
    subprocess.run(["mount", "-o", "remount,noexec", mounted], check=True)
    error = failure(Home(home.folder, binaries=mounted))
    assert (error.code, "Permission denied" in error.message) == ("DB_BINARIES", True)


@root_only
def test_an_ordinary_user_with_a_home_that_cannot_be_written(folder: Path, clients: Clients) -> None:
    assert clients.start(folder / "home", user=ORDINARY).ask("acquire").split()[:2] == ["error", "DB_PERMS"]


@root_only
def test_an_ordinary_user_with_a_data_folder_of_somebody_else(folder: Path, clients: Clients) -> None:
    base = folder / ORDINARY
    base.mkdir()
    shutil.chown(base, ORDINARY)
    user = clients.start(base / "home", user=ORDINARY)
    user.ask("acquire")
    user.ask("release")
    data = Home(base / "home").place().newest()
    assert data is not None
    shutil.chown(data, "root")
    assert user.ask("acquire").split()[:2] == ["error", "DB_PERMS"]
    shutil.chown(data, ORDINARY)
    data.chmod(0o500)
    assert user.ask("acquire").split()[:2] == ["error", "DB_PERMS"]
