"""A graph in Graphviz's language, and the picture that Graphviz makes of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from executor.cli.graphs.picture import Picture
from executor.cli.graphs.text import plain
from executor.errors import ExecutorError
from loader.structure import STRUCTURAL

_TITLE_MAX = 80
_FILLS = {
    "completed": "#d3f0d7",
    "running": "#cfe4ff",
    "in_progress": "#cfe4ff",
    "failed": "#ffd6d6",
    "blocked": "#ffd6d6",
    "skipped": "#eeeeee",
    "waiting": "#fff3cd",
    "queued": "#ffffff",
}


def draw(picture: Picture) -> Iterator[str]:
    """The lines of the graph. Nodes are named by their place; rules and lines are the tooltips of edges."""
    yield f"digraph {quoted(picture.title or picture.name)} {{"
    yield '  node [shape=box, style="rounded,filled", fontname="Helvetica"];'
    critical, steps = frozenset(picture.critical), picture.steps()
    node = {task.task_id: f"t{task.position}" for task in picture.tasks}
    for task in picture.tasks:
        state = picture.states[task.task_id]
        label = "\\n".join(_escaped(plain(part, _TITLE_MAX)) for part in (task.task_id, task.title) if part)
        told = f"{task.priority}, {state.replace('_', ' ')}, line {task.lines[0]}"
        wide = ", penwidth=3" if task.task_id in critical else ""
        yield f'  {node[task.task_id]} [label="{label}", tooltip={quoted(told)}, fillcolor="{_FILLS[state]}"{wide}];'
    for edge in picture.edges:
        styles = [f"tooltip={quoted(f'{edge.rule}, line {edge.line}')}"]
        styles += ["style=dashed"] if edge.rule in STRUCTURAL else []
        styles += ["penwidth=3"] if (edge.depends_on, edge.task_id) in steps else []
        yield f"  {node[edge.depends_on]} -> {node[edge.task_id]} [{', '.join(styles)}];"
    yield "}"


def quoted(text: str) -> str:
    """Text as a quoted string of the language."""
    return f'"{_escaped(plain(text, _TITLE_MAX))}"'


def _escaped(text: str) -> str:
    """A backslash begins an escape there, and an ampersand an entity."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def svg(graph: bytes) -> bytes:
    """The picture of a graph. Raises ExecutorError where Graphviz is missing or gives up."""
    program = shutil.which("dot")
    if program is None:
        raise ExecutorError(
            "Graphviz is not installed: there is no `dot` on the PATH",
            hint="install it (`apt install graphviz`, `brew install graphviz`), or use --format mermaid or dot",
        )
    drawn = subprocess.run([program, "-Tsvg"], input=graph, capture_output=True, check=False)
    if drawn.returncode:
        told = drawn.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise ExecutorError(f"`dot` ended with {drawn.returncode}: {told}", hint="look at it with --format dot")
    return drawn.stdout
