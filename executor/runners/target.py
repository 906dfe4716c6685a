"""Which database the SQL of a task is for: what `target` says, else DATABASE_URL, and never one by accident."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

QUEUE = "queue"
_CONNECT_SECONDS = 10


class NoTarget(Exception):
    """There is no database to run it in; the message says what to set, and holds no password."""


def conninfo(settings: Mapping[str, Any], environ: Mapping[str, str], queue: Callable[[], str]) -> str:
    """What libpq is given. Holds the password: never print it."""
    named = str(settings.get("target") or "")
    if named == QUEUE:
        return queue()
    if "://" in named:
        return named
    variable = named or "DATABASE_URL"
    if not (found := environ.get(variable)):
        what = f"target: {named} names an environment variable that is not set" if named else "no database is named"
        raise NoTarget(f"{what}; set `target:` to a URL or a variable, or DATABASE_URL, or `target: {QUEUE}`")
    return found


def options(text: str) -> dict[str, Any]:
    """The parts of a connection string, with our own bounds; raises NoTarget without showing any of it."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return {"connect_timeout": _CONNECT_SECONDS, **conninfo_to_dict(text)}
    except psycopg.Error:
        raise NoTarget("the URL of the target database cannot be understood") from None


def redacted(text: str, parts: Mapping[str, Any]) -> str:
    """A text without the password of the target."""
    password = str(parts.get("password") or "")
    return text.replace(password, "***") if password else text
