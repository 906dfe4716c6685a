"""A task with `migrate:` brings its target up to a folder, as `executor migrate up` does; then its blocks run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import errors

from executor import __version__
from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Surroundings, heeding, shell, target
from executor.runners.heeding import Heeding, Interrupted
from executor.states import RunStatus
from sql import apply
from sql.errors import MigrationError
from sql.notices import Notice, NoticeKind

_SAID = {
    NoticeKind.APPLIED: "applied",
    NoticeKind.WAITING: "waits",
    NoticeKind.RETRYING: "tries again, a lock is taken",
    NoticeKind.HEALED: "healed",
}


def run(claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Apply what is pending, each file once whoever was killed over it; the ledger of the target knows."""
    settings = {**surroundings.settings, **claimed.spec["settings"]}
    environ = shell.environ_of(claimed, {"attributes": {}}, surroundings)
    timeout = shell.timeout_of({"attributes": {}}, settings)
    try:
        parts = target.options(target.conninfo(settings, environ, surroundings.queue))
        connection = heeding.connect(parts, io, timeout)
    except target.NoTarget as error:
        return Outcome(RunStatus.FAILED, f"migrate: {error}")
    try:
        failure = _apply(connection, surroundings.folder / str(settings["migrate"]), timeout)
    finally:
        connection.close()
    return _redacted(failure, parts) if failure else shell.run(claimed, io, surroundings)


def _apply(connection: Heeding, folder: Path, timeout: float | None) -> Outcome | None:
    def report(notice: Notice) -> None:
        if notice.kind is NoticeKind.SERVER:
            connection.say(f"{notice.text}\n")
        elif notice.kind in _SAID:
            added = f": {notice.text}" if notice.text else ""
            connection.say(f"{notice.migration.label} {_SAID[notice.kind]}{added}\n")

    try:
        done = apply.up(connection, folder, tool=f"executor {__version__}", report=report, pause=connection.pause)
    except (Interrupted, errors.QueryCanceled):
        return heeding.outcome(connection.why or RunStatus.TIMED_OUT, "migrate", timeout)
    except MigrationError as error:
        if connection.why is not None:
            return heeding.outcome(connection.why, "migrate", timeout)
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return Outcome(RunStatus.FAILED, f"{error.message}{hint}")
    if not done.migrations:
        connection.say("nothing to do\n")
    return None


def _redacted(failure: Outcome, parts: Mapping[str, Any]) -> Outcome:
    return Outcome(failure.status, target.redacted(failure.error, parts))
