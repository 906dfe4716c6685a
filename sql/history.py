"""Changing by hand what the ledger says, and not what the database is; every change is kept as an event."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import Struct
from psycopg import Connection

from sql import entrance, folder, lock
from sql.errors import HistoryDiffers
from sql.folder import Migration
from sql.numbering import label
from sql.plan import Recorded
from sql.runner import Options, Runner, told

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path


class Resolution(StrEnum):
    """`applied`: the file's work is done. `forget`: there is no such migration. `rebless`: the edit changes nothing."""

    APPLIED = "applied"
    FORGET = "forget"
    REBLESS = "rebless"


class Resolved(Struct, frozen=True):
    """What the ledger said of a version before, and what it says now; None for nothing."""

    before: Recorded | None
    after: Recorded | None


def resolve(
    connection: Connection[Any],
    path: Path | Traversable,
    version: int,
    resolution: Resolution | str,
    **options: Unpack[Options],
) -> Resolved:
    """Change what the ledger says of one version; raises HistoryDiffers where that makes no sense."""
    runner = Runner(connection, **options)
    runner.ready()
    chosen = Resolution(resolution)
    files = {} if chosen is Resolution.FORGET else {file.version: file for file in folder.read(path)}
    runner.prepare()
    with told(f"{label(version)} was resolved"), entrance.alone(connection, lock.Turn(runner.ledger.lock)):
        before = _row(runner, version)
        _change(runner, chosen, version, files.get(version), before)
        return Resolved(before, _row(runner, version))


def baseline(
    connection: Connection[Any], path: Path | Traversable, version: int, **options: Unpack[Options]
) -> tuple[Migration, ...]:
    """Record all files up to a version as applied without running them, on a database that has no history yet."""
    runner = Runner(connection, **options)
    runner.ready()
    files = [file for file in folder.read(path) if file.version <= version]
    if not files or files[-1].version != version:
        raise HistoryDiffers(f"no file has the number {label(version)}", hint="name the last file that is in already")
    runner.prepare()
    with told("the baseline was recorded"), entrance.alone(connection, lock.Turn(runner.ledger.lock)):
        if rows := [row for row in runner.ledger.read() if not row.repeatable]:
            newest = label(rows[-1].version, rows[-1].name)
            raise HistoryDiffers(
                f"the set {runner.set_name!r} has a history here already: {newest} is its newest",
                hint="`migrate resolve N applied` records a single file",
            )
        for file in files:
            runner.ledger.settle(file, "baseline", kind="baseline")
    return tuple(files)


def _change(
    runner: Runner, resolution: Resolution, version: int, file: Migration | None, before: Recorded | None
) -> None:
    if resolution is Resolution.FORGET:
        if before is None:
            raise HistoryDiffers(f"the ledger has no {label(version)} to forget", hint="see `migrate status`")
        runner.ledger.remove(version, "forgotten")
        return
    if file is None:
        raise HistoryDiffers(f"the folder has no {label(version)}", hint="see `migrate status`")
    if resolution is Resolution.REBLESS and (before is None or not before.applied):
        raise HistoryDiffers(
            f"{file.label} is not applied, so there is nothing to rebless",
            hint="`migrate resolve N applied` records it",
        )
    kind = before.kind if before else "versioned"
    runner.ledger.settle(file, "blessed" if resolution is Resolution.REBLESS else "resolved", kind=kind)


def _row(runner: Runner, version: int) -> Recorded | None:
    rows = (row for row in runner.ledger.read() if row.version == version and not row.repeatable)
    return next(rows, None)
