"""A graph as lines of text: a task a line, in the order of its waves, with what it waits for; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from executor.cli.graphs.picture import Picture
from loader.model import Edge

_BOXES = {"queued": " ", "completed": "x", "running": ">", "in_progress": "~", "skipped": "-"}
_BOXES |= {"failed": "!", "blocked": "!", "waiting": "?"}
_MEANINGS = {
    "running": "running",
    "in_progress": "in progress",
    "failed": "failed",
    "blocked": "blocked",
    "skipped": "skipped",
    "waiting": "waits for a person",
}
_TITLE_MAX = 48
_NAMES_MAX = 6


def draw(picture: Picture) -> Iterator[str]:
    """The lines of the drawing, without colours and without control characters."""
    yield _head(picture)
    edges: dict[str, list[Edge]] = {}
    for edge in picture.edges:
        edges.setdefault(edge.task_id, []).append(edge)
    critical = frozenset(picture.critical)
    width = max((len(task.task_id) for task in picture.tasks), default=0)
    digits = len(str(len(picture.waves)))
    yield ""
    for number, wave in enumerate(picture.waves, 1):
        for at, task in enumerate(wave):
            star = "*" if task.task_id in critical else " "
            count = str(number) if at == 0 else ""
            box = _BOXES[picture.states[task.task_id]]
            waits = _waits(edges.get(task.task_id, ()))
            title = plain(task.title, _TITLE_MAX)
            name = plain(task.task_id, width).ljust(width)
            yield f"{count:>{digits}} {star} [{box}] {name}  {task.priority}  {title}{waits}".rstrip()
    below = list(_legend(picture))
    yield from ["", *below] if below else []


def _head(picture: Picture) -> str:
    tasks, edges, waves = len(picture.tasks), len(picture.edges), len(picture.waves)
    return f"{picture.name}: tasks {tasks}, edges {edges}, waves {waves}; statuses of the {picture.source}"


def _waits(edges: Sequence[Edge]) -> str:
    """What a task waits for, by the rule and the line that say so."""
    by_reason: dict[tuple[str, int], list[str]] = {}
    for edge in edges:
        reason = (edge.rule, edge.line if edge.rule != "parent" else 0)
        by_reason.setdefault(reason, []).append(edge.depends_on)
    told = [f"{_names(names)} ({rule}{f', line {line}' if line else ''})" for (rule, line), names in by_reason.items()]
    return "  <- " + "; ".join(told) if told else ""


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name, _TITLE_MAX) for name in names[:_NAMES_MAX])
    return f"{shown} and {len(names) - _NAMES_MAX} more" if len(names) > _NAMES_MAX else shown


def _legend(picture: Picture) -> Iterator[str]:
    if picture.critical:
        names = [plain(name, _TITLE_MAX) for name in picture.critical]
        if len(names) > 2 * _NAMES_MAX:
            names[_NAMES_MAX:-_NAMES_MAX] = [f"({len(names) - 2 * _NAMES_MAX} more)"]
        yield f"* the longest chain of {len(picture.critical)} tasks: {' > '.join(names)}"
    there = set(picture.states.values())
    meanings = dict.fromkeys(f"[{_BOXES[state]}] {meaning}" for state, meaning in _MEANINGS.items() if state in there)
    if meanings:
        yield "  " + "   ".join(meanings)


def plain(text: str, length: int) -> str:
    """One line of printable characters, cut to a length."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"
