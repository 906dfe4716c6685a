"""What a block did, told in the database it did it in: the row by which a later run knows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct

from executor import faults
from executor.model import Claimed
from executor.runners.heeding import Heeding
from sql import entrance, queries

BLOCKS = queries.load("blocks")
LEDGER = queries.load("ledger")


class Progress(Struct, frozen=True):
    """How far a block is. `last_key` is the end of the last batch of a backfill, as text."""

    done: bool = False
    batches: int = 0
    batches_expected: int = 0
    last_key: str | None = None


class Account(Struct, frozen=True):
    """The rows of one block of one task, over the connection its statements take."""

    connection: Heeding
    key: dict[str, Any]
    lock_timeout: timedelta
    timeout: float | None

    def prepare(self) -> None:
        """Have a table to write in."""
        row = self.connection.execute(BLOCKS.is_kept).fetchone()
        if row and row[0]:
            return
        for query in (BLOCKS.begin, BLOCKS.keep_alone, BLOCKS.create_schema, BLOCKS.create_table, BLOCKS.commit):
            self.connection.execute(query)

    def begin(self) -> Progress:
        """Open a transaction that no other run of the block is in, and say what was done before it."""
        self.connection.execute(BLOCKS.begin)
        if entrance.can_miss_client(self.connection):  # a statement of a killed run must not keep the next one waiting
            self.connection.execute(LEDGER.miss_client)
        turn = f"{self.key['queue']}/{self.key['queue_id']}/{self.key['block']}"
        self.connection.execute(BLOCKS.enter, {"turn": turn, **self._bounds()})
        faults.at("block-begun")
        row = self.connection.execute(BLOCKS.find, self.key).fetchone()
        return Progress(*row) if row else Progress()

    def begin_check(self) -> None:
        """Open a transaction in which nothing can be changed."""
        self.connection.execute(BLOCKS.begin_reading)
        self.connection.execute(BLOCKS.bound, self._bounds())

    def commit(self, progress: Progress) -> None:
        """Keep what the transaction did, with the row that tells of it."""
        told = {
            "done": progress.done,
            "batches": progress.batches,
            "batches_expected": progress.batches_expected,
            "last_key": progress.last_key,
        }
        self.connection.execute(BLOCKS.record, self.key | told)
        faults.at("block-recorded")
        self.connection.execute(BLOCKS.commit)
        faults.at("block-committed")

    def rollback(self) -> None:
        """Keep nothing of it."""
        self.connection.execute(BLOCKS.rollback)

    def waiters(self) -> int:
        """How many sessions wait for a lock of this transaction."""
        row = self.connection.execute(BLOCKS.waiters).fetchone()
        return int(row[0]) if row else 0

    def _bounds(self) -> dict[str, str]:
        wait = int((self.timeout or 0) * 1000)
        return {
            "lock_timeout": f"{self.lock_timeout // timedelta(milliseconds=1)}ms",
            "statement_timeout": f"{wait}ms",
        }


def key(claimed: Claimed, block: int, checksum: str) -> dict[str, Any]:
    """By what a block is known: the list with its birth, as numbers begin anew in a new queue."""
    born = claimed.list_created_at
    return {
        "queue": f"{claimed.list_id} of {born.isoformat() if born else ''}",
        "queue_id": claimed.queue_id,
        "block": block,
        "checksum": checksum,
        "run_id": claimed.run_id,
        "task_id": claimed.task_id,
        "since": claimed.since or 0,
    }
