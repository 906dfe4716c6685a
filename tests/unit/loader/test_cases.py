"""Golden cases: what `tests/unit/cases/*.md` say of each dialect is what the loader reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import loader
from loader.model import TaskList

CASES = Path(__file__).parents[1] / "cases"
_CASE = re.compile(r"^## (.+?)\n+`{5}\S*(?: name=(\S+))?\n(.*?)^`{5}\n+`{5}text\n(.*?)^`{5}$", re.MULTILINE | re.DOTALL)


def shown(tasks: TaskList) -> str:
    """A list in the spelling of the cases: dialect, tasks, edges, diagnostics."""
    lines = [f"dialect {tasks.dialect}"]
    for task in tasks.tasks:
        marks = [word for word, is_so in (("parallel", task.parallel), ("optional", task.optional)) if is_so]
        marks += [f"steps={len(task.steps)}"] if task.steps else []
        marks += [f"in={task.parent}"] if task.parent else []
        marks += [f"@{task.assignee}"] if task.assignee else []
        marks += [f"#{tag}" for tag in task.tags]
        marks += [f"{block.role}:{block.language}" for block in task.blocks]
        name = task.task_id if task.explicit_id else "-"
        facts = " ".join([task.status, task.priority, *marks])
        lines.append(f"{name} | {task.title} | {facts}")
    titles = {task.task_id: task.task_id if task.explicit_id else task.title for task in tasks.tasks}
    lines += [
        f"edge {titles[edge.task_id]} <- {titles[edge.depends_on]} ({edge.rule}, line {edge.line})"
        for edge in tasks.edges
    ]
    lines += [f"{found.code} line {found.line}" for found in tasks.diagnostics]
    return "\n".join(lines) + "\n"


def cases() -> Iterator[tuple[str, str, str, str]]:
    for path in sorted(CASES.glob("*.md")):
        for match in _CASE.finditer(path.read_text(encoding="utf-8")):
            yield f"{path.stem}: {match[1]}", match[2] or "tasks.md", match[3], match[4]


ALL = list(cases())


@pytest.mark.parametrize(("name", "source", "expected"), [case[1:] for case in ALL], ids=[case[0] for case in ALL])
def test_the_case_is_read_as_it_says(name: str, source: str, expected: str) -> None:
    assert shown(loader.parse(source.encode(), name=name)) == expected


def test_every_case_of_the_files_is_found() -> None:
    headings = sum(path.read_text(encoding="utf-8").count("\n`````text\n") for path in CASES.glob("*.md"))
    assert len(ALL) == headings > 100
