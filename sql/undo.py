"""Undoing migrations, newest first, with the SQL that the ledger kept of them.

down -> read the ledger, choose rows                          raises Irreversible before anything runs
     -> per row:
          entrance.begin: BEGIN, try for the lock             raises LockHeld
          look whether the row still is the newest            raises HistoryDiffers
          the down part, row to the events, COMMIT            raises StatementFailed
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import Struct
from psycopg import Connection

from sql import apply, drift, entrance, failures, folder, outside, queries, script, transaction
from sql.apply import Applied
from sql.batch import Batch, Stopped
from sql.entrance import Entrance
from sql.errors import HistoryDiffers, Irreversible
from sql.folder import Migration
from sql.ledger import Stored
from sql.notices import NoticeKind
from sql.numbering import label
from sql.plan import Recorded
from sql.runner import Options, Runner, told

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

LEDGER = queries.load("ledger")


class Undone(Struct, frozen=True):
    """What one `down` undid, in the order it did, and the newest version of the set now."""

    migrations: tuple[Migration, ...]
    newest: int


def down(
    connection: Connection[Any],
    path: Path | Traversable | None = None,
    *,
    steps: int = 1,
    to: int | None = None,
    **options: Unpack[Options],
) -> Undone:
    """Undo the newest `steps` migrations, or all above version `to`.

    Runs the down part that the ledger kept, so that a file that is gone can be undone; where the folder `path` has the
    same migration, its file's down part comes first, as people mend those. For the rest see `apply.up`.
    """
    runner = Runner(connection, **options)
    runner.ready()
    with told("the ledger was read"):
        rows = [row for row in runner.ledger.read() if not row.repeatable]
    chosen = _choose(rows, steps, to)
    undoings = _undoings(runner, chosen, folder.read(path) if path else ())
    if chosen:
        runner.prepare()
    standing = sorted(row.version for row in rows)
    for migration in undoings:
        runner.tell(NoticeKind.STARTED, migration)
        standing.remove(migration.version)
        _undo(runner, migration, max(standing, default=0))
        runner.tell(NoticeKind.UNDONE, migration)
    return Undone(tuple(undoings), max(standing, default=0))


def redo(connection: Connection[Any], path: Path | Traversable, **options: Unpack[Options]) -> Applied:
    """Undo the newest migration and apply it again, as its file is now; raises before the undoing if files are bad."""
    folder.load(path)
    undone = down(connection, path, **options)
    to = max((migration.version for migration in undone.migrations), default=0)
    return apply.up(connection, path, to=to, allow_edited=True, **options)


def _choose(rows: Sequence[Recorded], steps: int, to: int | None) -> list[Recorded]:
    newest_first = sorted(rows, key=lambda row: row.version, reverse=True)
    if to is None:
        return newest_first[:steps]
    return [row for row in newest_first if row.version > to]


def _undoings(runner: Runner, rows: Sequence[Recorded], files: Sequence[Migration]) -> list[Migration]:
    """The rows as migrations whose script is the undoing; raises if one of them cannot be undone."""
    stored = runner.ledger.stored([row.version for row in rows]) if rows else {}
    by_version = {migration.version: migration for migration in files}
    return [_undoing(row, stored[row.version], by_version.get(row.version)) for row in rows]


def _undoing(row: Recorded, stored: Stored, file: Migration | None) -> Migration:
    if row.kind == "baseline":
        raise Irreversible(
            f"{label(row.version, row.name)} was never run here: the database had it before the toolkit came",
            hint="nothing was run; `migrate resolve` can make the ledger forget it",
        )
    same = file if file and file.checksum == row.checksum else None
    content = same.script if same and same.down else script.parse(_whole(stored))
    if content.down is None:
        why = "says that it is irreversible" if content.directives.irreversible else "has no down part"
        raise Irreversible(
            f"{label(row.version, row.name)} {why}", hint="nothing was run; write a new migration that takes it back"
        )
    path = same.path if same else f"{label(row.version, row.name)}.sql (as applied)"
    return Migration(row.version, row.name, path, script.undoing(content))


def _whole(stored: Stored) -> str:
    """The file as it was applied."""
    return stored.up if stored.down is None else f"{stored.up}-- migrate: down{stored.down}"


def _undo(runner: Runner, migration: Migration, kept: int) -> None:
    """Undo one migration; `kept` is the newest version that stands below it."""
    if not migration.script.directives.transaction:
        outside.undo(runner, migration, kept)
        return
    tried = 0
    while True:
        try:
            with told(f"{migration.label} was undone"), runner.listening(migration):
                _attempt(runner, migration, kept)
                return
        except Stopped as stopped:
            tried += 1
            if not isinstance(stopped.error, failures.PASSING):
                standing = f"the undoing was rolled back, {migration.label} is still applied; mend its down part"
                raise failures.of_statement(stopped, migration, kept=migration.version, standing=standing) from stopped
            runner.back_off(stopped, migration, tried)


def _attempt(runner: Runner, migration: Migration, kept: int) -> None:
    ledger = runner.ledger
    found = entrance.begin(
        runner.connection, Entrance(runner.turn(migration), LEDGER.since, ledger.key | {"version": migration.version})
    )
    try:
        if not found.taken or found.newest != migration.version:
            raise moved(migration)
        batch = Batch(runner.connection)
        transaction.body(runner, batch, migration, migration.statements)
        transaction.send(batch, migration, kept)
        fingerprint = drift.asked(runner)
        hash_after = fingerprint() if fingerprint else None
        ledger.reset()
        ledger.remove(migration.version, "undone")
        ledger.undone(hash_after)
        runner.connection.execute(LEDGER.commit, prepare=False)
    finally:
        entrance.rollback(runner.connection)


def moved(migration: Migration) -> HistoryDiffers:
    """Somebody else changed the history between our look at it and our turn."""
    return HistoryDiffers(
        f"{migration.label} is no longer the newest migration that is applied; nothing was run",
        hint="another runner was at work; see `migrate status`",
    )
