"""A graph as a Mermaid flow chart, which forges and editors draw inside Markdown; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from executor.cli.graphs.picture import Picture
from executor.cli.graphs.text import plain
from loader.structure import STRUCTURAL

EDGES_MAX = 500  # Mermaid's own limits, unless a page is configured otherwise
LENGTH_MAX = 50_000

_TITLE_MAX = 80
_CLASSES = {
    "completed": "fill:#d3f0d7,stroke:#2e7d32,color:#1b3a1e",
    "running": "fill:#cfe4ff,stroke:#1565c0,color:#0b2a4a",
    "in_progress": "fill:#cfe4ff,stroke:#1565c0,color:#0b2a4a",
    "failed": "fill:#ffd6d6,stroke:#c62828,color:#4a0d0d",
    "blocked": "fill:#ffd6d6,stroke:#c62828,color:#4a0d0d",
    "skipped": "fill:#eeeeee,stroke:#9e9e9e,color:#555555",
    "waiting": "fill:#fff3cd,stroke:#b8860b,color:#4a3800",
    "queued": "fill:#ffffff,stroke:#666666,color:#222222",
}
# What may stand in a quoted label as it is; all else could be Markdown, HTML, an entity or a directive there.
_SPECIAL = re.compile(r"(?<=\w)[-_.](?=\w)|[^\W_]|[ ,:()/]|(.)")


def draw(picture: Picture) -> Iterator[str]:
    """The lines of the chart. Nodes are named by their place, so that any text can be an id."""
    yield "flowchart TD"
    node = {task.task_id: f"t{task.position}" for task in picture.tasks}
    for task in picture.tasks:
        label = f"{escaped(task.task_id)}<br>{escaped(task.title)}" if task.title else escaped(task.task_id)
        yield f'  {node[task.task_id]}["{label}"]:::{picture.states[task.task_id]}'
    steps = picture.steps()
    thick = []
    for number, edge in enumerate(picture.edges):
        arrow = "-.->" if edge.rule in STRUCTURAL else "-->"
        yield f"  {node[edge.depends_on]} {arrow} {node[edge.task_id]}"
        yield f"  %% {plain(edge.rule, _TITLE_MAX)}, line {edge.line}"
        if (edge.depends_on, edge.task_id) in steps:
            thick.append(str(number))
    if thick:
        yield f"  linkStyle {','.join(thick)} stroke-width:4px"
    for state in dict.fromkeys(picture.states.values()):
        yield f"  classDef {state} {_CLASSES[state]}"


def escaped(text: str) -> str:
    """Text for a quoted label: letters, digits and harmless punctuation stay, all else becomes a numeric entity."""
    return _SPECIAL.sub(lambda match: f"#{ord(match[1])};" if match[1] else match[0], plain(text, _TITLE_MAX))
