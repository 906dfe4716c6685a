"""Marks changed in the bytes of a file: one mark a task and not one byte more."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from itertools import accumulate

from msgspec import Struct
from msgspec.structs import replace

import loader
from loader import codes, legends, signs, steps
from loader.model import Diagnostic, MarkPlace, Status, Task, TaskList

_OWN_WORDS = ("table", "yaml", "json")


class Change(Struct, frozen=True):
    """One stretch of bytes to replace; `mark` is then the mark of the task, or of its step of that number."""

    index: int
    place: MarkPlace
    new: bytes
    mark: str
    step: int = -1


class Patched(Struct, frozen=True):
    """The new bytes, the mark now in the file for each task wanted or ticked with its children, and unknown ids.

    `tasks` is what parsing `source` again would give; `changes` are in file order.
    """

    source: bytes
    written: Mapping[str, str]
    missing: tuple[str, ...]
    tasks: TaskList
    changes: tuple[Change, ...]


def patch(
    source: bytes, tasks: TaskList, wanted: Mapping[str, Status], read: Callable[[bytes], TaskList] = loader.parse
) -> Patched:
    """Write the wanted statuses as marks. Where `tasks` is not the parse of `source`, nothing is written.

    A container is ticked with the last of its children. A status for which the file has no mark leaves it as it is, and
    so does every status of an archived task: whatever its mark, its section says that it is completed.
    `read` made `tasks`; it is asked again only where a mark needs a new line, which moves all that is behind it, where
    a cell becomes empty, which has another place for its mark, and where a mark is in the text of another task too.
    """
    if sha256(source).hexdigest() != tasks.sha256:
        return Patched(source, {}, tuple(wanted), tasks, ())
    index = {task.task_id: place for place, task in enumerate(tasks.tasks)}
    statuses = {index[task_id]: status for task_id, status in wanted.items() if task_id in index}
    missing = tuple(task_id for task_id in wanted if task_id not in index)
    _tick_parents(tasks, index, statuses)
    own = _own_marks(tasks.tasks) if any(tasks.tasks[place].carrier in _OWN_WORDS for place in statuses) else {}
    written: dict[str, str] = {}
    changes: list[Change] = []
    for place, status in sorted(statuses.items()):
        task = tasks.tasks[place]
        if task.steps:
            of_steps = _step_changes(place, task, status, tasks)
            changes += of_steps
            written[task.task_id] = of_steps[0].mark if of_steps else task.mark
            continue
        change = _change(place, task, status, tasks.vocabulary, own)
        if change is None:
            written[task.task_id] = task.mark
        else:
            written[task.task_id] = change.mark
            changes.append(change)
    changes.sort(key=lambda change: change.place.start)
    if any(_is_line(change) or _is_blank(change, tasks, source) for change in changes) or _is_quoted(changes, tasks):
        return _read_again(source, tasks, changes, Patched(source, written, missing, tasks, tuple(changes)), read)
    patched = _apply(source, changes)
    return Patched(patched, written, missing, _updated(patched, tasks, changes), tuple(changes))


def with_parents(tasks: TaskList, wanted: Mapping[str, Status]) -> dict[str, Status]:
    """The wanted statuses of known tasks, and of the containers that are completed with them."""
    index = {task.task_id: place for place, task in enumerate(tasks.tasks)}
    statuses = {index[task_id]: status for task_id, status in wanted.items()}
    _tick_parents(tasks, index, statuses)
    return {tasks.tasks[place].task_id: status for place, status in sorted(statuses.items())}


def _is_line(change: Change) -> bool:
    return change.new.endswith((b"\n", b"\r"))


def _is_blank(change: Change, tasks: TaskList, source: bytes) -> bool:
    """Whether it leaves nothing in the cell of a table."""
    is_bare = source[change.place.start - 1 : change.place.start] != b"["
    return change.new == b" " and is_bare and tasks.tasks[change.index].carrier == "table"


def _is_quoted(changes: Iterable[Change], tasks: TaskList) -> bool:
    """Whether one of them is in a YAML block that the text of a task of another kind holds as well."""
    lines = [tasks.tasks[change.index].lines[0] for change in changes if tasks.tasks[change.index].carrier == "yaml"]
    around = [task.lines for task in tasks.tasks if task.carrier != "yaml"] if lines else []
    return any(first < line <= last for first, last in around for line in lines)


def _read_again(
    source: bytes, tasks: TaskList, changes: list[Change], patched: Patched, read: Callable[[bytes], TaskList]
) -> Patched:
    """Changes that move what is around them, read again before they are written: a line read wrong is left out."""
    new = _apply(source, changes)
    after = read(new)
    shown = {task.task_id: task.mark for task in after.tasks}
    asked = {tasks.tasks[change.index].task_id: change.mark for change in changes if _is_line(change)}
    unread = {task_id for task_id, mark in asked.items() if shown.get(task_id) != mark}
    if not unread and shown.keys() == {task.task_id for task in tasks.tasks}:
        return replace(patched, source=new, tasks=after)
    left = [change for change in changes if not _is_line(change)]
    written = {task_id: mark for task_id, mark in patched.written.items() if task_id not in asked}
    rest = _apply(source, left)
    return Patched(rest, written, patched.missing, _updated(rest, tasks, left), tuple(left))


def _tick_parents(tasks: TaskList, index: Mapping[str, int], statuses: dict[int, Status]) -> None:
    """Add the containers whose children are all completed once the wanted statuses are written."""
    changed = [
        place
        for place, status in statuses.items()
        if status is Status.COMPLETED and tasks.tasks[place].parent is not None
    ]
    if not changed:
        return
    children: dict[str, list[int]] = {}
    for place, task in enumerate(tasks.tasks):
        if task.parent is not None:
            children.setdefault(task.parent, []).append(place)
    while changed:
        parent = tasks.tasks[changed.pop()].parent
        if parent is None or index[parent] in statuses or not tasks.tasks[index[parent]].container:
            continue
        if all(statuses.get(child, tasks.tasks[child].status) is Status.COMPLETED for child in children[parent]):
            statuses[index[parent]] = Status.COMPLETED
            changed.append(index[parent])


def _own_marks(tasks: Iterable[Task]) -> dict[tuple[signs.Kind, Status], str]:
    """The marks that tables and fields use already, by kind and what they say; a word nobody knows says nothing."""
    own: dict[tuple[signs.Kind, Status], str] = {}
    for task in tasks:
        if task.carrier not in _OWN_WORDS or not task.mark_place.length or signs.has_aside(task.mark):
            continue
        if status := signs.status_of(task.mark):
            own.setdefault((signs.kind_of(task), status), task.mark)
    return own


def _change(
    index: int,
    task: Task,
    status: Status,
    vocabulary: Mapping[Status, str],
    own: Mapping[tuple[signs.Kind, Status], str],
) -> Change | None:
    if task.status is status or task.archived:
        return None
    kind = signs.kind_of(task)
    if kind == "word" and task.carrier != "table":
        mark: str | None = own.get((kind, status)) or _cased(signs.word(status, task.mark), task.mark)
    else:
        mark = vocabulary.get(status) if kind == "box" else own.get((kind, status), signs.DEFAULTS[kind].get(status))
    if mark is None or mark == task.mark:
        return None
    place = task.mark_place
    if kind in ("word", "truth") and task.carrier != "table" and not (place.length or place.before):
        return None  # no field to write to
    text = mark if place.length else place.before + mark + place.after
    if kind in ("prefix", "letter"):
        text = mark + place.after if mark.strip() else ""
    elif kind == "word" and task.carrier == "table":
        text = mark = _cased(mark, task.mark)
    return Change(index, place, text.encode(), mark if mark.strip() else " ")


def _step_changes(index: int, task: Task, status: Status, tasks: TaskList) -> list[Change]:
    mark = tasks.vocabulary.get(status)
    if task.status is status or task.archived or mark is None:
        return []
    return [
        Change(index, task.steps[place].mark_place, mark.encode(), mark, place)
        for place in steps.due(task, status, tasks.meanings)
    ]


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    if like.istitle() and " " in like:
        return word.title()
    return word.capitalize() if like[:1].isupper() else word


def _apply(source: bytes, changes: Iterable[Change]) -> bytes:
    parts, at = [], 0
    for change in changes:
        parts += [source[at : change.place.start], change.new]
        at = change.place.start + change.place.length
    parts.append(source[at:])
    return b"".join(parts)


def _updated(source: bytes, tasks: TaskList, changes: list[Change]) -> TaskList:
    """The list with new marks, statuses and places: a change of length moves what is behind it."""
    if not changes:
        return tasks
    result = list(tasks.tasks)
    of_steps: dict[int, list[Change]] = {}
    for change in changes:
        if change.step >= 0:
            of_steps.setdefault(change.index, []).append(change)
        else:
            result[change.index] = _remarked(result[change.index], change, tasks.meanings)
    for index, own in of_steps.items():
        result[index] = _stepped(result[index], own, tasks.meanings)
    if any(len(change.new) != change.place.length for change in changes):
        _move(result, tasks.tasks, changes)
    touched = dict(_replaced(tasks.tasks[change.index], change) for change in changes)
    return replace(
        tasks,
        tasks=tuple(result),
        sha256=sha256(source).hexdigest(),
        vocabulary=legends.vocabulary(tasks.meanings, steps.marks(result)),
        diagnostics=tuple(found for found in tasks.diagnostics if not _is_mended(found, touched)),
    )


def _replaced(task: Task, change: Change) -> tuple[int, str]:
    """The line of the mark that is gone, and the mark."""
    if change.step >= 0:
        return task.steps[change.step].line, task.steps[change.step].mark
    return task.lines[0], task.mark


def _stepped(task: Task, changes: Iterable[Change], meanings: Mapping[str, Status]) -> Task:
    """The task with other marks at its steps, in its body too."""
    own = list(task.steps)
    body = task.body.split("\n")
    for change in changes:
        step = own[change.step]
        own[change.step] = replace(step, mark=change.mark, mark_place=replace(change.place, length=len(change.new)))
        if step.body_line >= 0:
            before, box, after = body[step.body_line].partition(f"[{step.mark}]")
            body[step.body_line] = f"{before}[{change.mark}]{after}" if box else before
    mark, status, place = steps.summed(own, meanings)
    return replace(task, mark=mark, status=status, mark_place=place, steps=tuple(own), body="\n".join(body))


def _remarked(task: Task, change: Change, meanings: Mapping[str, Status]) -> Task:
    place = change.place
    if place.before:
        place = MarkPlace(place.start + len(place.before.encode()), len(change.mark.encode()))
    else:
        place = replace(place, length=len(change.new))
    status = signs.status_of(change.mark) or meanings.get(change.mark, Status.PENDING)
    return replace(task, mark=change.mark, status=status, mark_place=place)


def _move(tasks: list[Task], before: Iterable[Task], changes: list[Change]) -> None:
    """Shift the places behind a change of length; `changes` are in file order and none of them touches another."""
    starts = [change.place.start for change in changes]
    moved = list(accumulate((len(change.new) - change.place.length for change in changes), initial=0))

    def shifted(place: MarkPlace, old: MarkPlace) -> MarkPlace:
        by = moved[bisect_left(starts, old.start)]
        return replace(place, start=place.start + by) if by else place

    for index, (task, old) in enumerate(zip(tasks, before, strict=True)):
        place = shifted(task.mark_place, old.mark_place)
        if task.steps:
            own = tuple(
                replace(step, mark_place=shifted(step.mark_place, was.mark_place))
                for step, was in zip(task.steps, old.steps, strict=True)
            )
            tasks[index] = replace(task, mark_place=place, steps=own)
        elif place is not task.mark_place:
            tasks[index] = replace(task, mark_place=place)


def _is_mended(diagnostic: Diagnostic, touched: Mapping[int, str]) -> bool:
    """Whether it complains of a mark that is no longer there."""
    if diagnostic.code != codes.UNKNOWN_MARK.code or diagnostic.line not in touched:
        return False
    return f"'{touched[diagnostic.line]}'" in diagnostic.message
