"""What the graph of a large list costs, step by step: 100,000 tasks in random priorities and 200,000 edges.

Run with `make bench`, or alone; prints a Markdown table. Reading the file is not in it: `parsing.py` measures that.
"""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from executor import order, urgency
from loader import garbage
from loader.drafts import Draft
from loader.graph import Graph
from loader.model import Edge, MarkPlace, Status, Task, TaskList
from loader.sections import NONE
from loader.wording import Wording

TASKS, EDGES = 100_000, 200_000
SECONDS_MAX = 2.0


@dataclass
class Costs:
    """Seconds of processor time by step."""

    steps: dict[str, float] = field(default_factory=dict)

    def of(self, step: str, act: Callable[[], object]) -> object:
        began = time.process_time()
        made = act()
        self.steps[step] = time.process_time() - began
        return made

    @property
    def whole(self) -> float:
        return sum(self.steps.values())


def drafts(tasks: int, edges: int) -> list[Draft]:
    """Tasks as they are before they have edges; each waits for some that stand before it."""
    chosen = random.Random(7)
    made = [
        Draft(line, line + 1, " ", Status.PENDING, MarkPlace(0, 1), NONE, Wording(), text_line=line)
        for line in range(tasks)
    ]
    for _ in range(edges):
        later = chosen.randrange(1, tasks)
        made[later].wording.needs += (("after", [f"T{chosen.randrange(later)}"]),)
    return made


def task(number: int, rank: int) -> Task:
    return Task(
        task_id=f"T{number}",
        title="",
        body="",
        priority=f"P{max(rank, 1)}",
        priority_raw="",
        rank=rank,
        section=(),
        dependencies=(),
        mark=" ",
        status=Status.PENDING,
        lines=(number + 1, number + 1),
        position=number + 1,
        fingerprint="",
        mark_place=MarkPlace(0, 1),
    )


def measured(tasks: int = TASKS, edges: int = EDGES) -> Costs:
    """Every step once, each on what the one before made."""
    costs = Costs()
    graph = Graph(drafts(tasks, edges), [f"T{number}" for number in range(tasks)], allow_missing=False)
    with garbage.held_off():  # as while a file is read
        costs.of("edges, and the search for circles", graph.connect)
    assert not graph.diagnostics, "an edge to a task before is never a circle"
    ranks = random.Random(8)
    found = tuple(edge for own in graph.edges for edge in own.values())
    listed = TaskList("", "", "plain", {}, tuple(task(at, ranks.randrange(5)) for at in range(tasks)), found, (), "")
    costs.of("waves, the longest chain and lent urgency, as `plan`", lambda: order.of(listed))
    return costs


def alone(tasks: int = TASKS, edges: int = EDGES) -> float:
    """Lent urgency by itself, as a sync computes it."""
    ranks = random.Random(8)
    listed = tuple(task(at, ranks.randrange(5)) for at in range(tasks))
    made = []
    for later in (ranks.randrange(1, tasks) for _ in range(edges)):
        made.append(Edge(f"T{later}", f"T{ranks.randrange(later)}", "after", later))
    costs = Costs()
    costs.of("urgency", lambda: urgency.of(TaskList("", "", "plain", {}, listed, tuple(made), (), "")))
    return costs.whole


def main() -> None:
    best = min((measured() for _ in range(3)), key=lambda costs: costs.whole)
    print(f"\nThe graph of {TASKS:,} tasks and {EDGES:,} edges, Python {platform.python_version()}\n")
    print("| step | seconds |\n|---|---:|")
    for step, seconds in best.steps.items():
        print(f"| {step} | {seconds:.2f} |")
    print(f"| together (bound {SECONDS_MAX:.0f}) | {best.whole:.2f} |")
    print(f"| lent urgency alone, as a sync | {min(alone() for _ in range(3)):.2f} |")


if __name__ == "__main__":
    main()
