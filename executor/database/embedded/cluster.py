"""The making of a cluster: initdb into a folder of its own, then one rename."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from msgspec import Struct

from executor.database.embedded import configuration, failures
from executor.database.embedded.account import Account
from executor.database.embedded.binaries import Binaries
from executor.database.embedded.home import Home, Place
from executor.database.embedded.roles import ADMIN
from executor.errors import DatabaseError

MEGABYTE = 1 << 20


class Cluster(Struct, frozen=True):
    """Everything needed to run one: whose it is, where it is, and who runs it with what."""

    home: Home
    place: Place
    account: Account
    binaries: Binaries
    data: Path


def major_of(data: Path) -> int:
    """The version that made it. DB_CORRUPT when the folder does not say."""
    try:
        text = (data / "PG_VERSION").read_text(encoding="utf-8", errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_a_cluster(data) from error
    if not text.isdigit():
        raise _not_a_cluster(data)
    return int(text)


def create(cluster: Cluster, *, free_min: int) -> None:
    """Make the cluster; call under the lock. Killed at any moment, it leaves an `init-*` folder and nothing else.

    `free_min` is in megabytes. The roles are not made here: that needs a running server (see roles).
    """
    check_space(cluster.place.folder, free_min)
    make_password(cluster.home.admin_password)
    make_password(cluster.home.password)
    workshop = cluster.place.folder / f"init-{secrets.token_hex(6)}"
    workshop.mkdir(mode=0o700)
    try:
        _run_initdb(cluster, workshop)
        with (workshop / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(configuration.INCLUDES)
        (workshop / "data").rename(cluster.data)
    finally:
        shutil.rmtree(workshop)
    _sync_folder(cluster.place.folder)


def remove_unfinished(place: Place) -> None:
    """What a killed initdb left. It may still be writing for a moment: what then remains goes at the next start."""
    for workshop in place.folder.glob("init-*"):
        shutil.rmtree(workshop, ignore_errors=True)


def write_settings(cluster: Cluster) -> None:
    pending = cluster.place.settings.with_suffix(".new")
    pending.write_text(configuration.text(cluster.binaries.major), encoding="utf-8")
    pending.chmod(0o644)
    pending.rename(cluster.place.settings)


def check_space(folder: Path, free_min: int) -> None:
    free = shutil.disk_usage(folder).free // MEGABYTE
    if free < free_min:
        raise DatabaseError(
            f"only {free} MB free in {folder}, and a new database needs {free_min} MB",
            hint="free some space, or set EXECUTOR_HOME to another disk, or DATABASE_URL to an existing PostgreSQL",
            code="DB_DISK",
        )


def make_password(file: Path) -> None:
    """Random, readable by its owner only; one that exists is kept, as a cluster may know it already."""
    if file.exists() and file.stat().st_size > 0:
        return
    pending = file.with_suffix(".new")
    descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(secrets.token_hex(32) + "\n")
        opened.flush()
        os.fsync(descriptor)
    pending.rename(file)


def _run_initdb(cluster: Cluster, workshop: Path) -> None:
    password = workshop / "password"
    password.touch(mode=0o600)
    password.write_bytes(cluster.home.admin_password.read_bytes())
    cluster.account.give(password)
    cluster.account.give(workshop)
    command = [
        cluster.binaries.program("initdb"),
        f"--pgdata={workshop / 'data'}",
        f"--username={ADMIN}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
    ]
    if cluster.binaries.major >= 17:
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        **cluster.account.spawn_options(),
    )
    try:
        import psycopg  # noqa: F401  needed later in any case, and initdb hides the time it takes

        said, _ = child.communicate()
    except BaseException:  # Ctrl-C too: it has a session of its own and would go on in a folder that is taken away
        child.kill()
        child.communicate()
        raise
    if child.returncode != 0:
        raise failures.from_log(said, data=cluster.data, exit_code=child.returncode, log_file=cluster.home.log)


def _not_a_cluster(data: Path) -> DatabaseError:
    return DatabaseError(
        f"{data} is not a database: its PG_VERSION is missing or damaged",
        hint="restore a backup of it, or set EXECUTOR_HOME to another directory to begin with an empty database",
        code="DB_CORRUPT",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
