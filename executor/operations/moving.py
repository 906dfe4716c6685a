"""The queue from one database into another: at every moment one of them is the truth, whoever is killed.

move: source: leaving                                       nobody begins anything, workers are asked to leave
      ONE transaction of the source, in which nobody changes anything:
          a backup of it                                    in the folder of backups
          ONE transaction of the target: restore, compare, arriving
          left                                              its commit is the one moment at which the truth changes
      target: arrived
      the setting
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection, IsolationLevel

from executor import choice, clock, faults
from executor.database import archive, relocation, schema, translate
from executor.database.archive import Manifest, room
from executor.database.archive.tables import ARCHIVE
from executor.database.connection import Database
from executor.database.relocation import Relocation, State
from executor.errors import DatabaseError, UsageError
from executor.model import FleetRow
from executor.operations import backup, control
from executor.queue import lists, steps, workers
from executor.settings import Settings

_LOOK_SECONDS = 0.2
_EVERYBODY = 0
EMBEDDED = "embedded"


class Ends(Struct, frozen=True):
    """Both databases of a move, and where the choice between them is kept."""

    source: Database
    target: Database
    settings: Settings
    url: str | None  # of the target; None is the embedded server


class Moved(Struct, frozen=True):
    """`backup` and `manifest` are None where an earlier command had copied everything already."""

    source: str
    target: str
    backup: Path | None = None
    manifest: Manifest | None = None


Tell = Callable[[str], None]


def ends(settings: Settings, typed: str, notice: Tell) -> Ends:
    """Where the queue is and where it is to go: a URL, or `embedded`."""
    url = None if typed == EMBEDDED else typed
    target = Database(replace(settings, database_url=url), notice=notice)
    return Ends(Database(settings, notice=notice), target, settings, url)


def move(between: Ends, *, now: bool, tell: Tell, progress: Tell) -> Moved:
    """Move the queue, or finish a move that was cut short. `now` stops running tasks instead of waiting for them."""
    source, target = between.source.where(), between.target.where()
    environ = between.settings.environ
    with closing(between.source.visit("move")) as leaving, translate.errors(source):
        if source == target:
            return _finished(leaving, between, target)
        if not room.has_queue(leaving):
            raise DatabaseError(f"{source} holds no queue yet", hint="there is nothing to move", code="DB_BACKUP")
        with closing(between.target.visit("move")) as arriving, translate.errors(target):
            between.target.check(arriving)
            found = _begin(leaving, arriving, between)
            faults.at("move-begun")
            made = None
            if found.state == State.LEAVING:
                empty(leaving, between.settings.actor, now=now, tell=tell)
                faults.at("move-drained")
                made = _carry(leaving, arriving, found, between, progress)
            faults.at("move-left")
            _open(arriving, found, target)
            faults.at("move-opened")
            choice.write(environ, between.url)
            faults.at("move-chosen")
            choice.forget_target(environ)
    return Moved(source, target, made.path if made else None, made.manifest if made else None)


def _finished(connection: Connection[Any], between: Ends, target: str) -> Moved:
    """The queue is where it is to go: by a move that was cut short at its very end, or it always was."""
    found = relocation.read(connection)
    if found is None or found.state != State.ARRIVED:
        raise UsageError(f"the queue is at {target} already", hint="name another database with --to")
    choice.forget_target(between.settings.environ)
    return Moved(found.other, target)


def abort(between: Ends) -> str:
    """Take a move back that was cut short; where the queue is. DatabaseError when it is completed."""
    source, target = between.source.where(), between.target.where()
    with closing(between.source.visit("move")) as leaving, translate.errors(source):
        found = relocation.read(leaving)
        if found is None or found.state not in (State.LEAVING, State.LEFT):
            raise UsageError(f"no move of the queue of {source} is under way", hint="see `executor db status`")
        if found.other != target:
            raise UsageError(f"the move is to {found.other}, not to {target}", hint="name that with --to")
        with closing(between.target.visit("move")) as arriving, translate.errors(target):
            _drop_copy(arriving, found, source, target)
        faults.at("move-copy-dropped")
        relocation.stay(leaving)
        choice.forget_target(between.settings.environ)
    return source


def _begin(leaving: Connection[Any], arriving: Connection[Any], between: Ends) -> Relocation:
    """The move that is under way, or one that begins now, once everything that can be known speaks for it."""
    source, target = between.source.where(), between.target.where()
    found = relocation.read(leaving)
    if found is not None and found.state in (State.LEAVING, State.LEFT):
        if found.other != target:
            raise UsageError(
                f"a move to {found.other} is under way", hint="finish it, or take it back: `executor db move --abort`"
            )
        return found
    relocation.refuse(leaving, source)
    schema.ensure(leaving)
    _refuse_occupied(arriving, target)
    move_id = uuid4()
    choice.remember_target(between.settings.environ, between.url or EMBEDDED)  # before there is anything to take back
    relocation.begin_leaving(leaving, move_id, target)
    at_target = relocation.read(arriving)
    if at_target is not None and at_target.move_id == move_id:
        relocation.stay(leaving)
        raise UsageError(f"the queue is at {target} already", hint="name another database with --to")
    begun = relocation.read(leaving)
    assert begun is not None, "a moment ago"
    return begun


def _refuse_occupied(arriving: Connection[Any], target: str) -> None:
    """What an earlier move left there is no queue: it goes aside."""
    found = relocation.read(arriving)
    if found is not None and found.state == State.LEFT:
        return
    if found is not None and found.state == State.ARRIVING:
        raise DatabaseError(
            f"another move to {target} is under way, from {found.other}", hint="finish that one first", code="DB_MOVING"
        )
    if room.has_queue(arriving) and room.contents(arriving).any:
        raise DatabaseError(
            f"{target} holds a queue of its own", hint="name an empty database with --to", code="DB_NOT_EMPTY"
        )


def empty(leaving: Connection[Any], actor: str, *, now: bool, tell: Tell) -> None:
    """Ask workers to leave and wait until none is left. Those on the books that are dead are taken off them."""
    told, stopped = 0, set[str]()
    while True:
        control.recover(leaving, actor)
        left = workers.everyone(leaving)
        if not left:
            return
        workers.drain(leaving, [one.worker_id for one in left])
        served = {path for one in left for path in one.lists} if now else set[str]()
        for path in sorted(served - stopped):
            row = lists.find(leaving, path)
            if row is not None:
                control.stop(leaving, row, actor, now=True)
        stopped |= served
        steps.tell(leaving, _EVERYBODY)
        if len(left) != told:
            tell(_waiting(left, now=now))
            told = len(left)
        clock.sleep(_LOOK_SECONDS)


def _waiting(left: Sequence[FleetRow], *, now: bool) -> str:
    running = sum(one.running for one in left)
    way_out = "" if now else "; --now stops them"
    return f"waiting until everybody has left (workers: {len(left)}, running tasks: {running}){way_out}"


def _carry(
    leaving: Connection[Any], arriving: Connection[Any], found: Relocation, between: Ends, progress: Tell
) -> backup.Backup | None:
    """Copy everything and change the truth; None when somebody else did so meanwhile."""
    leaving.isolation_level = IsolationLevel.REPEATABLE_READ
    source, folder = between.source.where(), backup.folder(between.settings)
    with leaving.transaction():
        relocation.hold(leaving)
        now = relocation.read(leaving)
        if now is None or now.move_id != found.move_id:
            raise DatabaseError("the move was taken back meanwhile", hint="see `executor db status`", code="DB_MOVING")
        if now.state == State.LEFT:
            return None
        made = backup.write(leaving, None, folder, where=source, tell=progress)
        faults.at("move-dumped")
        there = relocation.read(arriving)
        with arriving.transaction():
            _make_room(arriving, found, there, between.target.where())
            archive.load(arriving, made.path, leap=0, tell=progress)
            relocation.arrive(arriving, found.move_id, source)
        faults.at("move-restored")
        relocation.leave(leaving, found)
        faults.at("move-not-left")
    arriving.execute(ARCHIVE.analyze, prepare=False)
    return made


def _make_room(arriving: Connection[Any], found: Relocation, there: Relocation | None, target: str) -> None:
    """A copy of this very move is made anew; what an earlier one left goes aside."""
    if there is not None and there.move_id == found.move_id:
        arriving.execute(ARCHIVE.clear, prepare=False)
    elif there is not None and there.state == State.LEFT:
        room.put_aside(arriving)
    else:
        room.make(arriving, target, replace=False)


def _open(arriving: Connection[Any], found: Relocation, target: str) -> None:
    there = relocation.read(arriving)
    if there is None or there.move_id != found.move_id:
        raise DatabaseError(
            f"{target} does not hold the queue that was moved to it on {found.since:%Y-%m-%d %H:%M} UTC",
            hint="if taking the move back was cut short, `executor db move --abort` finishes that; if it was "
            "emptied since, `executor db backups` lists the backup that the move made",
            code="DB_MOVED",
        )
    if there.state == State.ARRIVING:
        relocation.put(arriving, there.move_id, State.ARRIVED, there.other)


def _drop_copy(arriving: Connection[Any], found: Relocation, source: str, target: str) -> None:
    """The copy that nobody used goes; the source is the truth again only after that."""
    there = relocation.read(arriving)
    if there is None or there.move_id != found.move_id:
        return
    if there.state == State.ARRIVED:
        raise DatabaseError(
            f"the queue is in use at {target}: this move is completed",
            hint=f"finish it with the same `executor db move`, then move back to {source}",
            code="DB_MOVED",
        )
    arriving.execute(ARCHIVE.clear, prepare=False)
