"""A worker's coming and going: its entry in the books, its threads, its scratch folder, its leave."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from executor import __version__, processes, recovery
from executor.database import translate
from executor.database.connection import Database
from executor.engine import heartbeat, listener, orphans
from executor.engine.guard import Guard
from executor.engine.inbox import Inbox
from executor.engine.report import Reporter
from executor.engine.scribe import Scribe
from executor.engine.worker import Choices, Ending, Worker
from executor.events import Kind
from executor.queue import lists, steps, tasks, workers
from executor.runners import Surroundings
from loader.model import Status, TaskList


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is to work on. `due` are marks the file still lacks; `write_back` off leaves the file alone."""

    list_id: int
    path: Path
    settings: dict[str, Any]
    known: TaskList | None
    synced: str | None
    read: Callable[[bytes], TaskList]
    due: dict[str, Status]
    write_back: bool = True


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
    orphans.adopt()
    identity = processes.own()
    scratch = Path(tempfile.mkdtemp(prefix="executor-"))
    inbox = Inbox()
    worker = Worker(
        database=database,
        list_id=assignment.list_id,
        name=f"{actor}:{identity.pid}",
        identity=identity,
        choices=choices,
        surroundings=Surroundings(
            list_path=str(assignment.path),
            folder=assignment.path.parent,
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


def enter(worker: Worker) -> None:
    """A new entry with a new lease; the threads of an earlier one end."""
    assert worker.connection is not None, "entered by the loop, with a connection"
    for stop in worker.threads:
        stop.set()
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
        lease=worker.choices.lease,
    )
    attach = worker.database.attach
    worker.threads = [
        heartbeat.start(attach, worker.worker_id, worker.choices.lease, worker.inbox, worker.guard),
        listener.start(attach, worker.list_id, worker.worker_id, worker.inbox),
    ]
    worker.lease_lost = worker.lease_shaky = False
    worker.woken = worker.hungry = True


def close_worker(worker: Worker, ending: Ending | None, actor: str) -> None:
    """Write the last marks, tell how it ended and leave the books; whatever fails here is recovered by the lease."""
    try:
        if worker.scribe:
            worker.scribe.close()
            from executor.engine import hearing

            for message in worker.inbox.drain(None):
                hearing.hear(worker, message)
        if ending is not None and worker.connection is not None and not worker.connection.closed:
            with translate.errors():
                _take_leave(worker, worker.connection, ending, actor)
    finally:
        for stop in worker.threads:
            stop.set()
        worker.guard.close()
        if worker.connection is not None:
            worker.connection.close()


def _take_leave(worker: Worker, connection: psycopg.Connection[Any], ending: Ending, actor: str) -> None:
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
