"""What each message means for a worker. No database here: what must be recorded waits for the next turn."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterable
from datetime import timedelta
from typing import assert_never

from msgspec.structs import replace

from executor import clock, faults, gate, outcome
from executor.engine import heartbeat
from executor.engine.messages import (
    Beaten,
    BeatFailed,
    Connected,
    Edited,
    Ended,
    LeaseLost,
    MarksWritten,
    Message,
    Printed,
    Signalled,
    Talking,
    Unconnected,
    Woken,
)
from executor.engine.serving import Ending, Serving, Stopping, Ticked
from executor.engine.worker import Active, Fate, Worker
from executor.model import Claimed
from executor.retry import RetryPolicy
from executor.states import RunStatus

_WRITES_KEPT = 7  # beside the newest: saves that overtake more of them than that are no accident


def hear(worker: Worker, message: Message) -> None:
    """Take one message in."""
    match message:
        case Ended():
            _ended(worker, message)
        case Printed(chunk):
            worker.running[chunk.run_id].serving.chunks.append(chunk)
        case Talking(talk):
            worker.running[talk.run_id].serving.talks.append(talk)
        case Woken(list_id):
            _woken(worker, list_id)
        case Signalled(urgent):
            _signalled(worker, urgent=urgent)
        case Beaten() | BeatFailed() | LeaseLost():
            if message.worker_id == worker.worker_id:  # not that of an entry lost before
                _of_lease(worker, message)
        case Connected() | Unconnected():
            _of_connection(worker, message)
        case MarksWritten() | Edited():
            _of_file(worker, message)
        case unknown:
            assert_never(unknown)


def notice_sleep(worker: Worker) -> None:
    """Did the loop stand still for longer than its lease allows (a suspended laptop, SIGSTOP, a server so stopped)?"""
    now = clock.boottime()
    if worker.looked_at and now - worker.looked_at > worker.lease.total_seconds() * (1 - heartbeat.MARGIN):
        worker.reporter.said(
            f"nothing moved for {now - worker.looked_at:.0f} s, longer than the lease: "
            "this process stood still, or the database gave no answer"
        )
    worker.looked_at = now


def lose_lease(worker: Worker) -> None:
    """This worker is off the books: end what runs, then it may enter anew."""
    if not worker.lease_lost:
        worker.reporter.said("this worker was taken for dead; what it ran belongs to others now")
    worker.lease_lost = True
    end_runs(worker.running.values(), Fate.LOST, at_once=True)


def end_runs(runs: Iterable[Active], fate: Fate, *, at_once: bool) -> None:
    """Tell these runs to end."""
    for active in runs:
        active.fate = active.fate or fate
        active.io.cancel(at_once=at_once)


def _woken(worker: Worker, list_id: int | None) -> None:
    if list_id is None:
        worker.wake()
    elif list_id in worker.servings:
        worker.servings[list_id].wake()
    elif worker.recruiter is not None:
        worker.recruiter.wake()


def _ended(worker: Worker, message: Ended) -> None:
    active = worker.running.pop(message.run_id)
    serving = active.serving
    active.io.close()
    faults.at("exited-not-settled")
    ended = message.outcome
    killed = ended.signal == signal.SIGKILL and ended.status is RunStatus.FAILED
    if ended.status is not RunStatus.SUCCEEDED and (
        active.fate is Fate.LOST or (killed and worker.guard.lapsed_since(active.began))
    ):
        ended = replace(ended, status=RunStatus.LOST, error="its worker lost the lease")
    serving.moves.append(
        outcome.decide(
            message.run_id,
            active.claimed.queue_id,
            ended,
            again=_retry_policy(serving, active.claimed).wait(active.claimed.failures + 1, random.uniform(-1, 1)),
            skip=active.fate is Fate.SKIP,
            review=active.claimed.review is None and gate.is_reviewed(active.claimed.runner, active.claimed.spec),
        )
    )
    serving.moving[message.run_id] = active.claimed
    for other in worker.servings.values():  # a slot is free, for whichever list comes first
        other.hungry = True


def _retry_policy(serving: Serving, claimed: Claimed) -> RetryPolicy:
    """The list's policy with what the task says itself."""
    own = claimed.spec["settings"]
    policy = serving.choices.retry_of_agents if claimed.runner == "agent" else serving.choices.retry
    if not own:  # nearly always, and a copy of a value is not made for nothing
        return policy
    delay = own.get("retry_delay")
    return replace(
        policy,
        retries=int(own.get("retries", policy.retries)),
        delay=policy.delay if delay is None else timedelta(seconds=float(delay)),
    )


def _signalled(worker: Worker, *, urgent: bool) -> None:
    worker.stopped_by = Ending.INTERRUPTED
    if urgent or worker.stopping:
        worker.stopping = Stopping.NOW
        if worker.running:
            worker.reporter.said(f"stopping {_tasks(len(worker.running))}; queued again for the next run")
        end_runs(worker.running.values(), Fate.STOP, at_once=False)
    else:
        worker.stopping = Stopping.AFTER_RUNNING
        if worker.running:
            worker.reporter.said(
                f"finishing {_tasks(len(worker.running))}, starting nothing new (Ctrl-C again stops them now)"
            )
        elif worker.connection is None and worker.has_something_to_tell:
            worker.reporter.said("waiting for the database to record what has ended (Ctrl-C again leaves without)")


def _tasks(number: int) -> str:
    return "the running task" if number == 1 else f"{number} running tasks"


def _of_connection(worker: Worker, message: Connected | Unconnected) -> None:
    match message:
        case Connected(connection):
            worker.connection, worker.connector, worker.unconnected = connection, None, ""
            worker.reporter.said("the database is back; going on")
        case Unconnected(reason):
            if reason != worker.unconnected:
                worker.unconnected = reason
                worker.reporter.said(f"no database yet: {reason}")
        case unknown:
            assert_never(unknown)


def _of_lease(worker: Worker, message: Beaten | BeatFailed | LeaseLost) -> None:
    match message:
        case Beaten():
            if worker.lease_shaky:
                worker.reporter.said("the lease is renewed; going on")
            worker.lease_shaky = False
            worker.wake()
        case BeatFailed(_, left, reason):
            if not worker.lease_shaky:
                worker.reporter.said(f"no new tasks until the lease can be renewed: {reason}")
            worker.lease_shaky = True
            if left <= worker.lease * heartbeat.MARGIN:
                end_runs(worker.running.values(), Fate.LOST, at_once=True)
        case LeaseLost():
            lose_lease(worker)
        case unknown:
            assert_never(unknown)


def _of_file(worker: Worker, message: MarksWritten | Edited) -> None:
    serving = worker.servings[message.list_id]
    match message:
        case MarksWritten():
            _marks_written(serving, message)
        case Edited(_, save):
            if serving.watch:
                serving.watch.save = save  # the newest; what came before it is nowhere any more
        case unknown:
            assert_never(unknown)


def _marks_written(serving: Serving, message: MarksWritten) -> None:
    serving.marks.update(message.marks)
    serving.file_sha256 = message.sha256 or serving.file_sha256
    if serving.watch:
        serving.watch.agreed = message.sha256
        if message.before and message.after and message.before != message.after:
            saved = {**serving.watch.saved, message.after: serving.watch.saved.get(message.before, message.before)}
            serving.watch.saved = dict([*saved.items()][-_WRITES_KEPT:])
        if message.ticked:
            serving.watch.ticked = (*serving.watch.ticked[-_WRITES_KEPT:], Ticked(message.ticked, message.changed_ns))
    if message.failure and message.failure != serving.file_failure:
        serving.reporter.said(f"the file could not be marked: {message.failure}; the queue knows what is done")
    serving.file_failure = message.failure
    if message.missing and not message.failure:
        serving.reporter.said(f"no longer in the file, so not marked there: {', '.join(message.missing)}")
