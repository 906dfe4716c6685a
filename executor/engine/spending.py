"""Whether the budget of a list is used up: asked before each claim, where there is a budget."""

from __future__ import annotations

from executor import budget, clock
from executor.engine.serving import Ending, Serving, Stopping
from executor.engine.worker import Worker
from executor.queue import lists, tasks


def is_over(worker: Worker, serving: Serving) -> bool:
    """Stop the list for all its workers when it is; what runs is let finish.

    While there are ends of runs that are not in the record yet nothing can be said: nothing begins before they are.
    """
    limits = serving.choices.budget
    if limits is None:
        return False
    if serving.moves:
        serving.look_at = clock.monotonic()
        return True
    assert worker.connection is not None, "asked within a step"
    reason = budget.exceeded(limits, tasks.spent(worker.connection, serving.list_id))
    if not reason:
        return False
    lists.halt(worker.connection, serving.list_id, worker.name, reason)
    serving.stopping, serving.stopped_by, serving.stop_reason = Stopping.AFTER_RUNNING, Ending.SPENT, reason
    serving.reporter.said(f"stopped: {reason}")
    return True
