"""What people asked of a list and its runs, as a worker does it; and what its runs tell people."""

from __future__ import annotations

from executor.engine import hearing
from executor.engine.serving import Ending, Serving, Stopping
from executor.engine.worker import Fate, Worker
from executor.model import Orders
from executor.states import ListStatus


def obey(worker: Worker, serving: Serving, orders: Orders | None) -> None:
    """Do what people asked."""
    if orders is None:
        serving.stopping = serving.stopping or Stopping.NOW
        serving.reporter.said("the list is no longer in the database; stopping")
        hearing.end_runs(worker.runs_of(serving), Fate.STOP, at_once=False)
        return
    if not orders.entered:
        hearing.lose_lease(worker)
        return
    if orders.drain and not worker.stopping:
        worker.stopping, worker.stopped_by = Stopping.AFTER_RUNNING, Ending.DRAINED
        worker.reporter.said("asked to leave: finishing what runs, starting nothing new")
    by = orders.status_by or "somebody"
    if orders.status == ListStatus.PAUSED and serving.paused_by is None:
        serving.paused_by = by
        serving.reporter.paused(by)
    elif orders.status != ListStatus.PAUSED and serving.paused_by is not None:
        serving.paused_by = None
        serving.hungry = True
        serving.reporter.said(f"resumed by {by}")
    if (orders.stop or orders.stop_now) and serving.stopping < _asked(orders):
        serving.stopping = _asked(orders)
        serving.reporter.said(f"stopped: {serving.stop_reason}" if serving.stop_reason else f"stopped by {by}")
        if serving.stopping is Stopping.NOW:
            hearing.end_runs(worker.runs_of(serving), Fate.STOP, at_once=False)
    for run_id in orders.skip:
        active = worker.running.get(run_id)
        if active and active.fate is None:
            active.fate = Fate.SKIP
            active.io.cancel(at_once=False)


def pass_on(worker: Worker, orders: Orders | None) -> None:
    """Tell how far runs say they are, where that is news."""
    for run_id, progress in ((orders and orders.progress) or {}).items():
        active = worker.running.get(int(run_id))
        if active and active.progress != progress:
            active.progress = progress
            active.serving.reporter.progressed(active.claimed, progress)


def _asked(orders: Orders) -> Stopping:
    return Stopping.NOW if orders.stop_now else Stopping.AFTER_RUNNING
