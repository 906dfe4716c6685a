"""The folders and files of EXECUTOR_HOME: where the embedded database keeps each thing."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from executor.database.embedded import failures
from executor.errors import DatabaseError

PORT_MAX = 65535


class Home(Struct, frozen=True):
    """One user's EXECUTOR_HOME, with what the environment asks of its database.

    Files in `pg` belong to whoever runs the executor: locks, passwords, the log, markers. The cluster itself lives in a
    `Place`, which is `pg` too unless root had to put it somewhere the unprivileged account can reach.
    """

    folder: Path
    port: int | None = None
    binaries: Path | None = None
    account: str | None = None

    @property
    def pg(self) -> Path:
        return self.folder / "pg"

    @property
    def lock(self) -> Path:
        return self.pg / "lock"

    @property
    def users(self) -> Path:
        return self.pg / "users"

    @property
    def kept(self) -> Path:
        """Exists while `db start` wants the server to outlive its users."""
        return self.pg / "kept"

    @property
    def log(self) -> Path:
        return self.pg / "postgres.log"

    @property
    def password(self) -> Path:
        """The password of the role the program works with."""
        return self.pg / "password"

    @property
    def admin_password(self) -> Path:
        """The password of the superuser, which only this package uses."""
        return self.pg / "admin-password"

    @property
    def location(self) -> Path:
        """Names the folder of a relocated cluster, for ever after."""
        return self.pg / "LOCATION"

    def place(self) -> Place:
        try:
            named = self.location.read_text(encoding="utf-8", errors="surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return Place(self.pg)
        except OSError as error:
            raise failures.from_os_error(error, self.location) from error
        return Place(Path(named.rstrip("\n")))


class Place(Struct, frozen=True):
    """The folder that holds the cluster, its socket and its cached binaries."""

    folder: Path

    def data(self, major: int) -> Path:
        return self.folder / f"data-{major}"

    @property
    def settings(self) -> Path:
        """Ours, rewritten at each start; the cluster's own postgresql.conf includes it."""
        return self.folder / "executor.conf"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def clusters(self) -> list[Path]:
        """Every data folder, oldest major first; each appears here only when complete (see cluster.create)."""
        if not self.folder.exists():
            return []
        found = [path for path in self.folder.glob("data-*") if path.name.removeprefix("data-").isdigit()]
        return sorted(found, key=lambda path: int(path.name.removeprefix("data-")))

    def newest(self) -> Path | None:
        return next(reversed(self.clusters()), None)


def home_from_environment(environ: Mapping[str, str]) -> Home:
    """EXECUTOR_HOME (default `~/.executor`), EXECUTOR_PG_PORT, EXECUTOR_PG_BIN and EXECUTOR_PG_USER, checked."""
    binaries = environ.get("EXECUTOR_PG_BIN")
    return Home(
        folder=_folder(environ),
        port=_port(environ.get("EXECUTOR_PG_PORT")),
        binaries=_absolute(binaries) if binaries else None,
        account=environ.get("EXECUTOR_PG_USER") or None,
    )


def _folder(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("EXECUTOR_HOME"):
        return _absolute(chosen)
    if of_user := environ.get("HOME"):
        return _absolute(of_user) / ".executor"
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".executor"
    except KeyError as error:
        raise DatabaseError(
            f"user {os.geteuid()} has no home directory to keep a database in",
            hint="set EXECUTOR_HOME to a writable directory, or DATABASE_URL to an existing PostgreSQL",
            code="DB_DIR",
        ) from error


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and 0 < int(text) <= PORT_MAX:
        return int(text)
    raise DatabaseError(
        f"EXECUTOR_PG_PORT is {text!r}, which is not a port",
        hint=f"unset EXECUTOR_PG_PORT, or set it to a number from 1 to {PORT_MAX}",
        code="DB_PORT",
    )


def _absolute(text: str) -> Path:
    # normpath, not resolve: a link in the path is the user's choice, and may point elsewhere tomorrow
    return Path(os.path.normpath(Path.cwd() / Path(text).expanduser()))
