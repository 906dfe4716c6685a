"""The loop of a worker and one step of it.

run: while a list is left: drain the inbox, hear the messages, step
step:
    for each list it serves:
        its budget        -- one read, where it has one (spending)
        take a turn        -- ONE transaction: output, settle, marks, claim, orders (queue.steps.take)
        tell what came of it, ask the scribe for marks
        give each claimed run to a runner thread          (starting)
        obey orders: pause, stop, skip                    (obeying)
        nothing to do?     -- one read: wait, recount or leave (leaving.decide)
    bring in what was saved meanwhile    -- ONE transaction a file (editing); then the same turns again
the connection broke: the same turns again on the next one, which another thread looks for (outage); fences and keys
    make repeating harmless
"""

from __future__ import annotations

import psycopg

from executor import clock, faults
from executor.engine import asking, editing, entry, hearing, leaving, obeying, outage, spending, starting
from executor.engine.messages import Message
from executor.engine.serving import Ending, Serving
from executor.engine.worker import Worker
from executor.log import logger
from executor.model import Claimed
from executor.outcome import Move
from executor.queue import steps, tasks
from executor.queue.steps import Answer, Turn
from executor.states import TaskStatus
from loader.model import Status

POLL_SECONDS = 1.0
_TELL_SECONDS = 0.05
ORDERS_SECONDS = 0.05  # a worker of short tasks need not hear at every turn what people want; a notice wakes it
_SWEEP_SECONDS = 2.0


def run(worker: Worker) -> None:
    """Work until there is nothing left for this worker in any of its lists, or it is told to go."""
    timeout: float | None = None
    while not worker.is_over:
        messages = worker.inbox.drain(timeout)
        step(worker, messages)
        timeout = _patience(worker)


def step(worker: Worker, messages: list[Message]) -> None:
    """One turn of the loop, given what came in since the last."""
    hearing.notice_sleep(worker)
    for message in messages:
        hearing.hear(worker, message)
    _look_after_processes(worker)
    if worker.connection is None or outage.is_put_off(worker):
        outage.do_without(worker)
    else:
        try:
            worker.lifeline.hold(worker.connection)
            outage.reconcile(worker)
            _turns(worker)
            if editing.take_in(worker):
                _turns(worker)
            _look_after(worker)
            outage.end_of_trouble(worker)
        except psycopg.Error as error:
            outage.begin(worker, error)
        finally:
            worker.lifeline.rest()
    worker.reporter.turned()


def _patience(worker: Worker) -> float:
    """How long the loop may sleep if nothing comes in."""
    if worker.connection is None or outage.is_put_off(worker):
        return POLL_SECONDS
    now = clock.monotonic()
    moments = [
        serving.told_at + _TELL_SECONDS if serving.news else serving.look_at
        for serving in worker.servings.values()
        if serving.ending is None
    ]
    return min(max(0.001, min(moments, default=now + POLL_SECONDS) - now), POLL_SECONDS)


def _turns(worker: Worker) -> None:
    """A turn for each list that has something to tell or to ask; free slots are shared among those that want any."""
    while True:
        hungry = [one for one in worker.servings.values() if one.hungry and worker.may_claim(one)]
        hungry = [one for one in hungry if not spending.is_over(worker, one)]
        share = max(1, worker.free // len(hungry)) if hungry else 0
        for serving in list(worker.servings.values()):
            limit = min(share, worker.free) if serving in hungry else 0
            if limit > 0 or serving.woken or serving.has_something_to_tell:
                _turn(worker, serving, limit)
        if worker.free == 0 or not any(serving.hungry for serving in hungry):
            return


def _turn(worker: Worker, serving: Serving, limit: int) -> None:
    assert worker.connection is not None, "step connects first"
    asks = serving.woken or clock.monotonic() >= serving.orders_at
    turn = Turn(
        list_id=serving.list_id,
        worker_id=worker.worker_id,
        worker=worker.name,
        moves=tuple(serving.moves),
        chunks=tuple(serving.chunks),
        talks=tuple(serving.talks),
        marks=tuple(serving.marks.items()),
        file_sha256=serving.file_sha256,
        appetite=serving.appetite(limit) if limit else None,
        orders=asks,
        holding=tuple(active.claimed.queue_id for active in worker.running.values()) if asks else (),
    )
    answer = steps.take(worker.connection, turn)
    serving.woken = False
    serving.news = serving.news or bool(turn.moves or turn.chunks or answer.claimed)
    if turn.appetite:
        serving.hungry = serving.line.rise(turn.appetite.beyond, turn.appetite.limit, answer.claimed)
        serving.look_at = clock.monotonic() + POLL_SECONDS
    elif turn.moves:
        serving.line.fall()  # what they have made ready is known to the claim of their own turn alone
    _saved(worker, serving, turn)
    _settled(worker, serving, turn, answer)
    if answer.claimed and serving.watch:
        serving.watch.resting = None
    for claimed in answer.claimed:
        starting.start(worker, serving, claimed)
    if turn.orders:
        serving.orders_at = clock.monotonic() + ORDERS_SECONDS
        obeying.obey(worker, serving, answer.orders)
        obeying.pass_on(worker, answer.orders)


def _saved(worker: Worker, serving: Serving, turn: Turn) -> None:
    """Chunks and marks of this turn are in the database."""
    for chunk in turn.chunks:
        active = worker.running.get(chunk.run_id)
        claimed = active.claimed if active else serving.moving.get(chunk.run_id)
        if active:
            active.io.saved()
        if claimed:
            serving.reporter.printed(claimed, chunk.content)
    serving.chunks.clear()
    serving.talks.clear()
    serving.marks.clear()
    serving.file_sha256 = None


def _settled(worker: Worker, serving: Serving, turn: Turn, answer: Answer) -> None:
    """Tell what became of each move, and have completed tasks ticked."""
    took = {settled.run_id: settled.took for settled in answer.settled}
    unanswered = [move.run_id for move in turn.moves if move.run_id not in took]
    recorded = steps.ended_as(worker.connection, unanswered) if unanswered and worker.connection else {}
    marks: dict[str, Status] = {}
    for move in turn.moves:
        claimed = serving.moving.pop(move.run_id)
        if serving.watch:
            editing.ended(serving.watch, move.queue_id)
        status, before = recorded.get(move.run_id, ("", None))
        if move.run_id in took or status == move.run_status:
            if serving.is_chosen(claimed):
                serving.reporter.ended(claimed, move, took.get(move.run_id, before))
            faults.at("settled-not-marked")
            _note_mark(serving, marks, claimed, move)
            if move.halt:
                serving.stopped_by, serving.stop_reason = Ending.REFUSED, move.halt
            if move.wait:
                serving.look_at = min(serving.look_at, clock.monotonic() + move.wait.total_seconds())
        else:
            serving.reporter.said(f"{claimed.task_id}: this run had lost its lease; what it did does not count")
    serving.moves.clear()
    for skipped in answer.skipped:
        serving.reporter.skipped(skipped)
    if marks and serving.scribe:
        serving.scribe.want(marks)


def _note_mark(serving: Serving, marks: dict[str, Status], claimed: Claimed, move: Move) -> None:
    if move.task_status is TaskStatus.COMPLETED:
        marks[claimed.task_id] = Status.COMPLETED
    elif serving.choices.mark_running:
        marks[claimed.task_id] = Status.PENDING


def _look_after(worker: Worker) -> None:
    """What is due between turns: telling listeners, a lost lease, and whether to leave a list."""
    assert worker.connection is not None, "step connects first"
    now = clock.monotonic()
    if worker.lease_lost and not worker.running and not worker.has_something_to_tell:
        entry.enter(worker)  # anew, after its lease was lost
    for serving in worker.servings.values():
        if serving.news and now - serving.told_at >= _TELL_SECONDS:
            steps.tell(worker.connection, serving.list_id, worker.worker_id)
            serving.told_at, serving.news = now, False
        if serving.ending is None and now >= serving.ask_at:
            asking.look(worker, serving)
        if serving.scribe and not serving.are_marks_asked:  # after the first turn: tasks begin without waiting for it
            serving.scribe.want(tasks.marks_due(worker.connection, serving.list_id))
            serving.are_marks_asked = True
        if now >= serving.look_at:
            serving.wake()
            serving.look_at = now + POLL_SECONDS
        if serving.ending is None and not serving.has_something_to_tell and not any(worker.runs_of(serving)):
            _idle(worker, serving)
    if worker.recruiter is not None:
        worker.recruiter.look(worker)


def _look_after_processes(worker: Worker) -> None:
    worker.guard.check()
    if clock.monotonic() - worker.swept_at >= _SWEEP_SECONDS:
        worker.swept_at = clock.monotonic()
        worker.sweeper.sweep(worker.running, worker.guard.watched)


def _idle(worker: Worker, serving: Serving) -> None:
    """Nothing of this list runs here: leave it, wait, or look again."""
    assert worker.connection is not None, "step connects first"
    if serving.stopping or worker.stopping:
        serving.ending = serving.stopped_by if serving.stopping else worker.stopped_by
        return
    if serving.paused_by or worker.lease_shaky or (serving.hungry and serving.look_at > clock.monotonic()):
        return
    if not worker.free:  # other lists have all the slots: their ends wake this one
        return
    appetite = serving.appetite(worker.jobs)
    decision = leaving.decide(steps.prospects(worker.connection, serving.list_id, appetite), recounted=False)
    if isinstance(decision, leaving.Recount):
        if steps.recount(worker.connection, serving.list_id):
            logger.warning("counters of list %d were wrong and are counted again", serving.list_id)
        left = steps.prospects(worker.connection, serving.list_id, appetite)
        decision = leaving.decide(left, recounted=True)
    if isinstance(decision, leaving.Wait):
        serving.hungry = True
        serving.look_at = clock.monotonic() + decision.duration.total_seconds()
    elif isinstance(decision, Ending) and serving.watch:
        editing.rest(worker, serving, serving.watch, decision)
        serving.look_at = clock.monotonic() + POLL_SECONDS
    elif isinstance(decision, Ending) and not (decision is Ending.WAITING and asking.look(worker, serving)):
        serving.ending = decision
