"""The start of the server: one child in its own session, watched through postmaster.pid until it is ready."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from executor.database.embedded import cluster as clusters
from executor.database.embedded import failures, placing, ports, postmaster
from executor.database.embedded.cluster import Cluster
from executor.errors import DatabaseError

LOG_MAX = 10 << 20
LOG_TAIL = 8192
POLL_MIN, POLL_MAX = 0.002, 0.05
ORPHANS_LEAVE = 0.3  # backends of a killed server need up to 1.5 s to notice
TRIES_MAX = 12


class Setback(StrEnum):
    """Why a start failed that may succeed if tried again."""

    PORT_TAKEN = "port taken"
    NOT_ALONE = "not alone"  # orphans of a killed server, or a server whose starter was killed just now


class Listening(Struct, frozen=True):
    """Where the new server will answer; port 0 is never asked for."""

    socket_folder: Path
    port: int
    tcp: bool


def start(cluster: Cluster, *, wait: float) -> subprocess.Popen[bytes] | None:
    """The ready server, or None when one that is not our child has appeared meanwhile. Call under the lock.

    DatabaseError with the server's own reason when it will not start.
    """
    clusters.write_settings(cluster)
    folder = placing.make_socket_folder(cluster.place, cluster.account)
    _clear_sockets(folder, cluster.data)
    _rotate(cluster.home.log)
    tcp = ports.has_loopback()
    choices = ports.candidates(cluster.home.port) if tcp else iter([cluster.home.port or ports.USUAL])
    port = _next_port(choices, cluster)
    for _ in range(TRIES_MAX):
        with cluster.home.log.open("ab") as log:
            begun = log.tell()
            child = _spawn(cluster, Listening(folder, port, tcp), log.fileno())
        if _await_ready(child, cluster, wait):
            return child
        said = _tail(cluster.home.log, begun)
        match setback(said):
            case Setback.PORT_TAKEN:
                port = _next_port(choices, cluster)
            case Setback.NOT_ALONE:
                found = postmaster.read(cluster.data)
                if found is not None and postmaster.is_ours(found.pid, cluster.data):
                    return None
                time.sleep(ORPHANS_LEAVE)
            case None:
                break
    raise failures.from_log(said, data=cluster.data, exit_code=child.returncode, log_file=cluster.home.log)


def setback(said: str) -> Setback | None:
    """What the log of a failed start says about trying again."""
    if re.search(r"Address already in use|could not create any TCP/IP sockets", said):
        return Setback.PORT_TAKEN
    if re.search(r"pre-existing shared memory block|lock file \".*\" already exists", said):
        return Setback.NOT_ALONE
    return None


def command(cluster: Cluster, listening: Listening) -> list[str]:
    quoted_folder = str(listening.socket_folder).replace('"', '""')
    return [
        cluster.binaries.program("postgres"),
        "-D",
        str(cluster.data),
        "-c",
        f"listen_addresses={ports.LOOPBACK if listening.tcp else ''}",
        "-c",
        f"port={listening.port}",
        "-c",
        f'unix_socket_directories="{quoted_folder}"',
        "-c",
        "unix_socket_permissions=0700",
    ]


def _spawn(cluster: Cluster, listening: Listening, log: int) -> subprocess.Popen[bytes]:
    options = cluster.account.spawn_options()
    if stale := _pid_in_the_way(cluster.data):
        # Makes PostgreSQL overlook a pid file whose number now belongs to a stranger, without giving up the check of
        # its shared memory, which deleting the file would (the way Patroni does it).
        options["env"]["PG_GRANDPARENT_PID"] = str(stale)
    try:
        return subprocess.Popen(
            command(cluster, listening),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **options,
        )
    except PermissionError as error:
        raise DatabaseError(
            f"{cluster.binaries.program('postgres')} cannot be executed: {error.strerror}",
            hint="is its file system mounted noexec? set EXECUTOR_PG_BIN or EXECUTOR_HOME elsewhere, or DATABASE_URL",
            code="DB_BINARIES",
        ) from error


def _pid_in_the_way(data: Path) -> int:
    """Clears a pid file that names nobody; otherwise the living stranger it names, or 0."""
    found = postmaster.read(data)
    if found is not None and found.pid == 0:
        time.sleep(0.1)  # a server whose starter was killed may be writing it at this moment
        found = postmaster.read(data)
        if found is not None and found.pid == 0:
            (data / "postmaster.pid").unlink()
            return 0
    if found is None or found.pid <= 1 or postmaster.is_ours(found.pid, data):
        return 0
    return found.pid if postmaster.is_alive(found.pid) else 0


def _clear_sockets(folder: Path, data: Path) -> None:
    """What a killed server left: its lock file may name a zombie, or a pid that is a stranger's by now."""
    for lock in folder.glob(".s.PGSQL.*.lock"):
        text = lock.read_text(encoding="utf-8", errors="replace")
        if not postmaster.is_ours(postmaster.parse(text).pid, data):
            lock.with_suffix("").unlink(missing_ok=True)
            lock.unlink()


def _await_ready(child: subprocess.Popen[bytes], cluster: Cluster, wait: float) -> bool:
    """False when it ended by itself. After `wait` seconds DB_TIMEOUT, and it goes on: it may have much to recover."""
    try:
        import psycopg  # noqa: F401  the server starts meanwhile

        pause, until = POLL_MIN, time.monotonic() + wait
        while time.monotonic() < until:
            if child.poll() is not None:
                return False
            found = postmaster.read(cluster.data)
            if found is not None and found.pid == child.pid and found.is_ready:
                return True
            time.sleep(pause)
            pause = min(pause * 1.2, POLL_MAX)
    except BaseException:  # Ctrl-C too: a server that nobody waits for would hold the cluster
        _end(child)
        raise
    raise DatabaseError(
        f"PostgreSQL (pid {child.pid}) was not ready after {wait:.0f} s",
        hint=f"wait, if it recovers, or executor db stop --force; its log is {cluster.home.log} (EXECUTOR_HOME)",
        code="DB_TIMEOUT",
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGQUIT, signal.SIGKILL):
        child.send_signal(number)
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            continue
        return


def _next_port(choices: Iterator[int], cluster: Cluster) -> int:
    if (port := next(choices, None)) is not None:
        return port
    chosen = cluster.home.port
    raise DatabaseError(
        f"port {chosen} on {ports.LOOPBACK} is taken" if chosen else f"no free TCP port on {ports.LOOPBACK}",
        hint="set EXECUTOR_PG_PORT to a free port, or DATABASE_URL to an existing PostgreSQL",
        code="DB_PORT",
    )


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_MAX:
        log.rename(log.with_suffix(".log.1"))
    log.touch(mode=0o600)


def _tail(log: Path, begun: int) -> str:
    with log.open("rb") as file:
        file.seek(max(begun, os.fstat(file.fileno()).st_size - LOG_TAIL))
        return file.read().decode(errors="replace")
