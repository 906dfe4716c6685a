"""Who goes first: what waits for a task lends it its own urgency; pure."""

from __future__ import annotations

from collections.abc import Container, Sequence

from msgspec import Struct

from loader.model import Status, Task, TaskList

_MET = frozenset((Status.COMPLETED, Status.SKIPPED))


class Urgency(Struct, frozen=True):
    """The rank at which a task should be claimed, better than its own, and the task that lends it."""

    rank: int
    lender: str

    @property
    def priority(self) -> str:
        """The rank as people write it."""
        return f"P{self.rank}"


def of(tasks: TaskList, met: Container[str] | None = None) -> dict[str, Urgency]:
    """The tasks still to do that are more urgent than their own rank says, because something urgent waits for them.

    A P4 task that blocks a P1 task goes before other P2 tasks. `met` are the ids of tasks that nobody waits for any
    more, where the marks of the file do not tell. Linear in tasks and edges.
    """
    todo = [task for task in tasks.tasks if not _is_met(task, met)]
    index = {task.task_id: place for place, task in enumerate(todo)}
    needs: list[list[int]] = [[] for _ in todo]
    for edge in tasks.edges:
        waits, needed = index.get(edge.task_id), index.get(edge.depends_on)
        if waits is not None and needed is not None:
            needs[waits].append(needed)
    return lent(todo, needs)


def lent(todo: Sequence[Task], needs: Sequence[Sequence[int]]) -> dict[str, Urgency]:
    """The same, of tasks whose needs are known by place."""
    lenders = inherited([task.rank for task in todo], needs)
    return {
        todo[place].task_id: Urgency(todo[lender].rank, todo[lender].task_id)
        for place, lender in enumerate(lenders)
        if place != lender
    }


def inherited(ranks: Sequence[int], needs: Sequence[Sequence[int]]) -> list[int]:
    """By place, the place whose rank counts there: its own, or that of the most urgent that waits for it.

    `needs` are the places that each waits for. From the most urgent down, each walks over what it waits for: the first
    to come by is the most urgent, in a circle as well, and what is as urgent by itself is passed by, for it walks too.
    """
    lenders = list(range(len(ranks)))
    least = max(ranks, default=0)
    visited = [False] * len(ranks)
    for lender in sorted((place for place in lenders if ranks[place] < least), key=ranks.__getitem__):
        rank = ranks[lender]
        ahead = [] if visited[lender] else [lender]
        while ahead:
            for needed in needs[ahead.pop()]:
                if not visited[needed] and ranks[needed] > rank:
                    visited[needed] = True
                    lenders[needed] = lender
                    ahead.append(needed)
    return lenders


def _is_met(task: Task, met: Container[str] | None) -> bool:
    return task.status in _MET if met is None else task.task_id in met
