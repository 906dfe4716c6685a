"""Who goes first: what waits for a task lends it its own urgency; pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from loader.model import Status, Task, TaskList

_MET = frozenset((Status.COMPLETED, Status.SKIPPED))


@dataclass(frozen=True, slots=True)
class Urgency:
    """The rank at which a task should be claimed, and the task that lends it; `lender` is None where it is its own."""

    rank: int
    lender: str | None = None

    @property
    def priority(self) -> str:
        """The rank as people write it."""
        return f"P{self.rank}"


def of(tasks: TaskList, met: Container[str] | None = None) -> dict[str, Urgency]:
    """How urgent each task still to do is: the best of its own rank and of all that wait for it.

    A P4 task that blocks a P1 task goes before other P2 tasks. `met` are the ids of tasks that nobody waits for any
    more, where the marks of the file do not tell. Linear in tasks and edges.
    """
    todo = [task for task in tasks.tasks if not _is_met(task, met)]
    index = {task.task_id: place for place, task in enumerate(todo)}
    edges = ((index.get(edge.task_id), index.get(edge.depends_on)) for edge in tasks.edges)
    lent = inherited(
        [task.rank for task in todo],
        ((waits, needed) for waits, needed in edges if waits is not None and needed is not None),
    )
    return {
        task.task_id: Urgency(todo[lender].rank, None if lender == place else todo[lender].task_id)
        for place, (task, lender) in enumerate(zip(todo, lent, strict=True))
    }


def inherited(ranks: Sequence[int], edges: Iterable[tuple[int, int]]) -> list[int]:
    """By place, the place whose rank counts there: its own, or that of the most urgent that waits for it.

    An edge is (what waits, what it waits for). From the most urgent down, each walks over what it waits for: the first
    to come by is the most urgent, in a circle as well, and what is as urgent by itself is passed by, for it walks too.
    """
    needs: list[list[int]] = [[] for _ in ranks]
    for waits, needed in edges:
        needs[waits].append(needed)
    lenders = list(range(len(ranks)))
    visited = [False] * len(ranks)
    for lender in sorted(lenders, key=ranks.__getitem__):
        ahead = [] if visited[lender] else [lender]
        while ahead:
            for needed in needs[ahead.pop()]:
                if not visited[needed] and ranks[needed] > ranks[lender]:
                    visited[needed] = True
                    lenders[needed] = lender
                    ahead.append(needed)
    return lenders


def _is_met(task: Task, met: Container[str] | None) -> bool:
    return task.status in _MET if met is None else task.task_id in met
