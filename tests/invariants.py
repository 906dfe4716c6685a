"""What is true of every input of the loader, whatever its bytes: shared by property tests and the fuzzer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

import loader
from loader import as_json, marks
from loader.model import Status, Task, TaskList

WRITABLE = (Status.PENDING, Status.COMPLETED)
_BOX = re.compile(r"(?:[-*+]|[0-9]{1,9}[.)]) \[[ xX]\] \w")
_MAY_HIDE = ("```", "~~~", "<", ">")


def read(data: bytes, name: str = "tasks.md", dialect: str | None = None) -> TaskList:
    """The list these bytes are, once all that must hold of it has been looked at."""
    tasks = loader.parse(data, name=name, dialect=dialect)
    check_shape(data, tasks)
    as_json.as_dict(tasks)
    if name.endswith(".md"):
        check_boxes(data, tasks)
    return tasks


def check_shape(data: bytes, tasks: TaskList) -> None:
    """Ids once each, parents and edges known, places in the file and apart from one another."""
    ids = [task.task_id for task in tasks.tasks]
    known = set(ids)
    assert len(known) == len(ids)
    assert all(task.parent is None or task.parent in known for task in tasks.tasks)
    assert all({edge.task_id, edge.depends_on} <= known for edge in tasks.edges)
    assert all(diagnostic.line >= 1 and diagnostic.column >= 1 for diagnostic in tasks.diagnostics)
    at = 0
    for place, mark in sorted(_places(tasks.tasks), key=lambda each: each[0].start):
        assert at <= place.start <= place.start + place.length <= len(data)
        shown = data[place.start : place.start + place.length].decode().strip()
        assert not place.length or shown == mark.strip()
        at = place.start + place.length


def check_boxes(data: bytes, tasks: TaskList) -> None:
    """Every box that nothing can hide is a task, a step, or named by a diagnostic.

    An oracle that shares no code with the loader: a box without indentation is one for sure, up to the first line that
    could open a fence, a comment or a quote.
    """
    try:
        lines = re.split(r"\r\n|\r|\n", data.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError:
        return
    if lines[0].rstrip() == "---" or "\0" in data.decode() or len(data) > loader.SIZE_MAX:
        return
    named = {diagnostic.line for diagnostic in tasks.diagnostics}
    for task in tasks.tasks:
        if task.carrier == "heading":
            named.update(range(task.lines[0], task.lines[1] + 1))  # the boxes of its body are its steps
            named.update(step.line for step in task.steps)
        else:
            named.add(task.lines[0])
    for number, line in enumerate(lines, 1):
        if any(sign in line for sign in _MAY_HIDE):
            return
        assert number in named or not _BOX.match(line), f"line {number} is lost: {line[:60]!r}"


def check_write_back(data: bytes, name: str, tasks: TaskList, wanted: Mapping[str, Status]) -> bytes:
    """Only the marks of these tasks change; read again, they say what was wanted and all others what they said."""
    read = partial(loader.parse, name=name, dialect=tasks.dialect)
    result = marks.patch(data, tasks, wanted, read)
    at_old = at_new = 0
    for change in result.changes:
        between = change.place.start - at_old
        assert result.source[at_new : at_new + between] == data[at_old : change.place.start]
        at_old, at_new = change.place.start + change.place.length, at_new + between + len(change.new)
    assert result.source[at_new:] == data[at_old:]
    after = read(result.source)
    assert [task.task_id for task in after.tasks] == [task.task_id for task in tasks.tasks]
    for old, foreseen, new in zip(tasks.tasks, result.tasks.tasks, after.tasks, strict=True):
        assert _marked(foreseen) == _marked(new)
        if old.task_id not in result.written:
            assert new.status is old.status, (old, new)
        elif (status := wanted.get(old.task_id)) and result.written[old.task_id] != old.mark:
            assert new.status is status, (old, new)
    return result.source


def chosen(tasks: TaskList, choose: Callable[[int], int]) -> dict[str, Status]:
    """Some of the tasks with a status each; `choose(n)` gives a number below n."""
    return {task.task_id: WRITABLE[choose(2)] for task in tasks.tasks if choose(2)}


def _marked(task: Task) -> tuple[object, ...]:
    return task.task_id, task.mark, task.status, task.mark_place, task.steps, task.body


def _places(tasks: tuple[Task, ...]):
    for task in tasks:
        if task.steps:
            yield from ((step.mark_place, step.mark) for step in task.steps)
        else:
            yield task.mark_place, task.mark
