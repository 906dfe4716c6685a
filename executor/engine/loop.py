"""The loop of a worker and one step of it.

run: while not left: drain the inbox, hear the messages, step
step:
    take a turn        -- ONE transaction: output, settle, marks, claim, orders (queue.steps.take)
    tell what came of it, ask the scribe for marks
    start a runner thread for each claimed run
    obey orders: pause, stop, skip
    nothing to do?     -- one read: wait, recount or leave (leaving.decide)
the connection broke: the same turn again on the next one, which another thread looks for; fences and keys make
    repeating harmless
"""

from __future__ import annotations

import threading

import psycopg

from executor import clock, faults, outcome, runners
from executor.database import translate
from executor.engine import connector, hearing, leaving
from executor.engine.io import CHUNKS_UNSAVED_MAX, RunIo
from executor.engine.messages import Ended, Message, Woken
from executor.engine.worker import Active, Ending, Fate, Stopping, Worker
from executor.log import logger
from executor.model import Claimed, ListRow, Orders
from executor.outcome import Move, Outcome
from executor.queue import lists, steps, workers
from executor.queue.steps import Answer, Appetite, Turn
from executor.states import ListStatus, RunStatus, TaskStatus
from loader.model import Status

POLL_SECONDS = 1.0
_TELL_SECONDS = 0.05
_SWEEP_SECONDS = 2.0
# Two workers' turns met in the wrong order; PostgreSQL undid one of them, which may simply be taken again.
_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"


def run(worker: Worker) -> Ending:
    """Work until there is nothing left for this worker, or it is told to go."""
    timeout: float | None = None
    while True:
        messages = worker.inbox.drain(timeout)
        step(worker, messages)
        if worker.ending is not None:
            return worker.ending
        timeout = _patience(worker)


def step(worker: Worker, messages: list[Message]) -> None:
    """One turn of the loop, given what came in since the last."""
    hearing.notice_sleep(worker)
    for message in messages:
        hearing.hear(worker, message)
    _look_after_processes(worker)
    if worker.connection is None:
        _do_without(worker)
    else:
        try:
            _reconcile(worker)
            _turn(worker)
            _look_after(worker)
        except psycopg.Error as error:
            _failed(worker, error)
    worker.reporter.turned()


def _patience(worker: Worker) -> float:
    """How long the loop may sleep if nothing comes in."""
    now = clock.monotonic()
    if worker.connection is None:
        return POLL_SECONDS
    if worker.news:
        return max(0.001, worker.told_at + _TELL_SECONDS - now)
    return min(max(0.001, worker.look_at - now), POLL_SECONDS)


def _turn(worker: Worker) -> None:
    assert worker.connection is not None, "step connects first"
    free = worker.choices.jobs - len(worker.running)
    wants = worker.hungry and worker.may_claim and free > 0
    if not (wants or worker.woken or worker.moves or worker.chunks or worker.marks):
        return
    appetite = worker.appetite
    turn = Turn(
        list_id=worker.list_id,
        worker_id=worker.worker_id,
        worker=worker.name,
        moves=tuple(worker.moves),
        chunks=tuple(worker.chunks),
        marks=tuple(worker.marks.items()),
        file_sha256=worker.file_sha256,
        appetite=Appetite(free, appetite.in_order, appetite.stop_if_failed_since, appetite.only) if wants else None,
    )
    answer = steps.take(worker.connection, turn)
    worker.woken = False
    worker.news = worker.news or bool(turn.moves or turn.chunks or answer.claimed)
    if wants:
        worker.hungry = len(answer.claimed) == free
        worker.look_at = clock.monotonic() + POLL_SECONDS
    _saved(worker, turn)
    _settled(worker, turn, answer)
    for claimed in answer.claimed:
        start(worker, claimed)
    _obey(worker, answer.orders)


def _saved(worker: Worker, turn: Turn) -> None:
    """Chunks and marks of this turn are in the database."""
    for chunk in turn.chunks:
        active = worker.running.get(chunk.run_id)
        claimed = active.claimed if active else worker.moving.get(chunk.run_id)
        if active:
            active.io.saved()
        if claimed:
            worker.reporter.printed(claimed, chunk.content)
    worker.chunks.clear()
    worker.marks.clear()
    worker.file_sha256 = None


def _settled(worker: Worker, turn: Turn, answer: Answer) -> None:
    """Tell what became of each move, and have completed tasks ticked."""
    took = {settled.run_id: settled.took for settled in answer.settled}
    unanswered = [move.run_id for move in turn.moves if move.run_id not in took]
    recorded = steps.ended_as(worker.connection, unanswered) if unanswered and worker.connection else {}
    marks: dict[str, Status] = {}
    for move in turn.moves:
        claimed = worker.moving.pop(move.run_id)
        status, before = recorded.get(move.run_id, ("", None))
        if move.run_id in took or status == move.run_status:
            worker.reporter.ended(claimed, move, took.get(move.run_id, before))
            faults.at("settled-not-marked")
            _note_mark(worker, marks, claimed, move)
            if move.wait:
                worker.look_at = min(worker.look_at, clock.monotonic() + move.wait.total_seconds())
        else:
            worker.reporter.said(f"{claimed.task_id}: this run had lost its lease; what it did does not count")
    worker.moves.clear()
    for skipped in answer.skipped:
        worker.reporter.skipped(skipped)
    if marks and worker.scribe:
        worker.scribe.want(marks)


def _note_mark(worker: Worker, marks: dict[str, Status], claimed: Claimed, move: Move) -> None:
    if move.task_status is TaskStatus.COMPLETED:
        marks[claimed.task_id] = Status.COMPLETED
    elif worker.choices.mark_running:
        marks[claimed.task_id] = Status.PENDING


def start(worker: Worker, claimed: Claimed) -> None:
    """Carry a claimed run out in a thread of its own that only posts to the inbox."""
    faults.at("claimed-not-spawned")
    io = RunIo(claimed.run_id, worker.inbox, worker.guard, chunks_max=_chunks_max(worker))
    worker.running[claimed.run_id] = Active(claimed, io, clock.boottime())
    worker.reporter.started(claimed)
    if worker.choices.mark_running and worker.scribe:
        worker.scribe.want({claimed.task_id: Status.IN_PROGRESS})
    if claimed.runner == "container":  # nothing to carry out, so no thread
        worker.inbox.post(Ended(claimed.run_id, Outcome(RunStatus.SUCCEEDED)))
        return
    thread = threading.Thread(target=_carry_out, args=(worker, claimed, io), name=f"run {claimed.run_id}", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # the system's limit of threads
        worker.inbox.post(Ended(claimed.run_id, Outcome(RunStatus.FAILED, f"the run could not be started: {error}")))


def _chunks_max(worker: Worker) -> int:
    """Each run's share of the output that may wait for the database, so that many loud tasks take no more memory."""
    return max(2, CHUNKS_UNSAVED_MAX // worker.choices.jobs)


def _carry_out(worker: Worker, claimed: Claimed, io: RunIo) -> None:
    try:
        ended = runners.find(claimed.runner)(claimed, io, worker.surroundings)
    except Exception as error:  # noqa: BLE001 - a defect of a runner fails its task, and is told, instead of losing it
        logger.exception("runner %s", claimed.runner)
        ended = Outcome(RunStatus.FAILED, f"the runner broke: {type(error).__name__}: {error}")
    worker.inbox.post(Ended(claimed.run_id, ended))


def _obey(worker: Worker, orders: Orders | None) -> None:
    """Do what people asked."""
    if orders is None:
        worker.stopping = worker.stopping or Stopping.NOW
        worker.reporter.said("the list is no longer in the database; stopping")
        hearing.end_runs(worker, Fate.STOP, at_once=False)
        return
    if not orders.entered:
        hearing.lose_lease(worker)
        return
    by = orders.status_by or "somebody"
    if orders.status == ListStatus.PAUSED and worker.paused_by is None:
        worker.paused_by = by
        worker.reporter.said(f"paused by {by}; `executor resume` goes on")
    elif orders.status != ListStatus.PAUSED and worker.paused_by is not None:
        worker.paused_by = None
        worker.hungry = True
        worker.reporter.said(f"resumed by {by}")
    if (orders.stop or orders.stop_now) and worker.stopping < _asked(orders):
        worker.stopping = _asked(orders)
        worker.reporter.said(f"stopped by {by}")
        if worker.stopping is Stopping.NOW:
            hearing.end_runs(worker, Fate.STOP, at_once=False)
    for run_id in orders.skip:
        active = worker.running.get(run_id)
        if active and active.fate is None:
            active.fate = Fate.SKIP
            active.io.cancel(at_once=False)


def _asked(orders: Orders) -> Stopping:
    return Stopping.NOW if orders.stop_now else Stopping.AFTER_RUNNING


def _look_after(worker: Worker) -> None:
    """What is due between turns: telling listeners, a lost lease, and whether to leave."""
    assert worker.connection is not None, "step connects first"
    now = clock.monotonic()
    if worker.lease_lost and not worker.running and not worker.moves:
        enter(worker)
    if worker.news and now - worker.told_at >= _TELL_SECONDS:
        steps.tell(worker.connection, worker.list_id, worker.worker_id)
        worker.told_at, worker.news = now, False
    if now >= worker.look_at:
        worker.woken = worker.hungry = True
        worker.look_at = now + POLL_SECONDS
    if not worker.running and not worker.moves and not worker.chunks:
        _idle(worker)


def _look_after_processes(worker: Worker) -> None:
    worker.guard.check()
    if clock.monotonic() - worker.swept_at >= _SWEEP_SECONDS:
        worker.swept_at = clock.monotonic()
        worker.sweeper.sweep(worker.running, worker.guard.watched)


def _idle(worker: Worker) -> None:
    """Nothing runs: leave, wait, or look again."""
    assert worker.connection is not None, "step connects first"
    if worker.stopping:
        worker.ending = worker.stopped_by
        return
    if worker.paused_by or worker.lease_shaky or (worker.hungry and worker.look_at > clock.monotonic()):
        return
    decision = leaving.decide(steps.prospects(worker.connection, worker.list_id, worker.appetite), recounted=False)
    if isinstance(decision, leaving.Recount):
        if steps.recount(worker.connection, worker.list_id):
            logger.warning("counters of list %d were wrong and are counted again", worker.list_id)
        left = steps.prospects(worker.connection, worker.list_id, worker.appetite)
        decision = leaving.decide(left, recounted=True)
    if isinstance(decision, leaving.Wait):
        worker.hungry = True
        worker.look_at = clock.monotonic() + decision.duration.total_seconds()
    elif isinstance(decision, Ending):
        worker.ending = decision


def enter(worker: Worker) -> None:
    """Enter this worker in the books, anew after its lease was lost, and start the threads that go with the entry."""
    from executor.engine import entry

    entry.enter(worker)


def _failed(worker: Worker, error: psycopg.Error) -> None:
    """Everything that is not in the record yet is kept for another turn, if there can be one."""
    if error.sqlstate in (_SERIALIZATION_FAILURE, _DEADLOCK):
        worker.woken = True
        worker.inbox.post(Woken())
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


def _do_without(worker: Worker) -> None:
    """No database: nothing begins, what runs goes on, and a person who wants to leave is not kept."""
    if worker.stopping and not worker.running and (worker.stopping is Stopping.NOW or not worker.moves):
        worker.ending = Ending.ABANDONED


def _reconcile(worker: Worker) -> None:
    """After a broken connection, record and worker agree again on what it runs.

    Runs whose claim was committed but never answered are started; those that belong to others by now are ended.
    """
    if not worker.estranged:
        return
    assert worker.connection is not None, "step connects first"
    path = worker.surroundings.list_path
    if workers.is_entered(worker.connection, worker.worker_id, worker.identity, path):
        _agree(worker, {claimed.run_id: claimed for claimed in steps.held(worker.connection, worker.worker_id)})
    else:
        _start_over(worker, lists.find(worker.connection, path))
    worker.estranged = False
    worker.woken = worker.hungry = True


def _agree(worker: Worker, held: dict[int, Claimed]) -> None:
    for run_id, claimed in held.items():
        if run_id in worker.running or run_id in worker.moving:
            continue
        if worker.stopping:
            worker.moving[run_id] = claimed
            cancelled = Outcome(RunStatus.CANCELLED, "was stopped")
            worker.moves.append(outcome.decide(run_id, claimed.queue_id, cancelled, again=None, skip=False))
        else:
            start(worker, claimed)
    for run_id, active in worker.running.items():
        if run_id not in held:
            active.fate = Fate.LOST
            active.io.cancel(at_once=True)


def _start_over(worker: Worker, found: ListRow | None) -> None:
    """This worker is off the books, or these are other books: nothing it has to tell is about runs in them."""
    for claimed in worker.moving.values():
        worker.reporter.said(f"{claimed.task_id}: this run had lost its lease; what it did does not count")
    for unsaid in (worker.moves, worker.moving, worker.chunks, worker.marks):
        unsaid.clear()
    worker.file_sha256 = None
    if found is None or found.list_id != worker.list_id:
        _obey(worker, None)
    hearing.lose_lease(worker)
