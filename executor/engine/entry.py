"""A worker's coming and going: its entry in the books, its threads, its scratch folder, its leave."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from executor import __version__, clock, processes, recovery
from executor.database import translate
from executor.database.connection import Database
from executor.engine import descriptors, hearing, heartbeat, listener, orphans
from executor.engine.guard import Guard
from executor.engine.heartbeat import Lease
from executor.engine.inbox import Inbox
from executor.engine.report import Reporter
from executor.engine.scribe import Read, Scribe
from executor.engine.worker import Choices, Ending, Worker
from executor.errors import ExecutorError
from executor.events import Kind
from executor.model import Counts
from executor.queue import lists, steps, tasks, workers
from executor.runners import Surroundings
from loader.model import Status, TaskList

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is to work on. `due` are marks the file still lacks; `write_back` off leaves the file alone."""

    list_id: int
    path: Path
    folder: Path  # where its tasks run
    settings: dict[str, Any]
    known: TaskList | None
    synced: str | None
    read: Read
    due: dict[str, Status]
    write_back: bool = True


@dataclass(frozen=True, slots=True)
class Closing:
    """How the tasks of a run stand at its end, and the ids of those that failed."""

    counts: Counts
    failed: list[str]


def open_worker(
    database: Database,
    connection: psycopg.Connection[Any],
    assignment: Assignment,
    choices: Choices,
    reporter: Reporter,
    environ: dict[str, str],
    actor: str,
) -> Worker:
    """Enter a worker in the books, having first taken back what dead ones on this machine left."""
    descriptors.make_room(choices.jobs)
    orphans.adopt()
    identity = processes.own()
    scratch = _scratch(identity)
    inbox = Inbox()
    worker = Worker(
        database=database,
        list_id=assignment.list_id,
        name=f"{actor}:{identity.pid}",
        identity=identity,
        choices=choices,
        surroundings=Surroundings(
            list_path=str(assignment.path),
            folder=assignment.folder,
            scratch=scratch,
            environ=environ,
            settings=assignment.settings,
            worker=identity.token,
        ),
        reporter=reporter,
        inbox=inbox,
        guard=Guard(identity, scratch),
        sweeper=orphans.Sweeper(identity.token),
        scribe=Scribe(assignment.path, inbox, assignment.read, assignment.known, assignment.synced)
        if assignment.write_back
        else None,
        connection=connection,
    )
    reporter.recovered(recovery.recover(connection, identity, worker.name))
    enter(worker)
    lists.start(connection, assignment.list_id, actor=actor, jobs=choices.jobs)
    if worker.scribe and assignment.due:
        worker.scribe.want(assignment.due)
    return worker


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
    if worker.worker_id:
        workers.reopen(worker.connection, worker.list_id, actor=worker.name, jobs=worker.choices.jobs)
    asked, lease = clock.boottime(), worker.choices.lease
    worker.worker_id = workers.register(
        worker.connection,
        list_id=worker.list_id,
        name=worker.name,
        host=worker.identity.host,
        boot_id=worker.identity.boot_id,
        pid_namespace=worker.identity.pid_namespace,
        pid=worker.identity.pid,
        pid_started=worker.identity.pid_started,
        slots=worker.choices.jobs,
        version=__version__,
        lease=lease,
    )
    attach = worker.database.attach
    worker.threads = [
        heartbeat.start(
            attach,
            Lease(worker.worker_id, worker.identity, lease, asked + lease.total_seconds()),
            worker.inbox,
            worker.guard,
        ),
        listener.start(attach, worker.list_id, worker.worker_id, worker.inbox),
    ]
    worker.lease_lost = worker.lease_shaky = False
    worker.woken = worker.hungry = True


def close_worker(worker: Worker, ending: Ending | None, actor: str) -> Closing | None:
    """Write the last marks, tell how it ended and leave the books; whatever fails here is recovered by the lease.

    None without a database to tell.
    """
    try:
        in_touch = ending not in (None, Ending.ABANDONED)
        if worker.scribe:
            if in_touch:  # also what workers completed that were killed before they could write it
                worker.scribe.want(_on_a_connection(worker, lambda it: tasks.marks_due(it, worker.list_id)))
            worker.scribe.close()
            for message in worker.inbox.drain(None):
                hearing.hear(worker, message)
        if ending is None or not in_touch:
            return None
        return _on_a_connection(worker, lambda it: _leave(worker, it, ending, actor))
    finally:
        for stop in (*worker.threads, *([worker.connector] if worker.connector else ())):
            stop.set()
        worker.guard.close()
        if worker.connection is not None:
            worker.connection.close()


def _on_a_connection(worker: Worker, act: Callable[[psycopg.Connection[Any]], Answer]) -> Answer:
    """Do one of the last things; when the connection breaks just now, on another one."""
    assert worker.connection is not None, "only a worker that is abandoned has none at its end"
    with translate.errors():
        try:
            return act(worker.connection)
        except psycopg.Error as error:
            if not translate.lost(error):
                raise
            worker.connection = worker.database.connect("worker")
            return act(worker.connection)


def _leave(worker: Worker, connection: psycopg.Connection[Any], ending: Ending, actor: str) -> Closing:
    steps.take(
        connection,
        steps.Turn(
            list_id=worker.list_id,
            worker_id=worker.worker_id,
            worker=worker.name,
            marks=tuple(worker.marks.items()),
            file_sha256=worker.file_sha256,
        ),
    )
    counts = tasks.counts(connection, worker.list_id)
    through = counts.completed + counts.skipped == counts.total
    lists.finish(
        connection,
        worker.list_id,
        worker_id=worker.worker_id,
        actor=actor,
        kind=Kind.LIST_FINISHED if through else Kind.LIST_STOPPED,
        detail={"reason": ending.value, "completed": counts.completed, "failed": counts.failed},
    )
    workers.leave(connection, [worker.worker_id])
    steps.tell(connection, worker.list_id, worker.worker_id)
    only = worker.choices.only
    return Closing(
        counts if only is None else tasks.counts(connection, worker.list_id, only),
        [task_id for _, task_id in tasks.failed(connection, worker.list_id, only)],
    )
