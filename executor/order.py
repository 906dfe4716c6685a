"""In which order a list would run if every task took as long: waves, the critical path, who is urgent; pure."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from loader.model import Edge, Status, Task, TaskList

_DONE = frozenset((Status.COMPLETED, Status.SKIPPED))
_CLAIM_ORDER = attrgetter("rank", "position")


@dataclass(frozen=True, slots=True)
class Order:
    """`waves` hold what could run side by side; `critical` is the longest chain of tasks that wait for one another."""

    waves: tuple[tuple[Task, ...], ...]
    critical: tuple[Task, ...]
    edges: dict[str, tuple[Edge, ...]]  # by the task that waits


def of(tasks: TaskList) -> Order:
    """The order of what is still to do in a list without errors; linear in tasks and edges."""
    todo, edges, dependents = _left(tasks)
    unmet = [len(own) for own in edges]
    ready = [index for index, number in enumerate(unmet) if not number]
    before = [-1] * len(todo)
    waves: list[tuple[Task, ...]] = []
    while ready:
        waves.append(tuple(sorted((todo[index] for index in ready), key=_CLAIM_ORDER)))
        following = []
        for index in ready:
            for dependent in dependents[index]:
                unmet[dependent] -= 1
                if not unmet[dependent]:
                    before[dependent] = index  # the last of its dependencies to be met
                    following.append(dependent)
        last, ready = ready, following
    chain: list[Task] = []
    at = min(last, key=lambda index: _CLAIM_ORDER(todo[index])) if waves else -1
    while at >= 0:
        chain.append(todo[at])
        at = before[at]
    waiting = {task.task_id: tuple(own) for task, own in zip(todo, edges, strict=True) if own}
    return Order(tuple(waves), tuple(reversed(chain)), waiting)


def urgencies(tasks: TaskList) -> dict[str, int]:
    """The rank at which each task still to do should be claimed: the best of its own and of all that wait for it.

    A P4 task that blocks a P1 task goes before other P2 tasks. Linear in tasks and edges; what waits in a circle keeps
    what is known of it.
    """
    todo, edges, dependents = _left(tasks)
    ranks = [task.rank for task in todo]
    index = {task.task_id: place for place, task in enumerate(todo)}
    unsettled = [len(own) for own in dependents]
    settled = [place for place, count in enumerate(unsettled) if not count]
    while settled:
        place = settled.pop()
        for edge in edges[place]:
            needed = index[edge.depends_on]
            ranks[needed] = min(ranks[needed], ranks[place])
            unsettled[needed] -= 1
            if not unsettled[needed]:
                settled.append(needed)
    return {task.task_id: rank for task, rank in zip(todo, ranks, strict=True)}


def _left(tasks: TaskList) -> tuple[list[Task], list[list[Edge]], list[list[int]]]:
    """The tasks still to do; by place in these, the edges of each and the places of those that wait for it."""
    todo = [task for task in tasks.tasks if task.status not in _DONE]
    index = {task.task_id: place for place, task in enumerate(todo)}
    edges: list[list[Edge]] = [[] for _ in todo]
    dependents: list[list[int]] = [[] for _ in todo]
    for edge in tasks.edges:
        waits, target = index.get(edge.task_id), index.get(edge.depends_on)
        if waits is not None and target is not None:
            edges[waits].append(edge)
            dependents[target].append(waits)
    return todo, edges, dependents
