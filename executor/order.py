"""In which order a list would run if every task took as long: waves and the critical path; pure."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from msgspec import Struct

from executor import urgency
from executor.urgency import Urgency
from loader import garbage
from loader.model import Edge, Status, Task, TaskList

_DONE = frozenset((Status.COMPLETED, Status.SKIPPED))


class Order(Struct, frozen=True):
    """`waves` hold what could run side by side; `critical` is the longest chain of tasks that wait for one another.

    `held_up` is what was chosen and cannot run, as something that it waits for was not.
    """

    waves: tuple[tuple[Task, ...], ...]
    critical: tuple[Task, ...]
    held_up: tuple[Task, ...]
    edges: Mapping[str, Sequence[Edge]]  # by the task that waits
    urgencies: Mapping[str, Urgency]  # where something lends a task its urgency


def of(tasks: TaskList, met: Container[str] | None = None, chosen: Container[str] | None = None) -> Order:
    """The order of what is still to do in a list without errors; linear in tasks and edges.

    `met` are the ids of what is done with, where the marks of the file do not tell; `chosen` those of what is to run,
    where that is not all of it. A parent box without work of its own is done with its children, chosen or not.
    """
    if met is None:
        met = frozenset(task.task_id for task in tasks.tasks if task.status in _DONE)
    with garbage.held_off():
        return _order(tasks, met, chosen)


def _order(tasks: TaskList, met: Container[str], chosen: Container[str] | None) -> Order:
    todo, edges, needs, dependents = _left(tasks, met)
    urgencies = urgency.lent(todo, needs)
    claim_order = [
        (urgent.rank if (urgent := urgencies.get(task.task_id)) else task.rank, task.position) for task in todo
    ]
    runs = [chosen is None or task.container or task.task_id in chosen for task in todo]
    unmet = [len(own) for own in needs]
    ready = [index for index, number in enumerate(unmet) if not number and runs[index]]
    before = [-1] * len(todo)
    waves: list[tuple[Task, ...]] = []
    while ready:
        waves.append(tuple(todo[index] for index in sorted(ready, key=claim_order.__getitem__)))
        following = []
        for index in ready:
            for dependent in dependents[index]:
                unmet[dependent] -= 1
                if not unmet[dependent] and runs[dependent]:
                    before[dependent] = index  # the last of its dependencies to be met
                    following.append(dependent)
        last, ready = ready, following
    chain: list[Task] = []
    at = min(last, key=claim_order.__getitem__) if waves else -1
    while at >= 0:
        chain.append(todo[at])
        at = before[at]
    held_up: tuple[Task, ...] = ()
    if chosen is not None:
        placed = {task.task_id for wave in waves for task in wave}
        held_up = tuple(task for task in todo if task.task_id in chosen and task.task_id not in placed)
    return Order(tuple(waves), tuple(reversed(chain)), held_up, edges, urgencies)


def _left(
    tasks: TaskList, met: Container[str]
) -> tuple[list[Task], dict[str, list[Edge]], list[list[int]], list[list[int]]]:
    """The tasks still to do, the edges by what waits; by place, what each needs and what needs it."""
    todo = [task for task in tasks.tasks if task.task_id not in met]
    index = {task.task_id: place for place, task in enumerate(todo)}
    edges: dict[str, list[Edge]] = {}
    needs: list[list[int]] = [[] for _ in todo]
    dependents: list[list[int]] = [[] for _ in todo]
    for edge in tasks.edges:
        waits, target = index.get(edge.task_id), index.get(edge.depends_on)
        if waits is not None and target is not None:
            edges.setdefault(edge.task_id, []).append(edge)
            needs[waits].append(target)
            dependents[target].append(waits)
    return todo, edges, needs, dependents
