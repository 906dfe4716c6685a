"""Which parts of a list are written in which way: what `parse` and `plan` say of its carriers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from loader.drafts import Draft
from loader.model import Carrier, Part, Task

_REASONS: Mapping[Carrier, str] = {
    "checkbox": "list items with a box",
    "table": "rows of a table with ids",
    "heading": "headings over boxes or code",
    "yaml": "fenced YAML with an id, in more than one fence",
    "file": "front matter with an id and a status",
    "json": "objects with an id",
    "todo.txt": "one task a line",
}


def of(drafts: Sequence[Draft], tasks: Sequence[Task]) -> tuple[Part, ...]:
    """The parts in file order; a list that is written in one way is one part. `tasks` are what the drafts became."""
    found: list[Part] = []
    first = 0
    for (carrier, reason), members in groupby((draft.carrier, draft.reason) for draft in drafts):
        last = first + sum(1 for _ in members)
        found.append(_part(carrier, reason or _REASONS[carrier], tasks[first:last]))
        first = last
    return tuple(found)


def _part(carrier: Carrier, reason: str, tasks: Sequence[Task]) -> Part:
    lines = tasks[0].lines[0], max(task.lines[1] for task in tasks)
    return Part(carrier, reason, _shared(task.section for task in tasks), lines, len(tasks))


def _shared(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The beginning that all paths have in common."""
    shared: tuple[str, ...] | None = None
    for path in dict.fromkeys(paths):
        if shared is None:
            shared = path
        while path[: len(shared)] != shared:
            shared = shared[:-1]
    return shared or ()
