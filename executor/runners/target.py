"""Which database the SQL of a task is for: what `target` says, else DATABASE_URL, and never one by accident."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

QUEUE = "queue"
_CONNECT_SECONDS = 10


class NoTarget(Exception):
    """There is no database to run it in; the message says what to set, and holds no password."""


def conninfo(settings: Mapping[str, Any], environ: Mapping[str, str], queue: Callable[[], str]) -> str:
    """What libpq is given, from the list's `targets` first. Holds the password: never print it."""
    named = str(settings.get("target") or "")
    meant = str((settings.get("targets") or {}).get(named, named))
    if meant == QUEUE:
        return queue()
    if "://" in meant:
        return meant
    if meant.startswith("file:"):
        return _read(named, Path(meant.removeprefix("file:")).expanduser())
    variable = meant.removeprefix("env:") or "DATABASE_URL"
    if not (found := environ.get(variable)):
        what = (
            f"target: {named} names an environment variable that is not set"
            if meant == named
            else (f"target: {named} is the environment variable {variable}, which is not set")
        )
        raise NoTarget(
            f"{what if named else 'no database is named'};"
            f" set `target:` to a URL or a variable, or DATABASE_URL, or `target: {QUEUE}`"
        )
    return found


def _read(named: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NoTarget(f"target: {named} is in the file {path}, which cannot be read: {error.strerror}") from error


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
