"""What the command line asks of a run, and what that means for one list: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from executor import budget
from executor.engine.serving import Choices
from executor.model import ListRow, TaskRow
from executor.queue.steps import Offer
from executor.retry import RetryPolicy
from executor.selection import Filters

_RETRIES_OF_AGENTS = 2  # where nobody says: what they get wrong, they often mend when told what was wrong


class Wishes(Struct, frozen=True):
    """Options of `run`; None leaves the choice to the list's own settings."""

    jobs: int | None = None
    fail_fast: bool | None = None
    only: Sequence[int] = ()  # queue ids
    filters: Filters = field(default_factory=Filters)
    overrides: Mapping[str, Any] = field(default_factory=dict)  # list settings from the command line
    mark_running: bool = False
    labels: tuple[str, ...] = ()
    person: str | None = None

    @property
    def is_choosy(self) -> bool:
        """Does it ask for less than the whole list?"""
        return bool(self.only or self.filters)


def choices(wishes: Wishes, row: ListRow, *, only: Sequence[int] | None, now: datetime) -> Choices:
    """How a worker runs this list. `now` is the database's: with --fail-fast only failures after it count."""
    settings = {**row.settings, **wishes.overrides}
    if wishes.fail_fast is not None:
        fail_fast = wishes.fail_fast
    else:
        fail_fast = bool(settings.get("fail_fast")) or (row.sequential and not settings.get("keep_going"))
    since: datetime | str = "infinity"
    if fail_fast:
        since = "-infinity" if row.sequential else now
    delay = settings.get("retry_delay")
    retry = RetryPolicy(
        retries=int(settings.get("retries", 0)),
        **({} if delay is None else {"delay": timedelta(seconds=float(delay))}),
    )
    return Choices(
        in_order=row.sequential and fail_fast,
        stop_if_failed_since=since,
        only=only,
        retry=retry,
        retry_of_agents=replace(retry, retries=int(settings.get("retries", _RETRIES_OF_AGENTS))),
        budget=budget.read(settings),
        mark_running=wishes.mark_running,
        offer=Offer(labels=wishes.labels, person=wishes.person),
    )


def of_fleet(row: ListRow, offer: Offer) -> Choices:
    """How a worker runs a list that it takes up by itself: as the list says, its failures before this worker included.

    Its `jobs` are how many of its tasks all such workers run at a time; a sequence that says nothing has one.
    A list that halts at a failure stays halted until somebody sees to it (`lists.with_work`).
    """
    settled = choices(Wishes(), row, only=None, now=row.created_at)
    most = row.settings.get("jobs", 1 if row.sequential else None)
    return replace(settled, offer=offer, most=most)


def jobs(wishes: Wishes, settings: Mapping[str, Any]) -> int:
    """How many tasks at a time, for a worker of one list with these settings."""
    return wishes.jobs or int(settings.get("jobs", 1))


def select(wishes: Wishes, tasks: Sequence[TaskRow]) -> list[int] | None:
    """The queue ids a run is limited to, or None for all. Raises UsageError for a filter that leaves nothing."""
    if not wishes.is_choosy:
        return None
    named = [task for task in tasks if not wishes.only or task.queue_id in wishes.only]
    return [task.queue_id for task in wishes.filters.select(named)]
