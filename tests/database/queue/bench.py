"""A worker without processes: it claims and settles by hand, one statement at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection

from executor import outcome
from executor.model import Claimed, Orders
from executor.outcome import Outcome
from executor.queue import lists, steps, workers
from executor.queue.steps import Answer, Appetite, Chunk, Turn
from executor.states import RunStatus
from tests import make

LEASE = timedelta(seconds=30)


@dataclass
class Bench:
    """One worker of one list, which is set running."""

    connection: Connection[Any]
    list_id: int
    worker_id: int = 0
    name: str = "bench"

    def __post_init__(self) -> None:
        self.enter()
        lists.start(self.connection, self.list_id, actor=make.ACTOR, jobs=4)

    def enter(self, lease: timedelta = LEASE) -> None:
        self.worker_id = workers.register(
            self.connection,
            name=self.name,
            host="here",
            boot_id="boot",
            pid_namespace="1",
            pid=1,
            pid_started=1,
            slots=4,
            labels=[],
            version="test",
            lease=lease,
        )
        workers.serve(self.connection, self.worker_id, self.list_id)

    def turn(self, **told: Any) -> Answer:
        return steps.take(self.connection, Turn(self.list_id, self.worker_id, self.name, **told))

    def claim(
        self,
        limit: int = 1,
        *,
        in_order: bool = False,
        stop_if_failed_since: datetime | str = "infinity",
        only: Sequence[int] | None = None,
    ) -> list[Claimed]:
        return list(self.turn(appetite=Appetite(limit, in_order, stop_if_failed_since, only)).claimed)

    def ids(self, limit: int = 1, **appetite: Any) -> list[str]:
        return [one.task_id for one in self.claim(limit, **appetite)]

    def settle(
        self,
        claimed: Claimed,
        status: RunStatus = RunStatus.SUCCEEDED,
        *,
        again: timedelta | None = None,
        skip: bool = False,
        error: str = "",
    ) -> Answer:
        ended = Outcome(status, error or ("" if status is RunStatus.SUCCEEDED else "it broke"), exit_code=0)
        return self.turn(moves=[outcome.decide(claimed.run_id, claimed.queue_id, ended, again=again, skip=skip)])

    def orders(self, *holding: Claimed) -> Orders | None:
        return self.turn(holding=[one.queue_id for one in holding]).orders

    def output(self, claimed: Claimed, *contents: bytes, first: int = 0) -> None:
        self.turn(chunks=[Chunk(claimed.run_id, first + at, content) for at, content in enumerate(contents)])

    def column(self, name: str) -> dict[str, Any]:
        """A column of every task, by task id, in file order."""
        query = f"""
            SELECT task_id, {name} FROM executor.task_queue WHERE list_id = %s AND removed_at IS NULL ORDER BY position
        """
        return dict(self.connection.execute(query.encode(), [self.list_id]).fetchall())

    def statuses(self) -> dict[str, str]:
        return self.column("status")

    def queue_id(self, task_id: str) -> int:
        return int(self.column("queue_id")[task_id])


def bench(connection: Connection[Any], text: str, path: str = make.PATH) -> Bench:
    """A worker at a list made of Markdown."""
    return Bench(connection, make.synced(connection, text, path)[0])
