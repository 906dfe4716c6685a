"""What every drawing of a list shows: its tasks with their states, its edges, its waves, its critical path; pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from executor import order
from loader.model import Edge, Task, TaskList

_MET = ("completed", "skipped")


class Picture(Struct, frozen=True):
    """`waves` are those of the whole list, done or not; `critical` is the longest chain of what is still to do."""

    name: str
    title: str
    source: str  # whose states: those of the queue or of the file
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...]
    states: Mapping[str, str]
    waves: tuple[tuple[Task, ...], ...]
    critical: tuple[str, ...]

    def steps(self) -> frozenset[tuple[str, str]]:
        """The edges of the critical path, each as what is needed and what waits."""
        return frozenset(zip(self.critical, self.critical[1:], strict=False))


def of(name: str, parsed: TaskList, states: Mapping[str, str], source: str) -> Picture:
    """The picture of a list without errors."""
    met = frozenset(task_id for task_id, state in states.items() if state in _MET)
    chain = order.of(parsed, met).critical
    return Picture(
        name=name,
        title=parsed.title,
        source=source,
        tasks=parsed.tasks,
        edges=parsed.edges,
        states=states,
        waves=order.of(parsed, frozenset()).waves,
        critical=tuple(task.task_id for task in chain) if len(chain) > 1 else (),
    )


def as_dict(picture: Picture) -> dict[str, object]:
    """`graph --format json`."""
    wave_of = {task.task_id: number for number, wave in enumerate(picture.waves, 1) for task in wave}
    critical, steps = frozenset(picture.critical), picture.steps()
    return {
        "title": picture.title,
        "source": picture.source,
        "tasks": [
            {
                "id": task.task_id,
                "title": task.title,
                "priority": task.priority,
                "status": picture.states[task.task_id],
                "parent": task.parent,
                "wave": wave_of[task.task_id],
                "critical": task.task_id in critical,
            }
            for task in picture.tasks
        ],
        "edges": [
            {
                "task": edge.task_id,
                "depends_on": edge.depends_on,
                "rule": edge.rule,
                "line": edge.line,
                "critical": (edge.depends_on, edge.task_id) in steps,
            }
            for edge in picture.edges
        ],
        "waves": [[task.task_id for task in wave] for wave in picture.waves],
        "critical_path": list(picture.critical),
    }
