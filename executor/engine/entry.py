"""A worker's coming and going: its entry in the books, its threads, its scratch folder, its leave."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from msgspec import Struct

from executor import __version__, clock, faults, processes, recovery, redaction
from executor.database import translate
from executor.database.connection import Database
from executor.engine import descriptors, hearing, heartbeat, listener, orphans
from executor.engine.guard import Guard
from executor.engine.hands import Hands
from executor.engine.heartbeat import Lease
from executor.engine.inbox import Inbox
from executor.engine.messages import Edited
from executor.engine.report import Reporter
from executor.engine.scribe import Read, Scribe
from executor.engine.serving import Choices, Ending, Serving, Sync, Watch
from executor.engine.worker import Worker
from executor.errors import DatabaseError, ExecutorError
from executor.events import Kind
from executor.model import Counts
from executor.queue import lists, steps, tasks, workers
from executor.redaction import Redactor
from executor.runners import Surroundings
from executor.runners.agents.keeper import Keeper
from executor.watch import notice
from executor.watch.reader import Reader, Watched
from loader.model import TaskList

Answer = TypeVar("Answer")
_RECORD_SECONDS = 60.0
_RECORD_PAUSE_SECONDS = 0.5


class Assignment(Struct, frozen=True):
    """A list to work on. `write_back` off leaves the file alone."""

    list_id: int
    path: Path
    folder: Path  # where its tasks run
    settings: dict[str, Any]
    choices: Choices
    reporter: Reporter
    known: TaskList | None
    synced: str | None
    read: Read
    write_back: bool = True
    watched: tuple[Watched, Sync] | None = None  # its file, and how a save of it gets into the queue


class Closing(Struct, frozen=True):
    """How the tasks of a run stand at its end, and the ids of those that failed."""

    counts: Counts
    failed: list[str]


def open_worker(
    database: Database,
    connection: psycopg.Connection[Any],
    *,
    jobs: int,
    lease: timedelta,
    actor: str,
    reporter: Reporter,
    labels: tuple[str, ...] = (),
) -> Worker:
    """Enter a worker in the books, having first taken back what dead ones on this machine left."""
    descriptors.make_room(jobs)
    orphans.adopt()
    identity = processes.own()
    scratch = _scratch(identity)
    worker = Worker(
        database=database,
        name=f"{actor}:{identity.pid}",
        identity=identity,
        jobs=jobs,
        lease=lease,
        labels=labels,
        reporter=reporter,
        inbox=Inbox(),
        scratch=scratch,
        guard=Guard(identity, scratch),
        hands=Hands(),
        sweeper=orphans.Sweeper(identity.token),
        connection=connection,
    )
    reporter.recovered(translate.until_done(lambda: recovery.recover(connection, identity, worker.name)))
    enter(worker)
    return worker


def open_serving(
    worker: Worker, assignment: Assignment, environ: Mapping[str, str], actor: str, *, begin: bool = True
) -> Serving:
    """Set a worker to work on a list as well. `begin` off: the list was set running by whoever calls."""
    assert worker.connection is not None, "opened by the loop, or before it"
    serving = Serving(
        list_id=assignment.list_id,
        path=assignment.path,
        choices=assignment.choices,
        surroundings=Surroundings(
            list_path=str(assignment.path),
            folder=assignment.folder,
            scratch=worker.scratch,
            environ=environ,
            settings=assignment.settings,
            worker=worker.identity.token,
            queue=worker.database.conninfo,
            secrets=(secrets := secrets_of(assignment.reporter, assignment.settings, assignment.folder, environ)),
            redactor=redactor_of(assignment.settings, environ, secrets),
            keeper=_keeper(assignment),
            record=lambda: _record(worker.database, assignment.list_id),
        ),
        reporter=assignment.reporter,
        scribe=Scribe(
            assignment.list_id, assignment.path, worker.inbox, assignment.read, assignment.known, assignment.synced
        )
        if assignment.write_back
        else None,
        watch=_watch(worker, assignment),
    )
    workers.serve(worker.connection, worker.worker_id, serving.list_id)
    if begin:
        lists.start(worker.connection, serving.list_id, actor=actor, jobs=worker.jobs)
    worker.servings[serving.list_id] = serving
    return serving


def follow(worker: Worker) -> None:
    """Begin to read the files of those lists it serves that are watched."""
    watches = {serving.path: serving.watch for serving in worker.servings.values() if serving.watch}
    for watch in watches.values():
        watch.reader.start()
    if notice.is_wanted():
        worker.notices = threading.Event()
        notice.start({path: watch.reader.wake for path, watch in watches.items()}, worker.notices)


def secrets_of(
    reporter: Reporter, settings: Mapping[str, Any], folder: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """The secrets that a list names; without them all, and a word about it, where one cannot be read."""
    if not settings.get("secrets"):
        return {}
    from executor.runners import vault

    try:
        return vault.read(settings, folder, environ)
    except vault.Unreadable as error:
        reporter.said(f"{error}; the tasks run without the list's secrets")
        return {}


def redactor_of(settings: Mapping[str, Any], environ: Mapping[str, str], secrets: Mapping[str, str]) -> Redactor:
    """What is never stored or shown of this list's output."""
    own = {str(name): str(value) for name, value in (settings.get("env") or {}).items()}
    return Redactor({*redaction.values(environ), *redaction.values(own), *secrets.values()})


def _keeper(assignment: Assignment) -> Keeper | None:
    """Of a list that is one file: a folder of files is protected as its `protect` says."""
    if assignment.path.is_dir():
        return None
    return Keeper(assignment.path, assignment.read, assignment.folder, ticks=assignment.write_back)


def _record(database: Database, list_id: int) -> dict[str, str]:
    """How the tasks stand. What an agent did is worth some patience with a database that is away."""
    until = clock.monotonic() + _RECORD_SECONDS
    while True:
        try:
            with database.attach("agent") as connection:
                return tasks.record(connection, list_id)
        except (DatabaseError, psycopg.Error):
            if clock.monotonic() >= until:
                raise
        clock.sleep(_RECORD_PAUSE_SECONDS)


def _watch(worker: Worker, assignment: Assignment) -> Watch | None:
    if assignment.watched is None:
        return None
    file, sync = assignment.watched
    list_id = assignment.list_id
    reader = Reader(file, lambda: watch.agreed, lambda save: worker.inbox.post(Edited(list_id, save)))
    watch = Watch(sync, assignment.synced, reader)
    if assignment.known:  # who loaded it has told its warnings
        watch.warned = frozenset((one.code, one.message) for one in assignment.known.diagnostics)
    return watch


def _scratch(identity: processes.Identity) -> Path:
    """A private folder for the tasks' scripts; named for its worker, so that recovery finds what a crash left of it."""
    try:
        return Path(tempfile.mkdtemp(prefix=processes.scratch_prefix(identity.token)))
    except OSError as error:
        raise ExecutorError(
            f"no folder can be made for the tasks' scripts: {error}",
            hint="free some space in the temporary folder, or set TMPDIR to another one",
        ) from error


def enter(worker: Worker) -> None:
    """A new entry with a new lease; the threads of an earlier one end."""
    assert worker.connection is not None, "entered by the loop, with a connection"
    for stop in worker.threads:
        stop.set()
    asked, lease = clock.boottime(), worker.lease
    worker.worker_id = workers.register(
        worker.connection,
        name=worker.name,
        host=worker.identity.host,
        boot_id=worker.identity.boot_id,
        pid_namespace=worker.identity.pid_namespace,
        pid=worker.identity.pid,
        pid_started=worker.identity.pid_started,
        slots=worker.jobs,
        labels=list(worker.labels),
        version=__version__,
        lease=lease,
    )
    for list_id in worker.servings:
        workers.serve(worker.connection, worker.worker_id, list_id)
        workers.reopen(worker.connection, list_id, actor=worker.name, jobs=worker.jobs)
    attach = worker.database.attach
    worker.threads = [
        heartbeat.start(
            attach,
            Lease(worker.worker_id, worker.identity, lease, asked + lease.total_seconds()),
            worker.inbox,
            worker.guard,
            worker.lifeline,
        ),
        listener.start(attach, worker.worker_id, worker.serves, worker.inbox),
    ]
    worker.lease_lost = worker.lease_shaky = False
    worker.wake()


def close_serving(worker: Worker, serving: Serving, actor: str) -> Closing | None:
    """Write the last marks and tell how it ended; None without a database to tell.

    An `ending` of None is a worker that broke: the file is written, and its lease recovers the rest.
    """
    in_touch = serving.ending not in (None, Ending.ABANDONED)
    if serving.watch:
        serving.watch.reader.stop()
    if serving.scribe:
        if in_touch:  # also what workers completed that were killed before they could write it
            serving.scribe.want(_on_a_connection(worker, lambda it: tasks.marks_due(it, serving.list_id)))
        serving.scribe.close()
        for message in worker.inbox.drain(None):
            hearing.hear(worker, message)
    if not in_touch:
        return None
    return _on_a_connection(worker, lambda it: _leave(worker, it, serving, actor))


def close_worker(worker: Worker, actor: str) -> dict[int, Closing | None]:
    """Close what it still serves, leave the books and let every thread and process of the worker go.

    How the tasks of each list stand at its end, by list id.
    """
    faults.at("ended-not-left")
    try:
        closings = {list_id: close_serving(worker, serving, actor) for list_id, serving in worker.servings.items()}
        if all(serving.ending not in (None, Ending.ABANDONED) for serving in worker.servings.values()):
            _on_a_connection(worker, lambda it: workers.leave(it, [worker.worker_id]))
        return closings
    finally:
        for stop in (*worker.threads, worker.connector, worker.notices):
            if stop is not None:
                stop.set()
        worker.guard.close()
        worker.wakes.close()
        worker.lifeline.close()
        if worker.connection is not None:
            worker.connection.close()


def _on_a_connection(worker: Worker, act: Callable[[psycopg.Connection[Any]], Answer]) -> Answer:
    """Do one of the last things; when the connection breaks just now, on another one."""
    connection = worker.connection
    assert connection is not None, "only a worker that is abandoned has none at its end"
    with translate.errors():
        try:
            worker.lifeline.hold(connection)
            return translate.until_done(lambda: act(connection))
        except psycopg.Error as error:
            if not translate.lost(error):
                raise
            worker.connection = another = worker.database.connect("worker")
            worker.lifeline.hold(another)
            return translate.until_done(lambda: act(another))
        finally:
            worker.lifeline.rest()


def _leave(worker: Worker, connection: psycopg.Connection[Any], serving: Serving, actor: str) -> Closing:
    assert serving.ending is not None, "only who has ended leaves"
    list_id = serving.list_id
    steps.take(
        connection,
        steps.Turn(
            list_id=list_id,
            worker_id=worker.worker_id,
            worker=worker.name,
            marks=tuple(serving.marks.items()),
            file_sha256=serving.file_sha256,
        ),
    )
    counts = tasks.counts(connection, list_id)
    through = counts.completed + counts.skipped == counts.total
    lists.finish(
        connection,
        list_id,
        worker_id=worker.worker_id,
        actor=actor,
        kind=Kind.LIST_FINISHED if through else Kind.LIST_STOPPED,
        detail={"reason": serving.ending.value, "completed": counts.completed, "failed": counts.failed},
    )
    steps.tell(connection, list_id, worker.worker_id)
    only = serving.choices.only
    return Closing(
        counts if only is None else tasks.counts(connection, list_id, only),
        [task_id for _, task_id in tasks.failed(connection, list_id, only)],
    )
