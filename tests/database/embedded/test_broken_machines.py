"""A machine with one thing broken: `run` says it in one line, and `doctor` names it with what to do.

CHAOS=long breaks also what is only given up after two minutes (`make chaos`).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from embedded_processes import Clients, copy, group_of, interpreter, process_environ

from executor.database.embedded import Home, Server
from executor.database.embedded.flock import Flock
from executor.errors import EXIT_DATABASE, EXIT_DONE, EXIT_FAILED
from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_PATIENCE = 200.0 if _LONG else 60.0
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, chown and become somebody else")
ORDINARY = "games"


@pytest.fixture
def desk(folder: Path) -> Path:
    """A list that anybody may tick."""
    made = folder / "desk"
    made.mkdir()
    (made / "tasks.md").write_text(make.document(make.task(id="A", run="true")))
    made.chmod(0o777)
    (made / "tasks.md").chmod(0o666)
    return made


def command(
    desk: Path, home: Path, *words: str, user: str | int | None = None, through: Sequence[str] = (), **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*through, interpreter(user), "-m", "executor", *words],
        env=process_environ(home, HOME=str(desk), **environ),
        cwd=desk,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        user=user,
        group=group_of(user),
        extra_groups=[] if user else None,
    )


def is_named(
    code: str, desk: Path, home: Path, *, user: str | int | None = None, through: Sequence[str] = (), **environ: str
) -> None:
    """Both commands tell of it, and of nothing else; neither shows a traceback."""
    with ThreadPoolExecutor(2) as pool:
        run, doctor = pool.map(
            lambda word: command(desk, home, word, user=user, through=through, **environ), ("run", "doctor")
        )
    said = f"{run.stdout}{run.stderr}\n---\n{doctor.stdout}{doctor.stderr}"
    assert (run.returncode, run.stdout) == (EXIT_DATABASE, ""), said
    told = [line for line in run.stderr.strip().split("\n") if not line.startswith(("creating the ", "waiting for "))]
    assert len([line for line in told if line.startswith("error: ")]) == 1, said
    assert told[0].startswith(f"error: [{code}] "), said
    assert told[1].startswith("  hint: "), said
    assert len(told) == 2 or code == "DB_START", "the log is in the hint\n" + said
    assert doctor.returncode == EXIT_FAILED, said
    assert "Traceback" not in said
    wrong = [line.split()[1] for line in doctor.stdout.split("\n") if line.startswith("WRONG") and f"[{code}]" in line]
    assert wrong, said
    assert any(line.startswith(f"{wrong[0]}: ") and len(line.split()) > 3 for line in doctor.stdout.split("\n")), said


def is_well(desk: Path, home: Path, **environ: str) -> None:
    run, doctor = (command(desk, home, word, **environ) for word in ("run", "doctor"))
    assert run.returncode == EXIT_DONE, run.stderr
    assert doctor.returncode == EXIT_DONE, doctor.stdout + doctor.stderr
    assert "WRONG" not in doctor.stdout


# the folder


def test_a_file_where_the_home_should_be(desk: Path, folder: Path) -> None:
    (folder / "file").write_text("")
    is_named("DB_DIR", desk, folder / "file" / "home")
    is_named("DB_DIR", desk, folder / "file")


def test_a_home_that_others_may_write(desk: Path, made: Home) -> None:
    made.pg.chmod(0o777)
    is_named("DB_PERMS", desk, made.folder)


def test_data_that_others_may_write(desk: Path, made: Home, data: Path) -> None:
    data.chmod(0o777)
    is_named("DB_PERMS", desk, made.folder)


@root_only
def test_the_home_of_somebody_else(desk: Path, made: Home, folder: Path) -> None:
    is_named("DB_OWNER", desk, made.folder, user=ORDINARY)
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    is_named("DB_PERMS", desk, closed / "home", user=ORDINARY)
    for words in (("db", "upgrade"), ("db", "backups"), ("db", "stop"), ("db", "move", "--to", "postgresql://h/x")):
        refused = command(desk, closed / "home", *words, user=ORDINARY)
        assert (refused.returncode, refused.stderr[:17]) == (EXIT_DATABASE, "error: [DB_PERMS]"), refused.stderr
    is_named("DB_PERMS", desk, folder / "not-made", user=ORDINARY)


@root_only
def test_a_disk_without_room(desk: Path, mounted: Path) -> None:
    is_named("DB_DISK", desk, mounted / "home")


@root_only
def test_a_disk_that_is_full_to_the_last_byte(desk: Path, mounted: Path, made: Home) -> None:
    subprocess.run(["mount", "-o", "remount,size=200m", mounted], check=True)
    copy(made.folder, mounted / "home", share=False)
    full = subprocess.run(["cp", "/dev/zero", mounted / "ballast"], capture_output=True, text=True)
    assert "No space left" in full.stderr
    is_named("DB_DISK", desk, mounted / "home")


@root_only
def test_a_file_system_that_is_read_only(desk: Path, mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    is_named("DB_READONLY", desk, mounted / "home")


# the programs


def test_no_programs(desk: Path, folder: Path) -> None:
    is_named("DB_BINARIES", desk, folder / "home", EXECUTOR_PG_BIN="/nowhere")


def test_programs_that_are_broken(desk: Path, folder: Path) -> None:
    for name in ("postgres", "initdb"):
        (folder / name).write_bytes(b"\x7fELF, more or less")
        (folder / name).chmod(0o755)
    is_named("DB_BINARIES", desk, folder / "home", EXECUTOR_PG_BIN=str(folder))


@root_only
def test_programs_where_nothing_may_be_executed(desk: Path, folder: Path, mounted: Path) -> None:
    for name in ("postgres", "initdb"):
        shutil.copy("/bin/true", mounted / name)
    subprocess.run(["mount", "-o", "remount,noexec", mounted], check=True)
    is_named("DB_BINARIES", desk, folder / "home", EXECUTOR_PG_BIN=str(mounted))


def test_data_of_a_version_that_is_not_here(desk: Path, made: Home, data: Path) -> None:
    (data / "PG_VERSION").write_text("12\n")
    data.rename(data.with_name("data-12"))
    is_named("DB_UPGRADE", desk, made.folder)


# the data


@pytest.mark.parametrize("file", ["PG_VERSION", "global/pg_control", "postgresql.conf"])
def test_data_that_is_damaged(desk: Path, made: Home, data: Path, file: str) -> None:
    (data / file).write_bytes(b"\0" * 100) if file != "postgresql.conf" else (data / file).unlink()
    is_named("DB_CORRUPT", desk, made.folder)


def test_a_password_that_is_lost(desk: Path, made: Home) -> None:
    made.password.unlink()
    is_named("DB_AUTH", desk, made.folder)


def test_settings_that_the_server_refuses(desk: Path, made: Home) -> None:
    (made.pg / "user.conf").write_text("shared_buffers = 'lots'\n")
    is_named("DB_START", desk, made.folder)


def test_a_pid_file_of_a_server_that_is_gone_is_no_trouble(desk: Path, made: Home, data: Path) -> None:
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{data}\n1\n19642\n{made.pg}/run\n127.0.0.1\n 1 2\nready\n")
    os.chown(pid_file, data.stat().st_uid, data.stat().st_gid)
    is_well(desk, made.folder)


def test_a_path_too_long_for_a_socket_and_a_strange_locale_are_no_trouble(desk: Path, folder: Path) -> None:
    is_well(desk, folder / ("long" * 40) / "home", LC_ALL="tlh_QO.KOI8-R", LANG="nonsense", TZ="Moon/Far_Side")


# the account


@root_only
def test_root_without_anybody_to_be(desk: Path, folder: Path) -> None:
    is_named("DB_ROOT", desk, folder / "home", EXECUTOR_PG_USER="nobody-at-all")


@root_only
def test_root_that_may_not_become_somebody_else(desk: Path, folder: Path) -> None:
    through = ("setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-setuid,-setgid")
    is_named("DB_ROOT_CAPS", desk, folder / "home", through=through)


@root_only
def test_root_whose_account_can_get_in_nowhere(desk: Path, folder: Path) -> None:
    """In a file system view of its own, in which every place for its data is closed to all but root."""
    (folder / "closed").mkdir(mode=0o700)
    closing = 'mount -t tmpfs -o mode=700 closed /var/lib && mount -t tmpfs -o mode=700 closed /var/tmp && exec "$@"'
    through = ("unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", closing, "sh")
    is_named("DB_ROOT_PATH", desk, folder / "closed" / "home", through=through)


@root_only
def test_a_user_without_a_name(desk: Path, folder: Path) -> None:
    (folder / "nameless").mkdir()
    os.chown(folder / "nameless", 54321, 54321)
    is_named("DB_NO_ACCOUNT", desk, folder / "nameless" / "home", user=54321)


# the server


def test_a_port_that_is_none_and_one_that_is_taken(desk: Path, made: Home) -> None:
    is_named("DB_PORT", desk, made.folder, EXECUTOR_PG_PORT="none")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        is_named("DB_PORT", desk, made.folder, EXECUTOR_PG_PORT=str(taken.getsockname()[1]))


@contextmanager
def _held(home: Home) -> Iterator[None]:
    lock = Flock(home.lock)
    assert lock.own(wait=0)
    try:
        yield
    finally:
        lock.release()


@pytest.mark.chaos
@pytest.mark.skipif(not _LONG, reason="it is waited for two minutes: make chaos")
def test_a_lock_that_somebody_holds_and_a_server_that_is_frozen(desk: Path, made: Home, clients: Clients) -> None:
    with _held(made):
        is_named("DB_LOCKED", desk, made.folder)
    keeper = clients.start(made.folder)
    keeper.ask("acquire")
    pid = Server(made).status().pid
    assert pid is not None
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    try:
        is_named("DB_TIMEOUT", desk, made.folder)
    finally:
        psutil.Process(pid).send_signal(signal.SIGCONT)
