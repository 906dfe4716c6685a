"""In which order a list would run if every task took as long: waves and the critical path; pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from executor import urgency
from executor.urgency import Urgency
from loader.model import Edge, Status, Task, TaskList

_DONE = frozenset((Status.COMPLETED, Status.SKIPPED))


@dataclass(frozen=True, slots=True)
class Order:
    """`waves` hold what could run side by side; `critical` is the longest chain of tasks that wait for one another."""

    waves: tuple[tuple[Task, ...], ...]
    critical: tuple[Task, ...]
    edges: dict[str, tuple[Edge, ...]]  # by the task that waits
    urgencies: dict[str, Urgency]


def of(tasks: TaskList, met: Container[str] | None = None) -> Order:
    """The order of what is still to do in a list without errors; linear in tasks and edges.

    `met` are the ids of what is done with, where the marks of the file do not tell.
    """
    if met is None:
        met = frozenset(task.task_id for task in tasks.tasks if task.status in _DONE)
    todo, edges, dependents = _left(tasks, met)
    urgencies = urgency.of(tasks, met)
    claim_order = [(urgencies[task.task_id].rank, task.position) for task in todo]
    unmet = [len(own) for own in edges]
    ready = [index for index, number in enumerate(unmet) if not number]
    before = [-1] * len(todo)
    waves: list[tuple[Task, ...]] = []
    while ready:
        waves.append(tuple(todo[index] for index in sorted(ready, key=claim_order.__getitem__)))
        following = []
        for index in ready:
            for dependent in dependents[index]:
                unmet[dependent] -= 1
                if not unmet[dependent]:
                    before[dependent] = index  # the last of its dependencies to be met
                    following.append(dependent)
        last, ready = ready, following
    chain: list[Task] = []
    at = min(last, key=claim_order.__getitem__) if waves else -1
    while at >= 0:
        chain.append(todo[at])
        at = before[at]
    waiting = {task.task_id: tuple(own) for task, own in zip(todo, edges, strict=True) if own}
    return Order(tuple(waves), tuple(reversed(chain)), waiting, urgencies)


def _left(tasks: TaskList, met: Container[str]) -> tuple[list[Task], list[list[Edge]], list[list[int]]]:
    """The tasks still to do; by place in these, the edges of each and the places of those that wait for it."""
    todo = [task for task in tasks.tasks if task.task_id not in met]
    index = {task.task_id: place for place, task in enumerate(todo)}
    edges: list[list[Edge]] = [[] for _ in todo]
    dependents: list[list[int]] = [[] for _ in todo]
    for edge in tasks.edges:
        waits, target = index.get(edge.task_id), index.get(edge.depends_on)
        if waits is not None and target is not None:
            edges[waits].append(edge)
            dependents[target].append(waits)
    return todo, edges, dependents
