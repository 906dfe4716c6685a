"""The life of a server: started on demand, shared, stopped by the last one out."""

from __future__ import annotations

import stat
import subprocess
import time

import psycopg
from embedded_processes import QUICK, Clients, servers_in

from executor.database.embedded import Home, Server, State, StopResult, psql_path


def test_a_first_acquire_makes_the_database_and_says_so_once(home: Home) -> None:
    said: list[str] = []
    server = Server(home, notice=said.append, limits=QUICK)
    address = server.acquire()
    with psycopg.connect(address.conninfo()) as connection:
        row = connection.execute(
            "SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        assert row.fetchone() == ("executor", "executor", False)
    server.acquire()
    server.release()
    assert len(said) == 1
    assert "creating the database" in said[0]


def test_the_programs_role_owns_its_database_and_no_other(server: Server) -> None:
    with psycopg.connect(server.acquire().conninfo()) as connection:
        owned = connection.execute(
            "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = 'executor'"
        ).fetchall()
        connection.execute("CREATE SCHEMA mine")
    assert owned == [("executor",)]
    server.release()


def test_the_server_runs_with_our_settings_and_the_users_own_win(made: Home, server: Server) -> None:
    (made.pg / "user.conf").write_text("work_mem = '7MB'\n")
    with psycopg.connect(server.acquire().conninfo()) as connection:
        settings = [connection.execute(f"SHOW {name}").fetchone() for name in ("wal_level", "fsync", "jit", "work_mem")]
    server.release()
    assert settings == [("minimal",), ("on",), ("off",), ("7MB",)]


def test_tcp_works_with_the_url_and_its_password(server: Server) -> None:
    address = server.acquire()
    with psycopg.connect(address.url(with_password=True)) as connection:
        assert connection.info.hostaddr == "127.0.0.1"
    assert address.password not in address.url(with_password=False)
    server.release()


def test_proving_a_password_of_random_bits_takes_one_iteration(server: Server, made: Home) -> None:
    address = server.acquire()
    admin = {"user": "executor_admin", "dbname": "postgres", "password": made.admin_password.read_text().strip()}
    with psycopg.connect(address.conninfo(), **admin) as connection:
        row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'executor'").fetchone()
        iterations = 1 if connection.info.server_version >= 160_000 else 4096
    server.release()
    assert row is not None
    assert row[0].startswith(f"SCRAM-SHA-256${iterations}:")
    assert len(made.password.read_text().strip()) == 64  # hexadecimal: 256 bits, which nobody guesses at any price


def test_the_environment_of_another_server_does_not_lead_us_there(made: Home, clients: Clients) -> None:
    client = clients.start(
        made.folder,
        PGHOSTADDR="203.0.113.1",
        PGSSLMODE="verify-full",
        PGOPTIONS="-c role=nobody",
        PGCHANNELBINDING="require",
        PGDATA="/nowhere",
    )
    assert client.ask("query") == "('executor',)"


def test_secrets_are_readable_by_their_owner_only(server: Server, made: Home) -> None:
    server.acquire()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in made.pg.iterdir() if file.is_file()}
    assert modes["password"] == modes["admin-password"] == modes["postgres.log"] == 0o600
    server.release()


def test_the_last_one_out_stops_the_server(made: Home, clients: Clients) -> None:
    first, second = clients.start(made.folder), clients.start(made.folder)
    assert first.ask("acquire").split()[:2] == second.ask("acquire").split()[:2]
    first.ask("release")
    assert Server(made).status().state is State.RUNNING
    second.ask("release")
    assert servers_in(made.pg) == []


def test_a_server_joined_twice_by_one_process_is_left_once(server: Server, made: Home) -> None:
    assert server.acquire() == server.acquire()
    server.release()
    server.release()
    assert servers_in(made.pg) == []


def test_a_kept_server_outlives_its_users_until_it_is_stopped(made: Home, clients: Clients) -> None:
    starter, user = clients.start(made.folder), clients.start(made.folder)
    starter.ask("keep")
    starter.end()
    user.ask("acquire")
    user.ask("release")
    server = Server(made, limits=QUICK)
    status = server.status()
    assert (status.state, status.kept, status.in_use) == (State.RUNNING, True, False)
    assert server.stop() is StopResult.STOPPED
    assert server.stop() is StopResult.NOT_RUNNING
    assert not server.status().kept


def test_a_server_in_use_is_stopped_by_force_only(made: Home, clients: Clients) -> None:
    user = clients.start(made.folder)
    user.ask("acquire")
    server = Server(made, limits=QUICK)
    assert server.stop() is StopResult.IN_USE
    assert user.ask("query") == "('executor',)"
    assert server.stop(force=True) is StopResult.STOPPED
    assert user.ask("query") == "('executor',)"
    user.ask("release")
    assert servers_in(made.pg) == []


def test_a_user_whose_stop_is_refused_stays_a_user(made: Home, server: Server, clients: Clients) -> None:
    server.acquire()
    other = clients.start(made.folder)
    other.ask("acquire")
    assert server.stop() is StopResult.IN_USE
    other.ask("release")
    assert server.status().state is State.RUNNING
    server.release()
    assert servers_in(made.pg) == []


def test_a_stop_that_came_too_early_still_ends_the_keeping(made: Home, clients: Clients) -> None:
    user = clients.start(made.folder)
    user.ask("keep")
    user.ask("acquire")
    assert Server(made, limits=QUICK).stop() is StopResult.IN_USE
    user.ask("release")
    assert servers_in(made.pg) == []


def test_status_starts_nothing_and_makes_nothing(home: Home) -> None:
    server = Server(home)
    assert server.status().state is State.ABSENT
    assert server.stop() is StopResult.NOT_RUNNING
    assert not home.folder.exists()


def test_status_tells_what_runs(made: Home, server: Server) -> None:
    stopped = server.status()
    assert (stopped.state, stopped.pid, stopped.port, stopped.in_use) == (State.STOPPED, None, None, False)
    address = server.acquire()
    running = Server(made).status()
    assert (running.state, running.port, running.in_use, running.kept) == (State.RUNNING, address.port, True, False)
    assert running.pid is not None
    assert running.version == stopped.version
    assert running.binaries == stopped.binaries
    server.release()


def test_psql_of_the_servers_own_version_opens_the_database(made: Home, server: Server) -> None:
    address = server.acquire()
    command = [psql_path(made), address.conninfo(), "-XAtc", "SELECT 1 + 1"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "2\n"
    server.release()


def test_a_moved_home_keeps_working(made: Home) -> None:
    moved = Home(made.folder.with_name("elsewhere"))
    made.folder.rename(moved.folder)
    server = Server(moved, limits=QUICK)
    with psycopg.connect(server.acquire().conninfo()) as connection:
        assert connection.execute("SHOW wal_level").fetchone() == ("minimal",)
    server.release()


def test_joining_a_running_server_takes_milliseconds(server: Server, made: Home) -> None:
    server.acquire()
    other = Server(made, limits=QUICK)
    laps = []
    for _ in range(5):
        started = time.perf_counter()
        other.acquire()
        laps.append(time.perf_counter() - started)
    other.release()
    server.release()
    assert min(laps) < 0.05
