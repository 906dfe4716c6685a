"""Carrying a claimed run out: in another thread, which only posts to the inbox."""

from __future__ import annotations

from msgspec.structs import replace

from executor import clock, faults, runners
from executor.engine.inbox import Inbox
from executor.engine.io import CHUNKS_UNSAVED_MAX, RunIo
from executor.engine.messages import Ended
from executor.engine.serving import Serving
from executor.engine.worker import Active, Worker
from executor.log import logger
from executor.model import Claimed
from executor.outcome import Outcome
from executor.redaction import Redactor
from executor.runners import Surroundings, workspaces
from executor.states import RunStatus
from loader.model import Status


def start(worker: Worker, serving: Serving, claimed: Claimed) -> None:
    """Begin to carry a claimed run out; its end comes as one `Ended`."""
    faults.at("claimed-not-spawned")
    io = RunIo(
        claimed.run_id,
        worker.inbox,
        worker.guard,
        worker.wakes,
        redactor=serving.surroundings.redactor,
        chunks_max=_chunks_max(worker),
    )
    worker.running[claimed.run_id] = Active(claimed, serving, io, clock.boottime())
    if worker.guard.is_over:  # claimed by a turn that waited for a silent server: the guard would end it at once
        worker.inbox.post(Ended(claimed.run_id, Outcome(RunStatus.CANCELLED, "was not begun: the lease had run out")))
        return
    serving.reporter.started(claimed)
    if serving.choices.mark_running and serving.scribe:
        serving.scribe.want({claimed.task_id: Status.IN_PROGRESS})
    if claimed.runner == "container":  # nothing to carry out, so no thread
        worker.inbox.post(Ended(claimed.run_id, Outcome(RunStatus.SUCCEEDED)))
        return
    try:
        worker.hands.give(lambda: _carry_out(worker.inbox, serving.surroundings, claimed, io))
    except RuntimeError as error:  # the system's limit of threads
        worker.inbox.post(Ended(claimed.run_id, Outcome(RunStatus.FAILED, f"the run could not be started: {error}")))


def _chunks_max(worker: Worker) -> int:
    """Each run's share of the output that may wait for the database, so that many loud tasks take no more memory."""
    return max(2, CHUNKS_UNSAVED_MAX // worker.jobs)


def _carry_out(inbox: Inbox, surroundings: Surroundings, claimed: Claimed, io: RunIo) -> None:
    try:
        ended = workspaces.carry(runners.find(claimed.runner), claimed, io, surroundings)
    except Exception as error:  # noqa: BLE001 - a defect of a runner fails its task, and is told, instead of losing it
        logger.exception("runner %s", claimed.runner)
        ended = Outcome(RunStatus.FAILED, f"the runner broke: {type(error).__name__}: {error}")
    io.flush()
    inbox.post(Ended(claimed.run_id, _redacted(ended, surroundings.redactor)))


def _redacted(ended: Outcome, redactor: Redactor) -> Outcome:
    """What is told of a run holds the end of its output, and an agent's answer."""
    usage = ended.usage and replace(ended.usage, answer=redactor.text(ended.usage.answer))
    return replace(ended, error=redactor.text(ended.error), halt=redactor.text(ended.halt), usage=usage)
