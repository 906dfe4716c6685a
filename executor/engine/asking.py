"""What waits for people, as a worker notes and tells it."""

from __future__ import annotations

from executor import clock
from executor.engine.serving import Serving
from executor.engine.worker import Worker
from executor.queue import people

_LOOK_SECONDS = 2.0
_SHOWN_MAX = 20


def look(worker: Worker, serving: Serving) -> bool:
    """Note whom those tasks wait for that this worker would do; whether one failed as nobody answered in time."""
    assert worker.connection is not None, "step connects first"
    serving.ask_at = clock.monotonic() + _LOOK_SECONDS
    only, offer = serving.choices.only, serving.choices.offer
    expired = people.ask(worker.connection, serving.list_id, worker.name, only=only, offer=offer)
    for task_id, why in expired:
        serving.reporter.said(f"{task_id}: {why}")
    waiting = people.waiting(worker.connection, serving.list_id, only=only, offer=offer, limit=_SHOWN_MAX)
    serving.reporter.waits(waiting)
    if expired:
        serving.news = True
        serving.wake()
    return bool(expired)
