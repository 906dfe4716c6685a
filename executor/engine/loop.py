"""The loop of a worker and one step of it.

run: while not left: drain the inbox, hear the messages, step
step:
    take a turn        -- ONE transaction: output, settle, marks, claim, orders (queue.steps.take)
    tell what came of it, ask the scribe for marks
    start a runner thread for each claimed run        (starting)
    obey orders: pause, stop, skip                    (obeying)
    nothing to do?     -- one read: wait, recount or leave (leaving.decide)
the connection broke: the same turn again on the next one, which another thread looks for (outage); fences and keys
    make repeating harmless
"""

from __future__ import annotations

import psycopg

from executor import clock, faults
from executor.engine import entry, hearing, leaving, obeying, outage, starting
from executor.engine.messages import Message
from executor.engine.worker import Ending, Worker
from executor.log import logger
from executor.model import Claimed
from executor.outcome import Move
from executor.queue import steps
from executor.queue.steps import Answer, Appetite, Turn
from executor.states import TaskStatus
from loader.model import Status

POLL_SECONDS = 1.0
_TELL_SECONDS = 0.05
_SWEEP_SECONDS = 2.0


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
        outage.do_without(worker)
    else:
        try:
            outage.reconcile(worker)
            _turn(worker)
            _look_after(worker)
        except psycopg.Error as error:
            outage.begin(worker, error)
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
        starting.start(worker, claimed)
    obeying.obey(worker, answer.orders)


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


def _look_after(worker: Worker) -> None:
    """What is due between turns: telling listeners, a lost lease, and whether to leave."""
    assert worker.connection is not None, "step connects first"
    now = clock.monotonic()
    if worker.lease_lost and not worker.running and not worker.moves:
        entry.enter(worker)  # anew, after its lease was lost
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
