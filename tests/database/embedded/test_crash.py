"""Whatever is killed, at whatever moment: the next acquire has a server, and strangers are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from embedded_processes import QUICK, Client, Clients, eventually, is_gone, servers_in

from executor.database.embedded import Home, Limits, Server, State
from executor.database.embedded.postmaster import StopLadder
from executor.errors import DatabaseError


def pid_of(server: Server) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    assert process.poll() is None, "the unrelated process was killed"
    process.kill()
    process.wait()


def test_a_killed_server_is_started_again_with_all_that_was_committed(server: Server) -> None:
    with psycopg.connect(server.acquire().conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    killed = pid_of(server)
    os.kill(killed, signal.SIGKILL)
    with psycopg.connect(server.acquire().conninfo()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert pid_of(server) != killed
    server.release()


def test_a_killed_backend_costs_a_recovery_and_no_restart(server: Server) -> None:
    connection = psycopg.connect(server.acquire().conninfo())
    before = pid_of(server)
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    with psycopg.connect(server.acquire().conninfo()):
        assert pid_of(server) == before
    connection.close()
    server.release()


def test_a_server_survives_its_killed_starter_and_is_adopted(made: Home, clients: Clients) -> None:
    starter = clients.start(made.folder)
    pid = starter.ask("acquire").split()[1]
    starter.kill()
    heir = clients.start(made.folder)
    assert heir.ask("acquire").split()[1] == pid
    heir.ask("release")
    assert servers_in(made.pg) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(made: Home, clients: Clients) -> None:
    starter = clients.start(made.folder)
    pid = int(starter.ask("acquire").split()[1])
    os.killpg(starter.process.pid, signal.SIGINT)
    starter.process.wait(10)
    assert Server(made).status().pid == pid
    assert os.getsid(pid) == pid


@pytest.mark.parametrize("seconds", [0.15, 0.35, 0.55, 0.75, 0.95])
def test_a_first_start_killed_midway_is_healed_by_the_next(home: Home, clients: Clients, seconds: float) -> None:
    victim = clients.start(home.folder)
    victim.tell("acquire")
    time.sleep(seconds)  # the moment of death is the input of this test
    victim.kill()
    server = Server(home, limits=QUICK)
    with psycopg.connect(server.acquire().conninfo()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("executor",)
    server.release()


def test_a_kill_between_initdb_and_the_roles_is_healed(made: Home, server: Server) -> None:
    address = server.acquire()
    admin = {"user": "executor_admin", "password": made.admin_password.read_text().strip(), "dbname": "postgres"}
    with psycopg.connect(address.conninfo(), autocommit=True, **admin) as connection:
        connection.execute("DROP DATABASE executor")
        connection.execute("DROP ROLE executor")
    with psycopg.connect(server.acquire().conninfo()) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("executor",)
    server.release()


def test_a_stale_pid_file_naming_a_stranger_is_overcome(
    server: Server, data: Path, stranger: subprocess.Popen[bytes]
) -> None:
    server.acquire()
    os.kill(pid_of(server), signal.SIGKILL)
    file = data / "postmaster.pid"
    file.write_text("\n".join([str(stranger.pid), *file.read_text().split("\n")[1:]]))
    server.acquire()
    assert pid_of(server) != stranger.pid
    server.release()


@pytest.mark.parametrize("text", ["", "garbage\n", "12", "-1\n", "999999999\n/somewhere\n"])
def test_a_damaged_pid_file_is_overcome(server: Server, data: Path, text: str) -> None:
    file = data / "postmaster.pid"
    file.write_text(text)
    os.chown(file, data.stat().st_uid, data.stat().st_gid)
    server.acquire()
    server.release()


def test_eight_processes_on_a_fresh_home_share_one_server(home: Home, clients: Clients) -> None:
    users = [clients.start(home.folder) for _ in range(8)]
    for user in users:
        user.tell("acquire")
    answers = [user.hear().split()[:2] for user in users]
    assert len({tuple(answer) for answer in answers}) == 1, answers
    assert answers[0][0] == "ready"
    assert {user.ask("query") for user in users} == {"('executor',)"}
    for user in users:
        user.tell("release")
    assert {user.hear() for user in users} == {"left"}
    assert servers_in(home.pg) == []


def test_a_frozen_user_hinders_nobody(made: Home, clients: Clients) -> None:
    frozen = clients.start(made.folder)
    frozen.ask("acquire")
    frozen.process.send_signal(signal.SIGSTOP)
    server = Server(made, limits=QUICK)
    server.acquire()
    server.release()
    assert server.status().state is State.RUNNING
    frozen.kill()


def test_a_process_frozen_while_it_starts_the_server_is_reported(home: Home, clients: Clients) -> None:
    frozen = clients.start(home.folder)
    frozen.tell("acquire")
    assert eventually(lambda: any(home.pg.glob("init-*")))
    frozen.process.send_signal(signal.SIGSTOP)
    said: list[str] = []
    server = Server(home, notice=said.append, limits=Limits(lock_wait=2.5))
    with pytest.raises(DatabaseError, match="has held") as caught:
        server.acquire()
    assert caught.value.code == "DB_LOCKED"
    assert said == ["waiting for another process that is starting or stopping the database ..."]
    frozen.process.send_signal(signal.SIGCONT)
    assert frozen.hear().startswith("ready")
    frozen.ask("release")


def test_a_frozen_server_is_reported_and_can_be_stopped_by_force(made: Home, server: Server) -> None:
    server.acquire()
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    impatient = Server(
        made, limits=Limits(start_wait=1, answer_wait=2, stop=StopLadder(fast=0.3, immediate=0.3, kill=5))
    )
    with pytest.raises(DatabaseError) as caught:
        impatient.acquire()
    assert caught.value.code == "DB_TIMEOUT"
    impatient.stop(force=True)
    # It is stopped when it has given its files back; the kernel takes its number away a moment later.
    assert eventually(lambda: is_gone(pid))
    server.acquire()
    server.release()


def test_users_and_servers_killed_at_random_lose_nothing_that_was_acknowledged(made: Home, clients: Clients) -> None:
    server = Server(made, limits=QUICK)
    with psycopg.connect(server.acquire().conninfo()) as connection:
        connection.execute("CREATE TABLE noted (number int)")
    for number in range(6):
        user: Client = clients.start(made.folder)
        assert user.ask("acquire").startswith("ready")
        with psycopg.connect(server.acquire().conninfo()) as connection:
            connection.execute("INSERT INTO noted VALUES (%s)", [number])
        if number % 2:
            os.kill(pid_of(server), signal.SIGKILL)
        user.kill()
    with psycopg.connect(server.acquire().conninfo()) as connection:
        assert connection.execute("SELECT count(*) FROM noted").fetchone() == (6,)
    server.release()
    assert servers_in(made.pg) == []
