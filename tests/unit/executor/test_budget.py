"""Budgets: what is counted against what."""

from __future__ import annotations

import pytest

from executor import budget
from executor.model import Spent
from loader import settings

READ = settings.OF_LIST["budget"].read


def spent(scope: str, usd: float = 0, tokens: int = 0, seconds: float = 0, task: str | None = None) -> Spent:
    return Spent(scope, task, usd, tokens, seconds)


def limits(given: object) -> budget.Budget:
    found = budget.read({"budget": READ(given)})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("given", "used", "told"),
    [
        ({"usd": 20}, spent("list", usd=19.99), ""),
        ({"usd": 20}, spent("list", usd=20), "the budget is used up: 20.00 of 20 dollars"),
        ({"usd": "$1.50"}, spent("list", usd=2), "2.00 of 1.5 dollars"),
        ({"tokens": "5M"}, spent("list", tokens=5_000_000), "5,000,000 of 5,000,000 tokens"),
        ({"tokens": "12.5k"}, spent("list", tokens=12_499), ""),
        ({"time": "8h"}, spent("list", seconds=8 * 3600), "8.0 h of 8.0 h"),
        ({"day": {"usd": 5}}, spent("list", usd=50), ""),
        ({"day": {"usd": 5}}, spent("day", usd=5), "the budget of a day is used up"),
        (
            {"task": {"time": "10m"}},
            spent("task", seconds=601, task="A-1"),
            "the budget of task A-1 is used up: 601 s of 600 s",
        ),
    ],
)
def test_what_is_used_up_is_told_with_its_numbers(given: object, used: Spent, told: str):
    found = budget.exceeded(limits(given), [used])
    assert (told in found) if told else not found


def test_no_budget_is_none():
    assert budget.read({}) is None


@pytest.mark.parametrize("given", ["20", {}, {"euro": 3}, {"usd": "many"}, {"day": 5}, {"day": {"task": {"usd": 1}}}])
def test_what_is_no_budget_is_refused(given: object):
    with pytest.raises(ValueError, match="usd: 20"):
        READ(given)
