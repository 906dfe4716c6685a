"""What a list, a task or a day may cost, and whether it has: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from executor.model import Spent


class Limits(Struct, frozen=True):
    """At most so many dollars, tokens and seconds; None is any number."""

    usd: float | None = None
    tokens: float | None = None
    time: float | None = None

    def crossed_by(self, spent: Spent) -> str:
        """Which limit is reached, with the numbers; empty while none is."""
        if self.usd is not None and spent.cost_usd >= self.usd:
            return f"{spent.cost_usd:.2f} of {self.usd:g} dollars"
        if self.tokens is not None and spent.tokens >= self.tokens:
            return f"{spent.tokens:,} of {self.tokens:,.0f} tokens"
        if self.time is not None and spent.seconds >= self.time:
            return f"{_hours(spent.seconds)} of {_hours(self.time)}"
        return ""


class Budget(Struct, frozen=True):
    """The limits of a list as a whole, of any 24 hours, and of each task with all its attempts."""

    list: Limits
    day: Limits
    task: Limits


def read(settings: Mapping[str, Any]) -> Budget | None:
    """The `budget` among the settings of a list."""
    given = settings.get("budget")
    if not given:
        return None
    return Budget(
        *(
            Limits(**{name: part[name] for name in ("usd", "tokens", "time") if name in part})
            for part in (given, given.get("day", {}), given.get("task", {}))
        )
    )


def exceeded(budget: Budget, spent: Iterable[Spent]) -> str:
    """What is used up, and what to do; empty while nothing is."""
    for one in spent:
        limits = {"list": budget.list, "day": budget.day, "task": budget.task}[one.scope]
        if numbers := limits.crossed_by(one):
            of = {"list": "the budget", "day": "the budget of a day", "task": f"the budget of task {one.task_id}"}
            return f"{of[one.scope]} is used up: {numbers}; raise `budget:` in the list, then `executor run` goes on"
    return ""


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds:.0f} s"
