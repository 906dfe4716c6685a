"""A worker whose connection broke: what it keeps, what it does without, and how record and worker agree again."""

from __future__ import annotations

import psycopg

from executor import clock, outcome
from executor.database import translate
from executor.engine import connector, hearing, obeying, starting
from executor.engine.messages import Woken
from executor.engine.serving import Ending, Serving, Stopping
from executor.engine.worker import Fate, Worker
from executor.model import Claimed, ListRow
from executor.outcome import Outcome
from executor.queue import lists, steps, workers
from executor.states import RunStatus

_PUT_OFF_SECONDS = 1.0


def begin(worker: Worker, error: psycopg.Error) -> None:
    """Everything that is not in the record yet is kept for another turn, if there can be one."""
    if translate.undone(error):
        worker.wake()
        worker.inbox.post(Woken())
        return
    if translate.passing(error):
        _put_off(worker, error)
        return
    if not translate.lost(error):
        raise translate.translate(error) from error
    if worker.connection is not None:
        worker.connection.close()
    worker.connection = None
    worker.estranged = True
    worker.connector = connector.start(worker.database, worker.inbox)
    reason = str(error).strip().split("\n")[0]
    worker.reporter.said(f"the database is gone ({reason}); running tasks go on, looking for it")


def _put_off(worker: Worker, error: psycopg.Error) -> None:
    """The connection stands, but the server can take nothing in: the same turns again in a while, and in between no
    new ones, for each would only fail as well."""
    reason = str(translate.translate(error))
    if reason != worker.put_off_for:
        worker.put_off_for = reason
        worker.reporter.said(f"nothing can be recorded now; running tasks go on, trying again: {reason}")
    worker.put_off_until = clock.monotonic() + _PUT_OFF_SECONDS
    worker.wake()


def is_put_off(worker: Worker) -> bool:
    """Is it too early to try the turns again that the server could not take in?"""
    return clock.monotonic() < worker.put_off_until


def end_of_trouble(worker: Worker) -> None:
    """A step went through."""
    if worker.put_off_for:
        worker.put_off_for = ""
        worker.reporter.said("the database takes things in again; going on")


def do_without(worker: Worker) -> None:
    """No database: nothing begins, what runs goes on, and a person who wants to leave is not kept."""
    for serving in worker.servings.values():
        stopping = max(worker.stopping, serving.stopping)
        idle = not any(worker.runs_of(serving))
        if stopping and idle and (stopping is Stopping.NOW or not serving.moves):
            serving.ending = Ending.ABANDONED


def reconcile(worker: Worker) -> None:
    """After a broken connection, record and worker agree again on what it runs.

    Runs whose claim was committed but never answered are started; those that belong to others by now are ended.
    """
    if not worker.estranged:
        return
    assert worker.connection is not None, "step connects first"
    paths = [str(serving.path) for serving in worker.servings.values()]
    if workers.is_entered(worker.connection, worker.worker_id, worker.identity, paths):
        held = {claimed.run_id: claimed for claimed in steps.held(worker.connection, worker.worker_id)}
        _agree(worker, held)
    else:
        _start_over(worker, {path: lists.find(worker.connection, path) for path in paths})
    worker.estranged = False
    worker.wake()


def _agree(worker: Worker, held: dict[int, Claimed]) -> None:
    for run_id, claimed in held.items():
        serving = worker.servings[claimed.list_id]
        if run_id in worker.running or run_id in serving.moving:
            continue
        if worker.stopping or serving.stopping:
            serving.moving[run_id] = claimed
            cancelled = Outcome(RunStatus.CANCELLED, "was stopped")
            serving.moves.append(outcome.decide(run_id, claimed.queue_id, cancelled, again=None, skip=False))
        else:
            starting.start(worker, serving, claimed)
    for run_id, active in worker.running.items():
        if run_id not in held:
            active.fate = Fate.LOST
            active.io.cancel(at_once=True)


def _start_over(worker: Worker, found: dict[str, ListRow | None]) -> None:
    """This worker is off the books, or these are other books: nothing it has to tell is about runs in them."""
    for serving in worker.servings.values():
        _forget(serving)
        row = found[str(serving.path)]
        if row is None or row.list_id != serving.list_id:
            obeying.obey(worker, serving, None)
    hearing.lose_lease(worker)


def _forget(serving: Serving) -> None:
    for claimed in serving.moving.values():
        serving.reporter.said(f"{claimed.task_id}: this run had lost its lease; what it did does not count")
    for unsaid in (serving.moves, serving.moving, serving.chunks, serving.talks, serving.marks):
        unsaid.clear()
    serving.file_sha256 = None
