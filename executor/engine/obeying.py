"""What people asked of a list and its runs, as a worker does it."""

from __future__ import annotations

from executor.engine import hearing
from executor.engine.worker import Fate, Stopping, Worker
from executor.model import Orders
from executor.states import ListStatus


def obey(worker: Worker, orders: Orders | None) -> None:
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
