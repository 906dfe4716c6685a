"""A worker without a list of its own: it takes up lists in which it could begin something, and lets them go again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
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
    elsewhere: set[int] = field(default_factory=set)  # lists whose folder is not on this machine, as last told

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
            if self._is_here(worker, name) and lists.join(connection, name.list_id, actor=self.actor, jobs=worker.jobs):
                entry.open_serving(worker, self.assign(connection, name), self.environ, self.actor, begin=False)

    def _is_here(self, worker: Worker, name: ListName) -> bool:
        """Is there the folder in which a list lies? Without it its tasks could not even be started, and would fail."""
        folder = Path(name.path).parent
        if os.access(folder, os.X_OK):
            self.elsewhere.discard(name.list_id)
            return True
        if name.list_id not in self.elsewhere:
            self.elsewhere.add(name.list_id)
            worker.reporter.said(
                f"{name.path} is left to others: this machine has no folder {folder} that may be entered; put the"
                " folder there, with what the tasks need, and the list is taken up"
            )
        return False
