"""In which order a list would run if every task took as long: waves and the critical path, pure."""

from __future__ import annotations

from dataclasses import dataclass

from loader.model import Edge, Status, Task, TaskList

_DONE = (Status.COMPLETED, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class Order:
    """`waves` hold what could run side by side; `critical` is the longest chain of tasks that wait for one another."""

    waves: tuple[tuple[Task, ...], ...]
    critical: tuple[Task, ...]
    edges: dict[str, tuple[Edge, ...]]  # by the task that waits


def of(tasks: TaskList) -> Order:
    """The order of what is still to do in a list without errors; linear in tasks and edges."""
    todo = {task.task_id: task for task in tasks.tasks if task.status not in _DONE}
    waiting: dict[str, list[Edge]] = {}
    dependents: dict[str, list[str]] = {}
    for edge in tasks.edges:
        if edge.task_id in todo and edge.depends_on in todo:
            waiting.setdefault(edge.task_id, []).append(edge)
            dependents.setdefault(edge.depends_on, []).append(edge.task_id)
    unmet = {task_id: len(waiting.get(task_id, ())) for task_id in todo}
    before: dict[str, str | None] = {}
    waves: list[tuple[Task, ...]] = []
    ready = [task_id for task_id, number in unmet.items() if not number]
    before.update(dict.fromkeys(ready))
    while ready:
        waves.append(tuple(sorted((todo[task_id] for task_id in ready), key=lambda task: (task.rank, task.position))))
        following = []
        for task_id in ready:
            for dependent in dependents.get(task_id, ()):
                unmet[dependent] -= 1
                if not unmet[dependent]:
                    before[dependent] = task_id  # the last of its dependencies to be met
                    following.append(dependent)
        ready = following
    chain: list[Task] = []
    at: str | None = waves[-1][0].task_id if waves else None
    while at is not None:
        chain.append(todo[at])
        at = before[at]
    return Order(tuple(waves), tuple(reversed(chain)), {task_id: tuple(edges) for task_id, edges in waiting.items()})
