"""What agents used in a list: by task, by agent and together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection

from executor.database import translate
from executor.model import Cost
from executor.queue import tasks


class Sum(Struct, frozen=True):
    """Several rows together; `cost_usd` is None where none of them tells."""

    runs: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost_usd: float | None = None
    seconds: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """As every JSON has it."""
        return {
            "runs": self.runs,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "tokens_cached": self.tokens_cached,
            "cost_usd": None if self.cost_usd is None else round(self.cost_usd, 6),
            "seconds": round(self.seconds, 3),
        }


def read(connection: Connection[Any], list_id: int) -> list[Cost]:
    """By task and agent, in the order of the file."""
    with translate.errors():
        return tasks.costs(connection, list_id)


def together(rows: Sequence[Cost]) -> Sum:
    """The sum of some rows."""
    told = [row.cost_usd for row in rows if row.cost_usd is not None]
    return Sum(
        runs=sum(row.runs for row in rows),
        tokens_in=sum(row.tokens_in for row in rows),
        tokens_out=sum(row.tokens_out for row in rows),
        tokens_cached=sum(row.tokens_cached for row in rows),
        cost_usd=sum(told) if told else None,
        seconds=sum(row.seconds for row in rows),
    )


def as_dict(rows: Sequence[Cost]) -> dict[str, object]:
    """`report costs --json`."""
    agents = sorted({row.agent for row in rows})
    return {
        "total": together(rows).as_dict(),
        "agents": [
            {"agent": agent, **together([row for row in rows if row.agent == agent]).as_dict()} for agent in agents
        ],
        "tasks": [
            {"id": row.task_id, "title": row.title, "agent": row.agent, **together([row]).as_dict()} for row in rows
        ],
    }
