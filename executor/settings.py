"""What the environment says: read once, here."""

from __future__ import annotations

import getpass
import logging
import os
import socket
from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from executor import choice
from executor.errors import UsageError

# Naming a server through any of these chooses it; PGUSER or PGPASSWORD alone do not.
LIBPQ_CHOOSERS = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE", "PGPORT")
_LEASE_MAX = 86400


class Settings(Struct, frozen=True):
    """One process's settings. `database_url` is None where the embedded server serves; `""` leaves all to libpq."""

    database_url: str | None
    lease: timedelta
    log_level: str
    environ: Mapping[str, str]

    @property
    def actor(self) -> str:
        """Who does what this process does, as events tell it."""
        return f"{_user()}@{socket.gethostname()}"


def read(environ: Mapping[str, str] | None = None, *, database_url: str | None = None) -> Settings:
    """Settings from the environment; `database_url` from the command line comes first."""
    environ = os.environ if environ is None else environ
    url = database_url or environ.get("DATABASE_URL") or None
    if url is None and any(environ.get(name) for name in LIBPQ_CHOOSERS):
        url = ""
    return Settings(
        database_url=choice.read(environ) if url is None else url,
        lease=_lease(environ.get("EXECUTOR_LEASE", "30")),
        log_level=_log_level(environ.get("EXECUTOR_LOG", "")),
        environ=environ,
    )


def embedded(chosen: Settings) -> Settings:
    """The same with the embedded server, whatever the environment names."""
    return replace(chosen, database_url=None)


def _lease(text: str) -> timedelta:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= _LEASE_MAX:
        raise UsageError(
            f"EXECUTOR_LEASE is {text!r}, not a number of seconds from 1 to {_LEASE_MAX}",
            hint="unset it to use 30 seconds",
        )
    return timedelta(seconds=seconds)


def _log_level(text: str) -> str:
    if text and text.upper() not in logging.getLevelNamesMapping():
        raise UsageError(f"EXECUTOR_LOG is {text!r}, not a level", hint="set it to debug, info or warning, or unset it")
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's uid without a passwd entry
        return f"uid{os.getuid()}"
