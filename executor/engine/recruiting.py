"""A worker without a list of its own: it takes up lists in which it could begin something, and lets them go again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection

from executor import clock
from executor.engine import entry
from executor.engine.entry import Assignment
from executor.engine.serving import Ending, Stopping
from executor.engine.worker import Worker
from executor.model import ListName
from executor.queue import lists, workers
from executor.queue.steps import Offer

_LOOK_SECONDS = 1.0


class Recruiting(Struct):
    """The `Recruiter` of a fleet worker. `paths` are the lists it may serve, None is all; `assign` prepares one."""

    offer: Offer
    paths: Sequence[str] | None
    assign: Callable[[Connection[Any], ListName], Assignment]
    environ: Mapping[str, str]
    actor: str
    look_at: float = 0.0

    def wake(self) -> None:
        """Look at the next step."""
        self.look_at = 0.0

    def look(self, worker: Worker) -> None:
        """Let go of lists that are over, and look for others as long as there are slots for them."""
        for serving in [one for one in worker.servings.values() if one.ending is not None]:
            entry.close_serving(worker, serving, self.actor)
            del worker.servings[serving.list_id]
        connection, now = worker.connection, clock.monotonic()
        if connection is None or now < self.look_at or worker.stopping or worker.lease_lost or worker.lease_shaky:
            return
        self.look_at = now + _LOOK_SECONDS
        if workers.is_draining(connection, worker.worker_id):
            worker.stopping, worker.stopped_by = Stopping.AFTER_RUNNING, Ending.DRAINED
            return
        found = lists.with_work(connection, self.offer, paths=self.paths, serving=list(worker.servings))
        for name in found if worker.free else ():
            if lists.join(connection, name.list_id, actor=self.actor, jobs=worker.jobs):
                entry.open_serving(worker, self.assign(connection, name), self.environ, self.actor, begin=False)
