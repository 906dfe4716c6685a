"""Ids and settings written into a list that has none, and not one other byte changed.

label:   behind each title without an id the key it has anyway, as a comment: whoever knows the task knows it still
preface: our front matter, with the dialect named where it would be taken for another one
Both are looked at again before anybody writes them: what would read otherwise is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field

from loader import source as sources
from loader.model import Task, TaskList
from loader.source import Source

Read = Callable[[bytes], TaskList]

_PLACES = {
    "table": "a row shows its id in a column of its own: add one named ID",
    "yaml": "a YAML block shows its id in its field `id:`",
    "file": "a file that is a task shows its id in its front matter",
    "json": "JSON shows an id in its field `id`",
}
_OTHERWISE = "with a comment behind its title the list would read otherwise: write `<!-- id: {} -->` by hand"
_NAMELESS = ("plain", "native")


class Labelled(Struct, frozen=True):
    """The new bytes; `added` are ids with the line (from 1) they go to, `refused` ids that fit nowhere, and why."""

    source: bytes
    added: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def label(data: bytes, tasks: TaskList, read: Read) -> Labelled:
    """Give every task of a list without errors an id to see. `read` made `tasks` of `data`."""
    refused = {task.task_id: _PLACES[task.carrier] for task in tasks.tasks if _lacks(task) and task.carrier in _PLACES}
    wanted = [task for task in tasks.tasks if _lacks(task) and task.carrier not in _PLACES]
    text = sources.decode(data)
    while wanted:
        new = _inserted(text, wanted)
        wrong = _differing(tasks.tasks, read(new).tasks, {task.task_id for task in wanted})
        if not wrong:
            return Labelled(new, {task.task_id: task.lines[0] for task in wanted}, refused)
        # What stands beside a wrong one may be right by itself; one that spoils others goes with them.
        left = [task for task in wanted if task.task_id not in wrong]
        dropped = [task for task in wanted if task.task_id in wrong] if left != wanted else wanted
        refused |= {task.task_id: _OTHERWISE.format(task.task_id) for task in dropped}
        wanted = left if left != wanted else []
    return Labelled(data, {}, refused)


def preface(data: bytes, tasks: TaskList, read: Read) -> bytes | None:
    """The list with `executor:` in its front matter; None where that cannot be without reading it otherwise."""
    text = sources.decode(data)
    given = "jobs: 1" if tasks.dialect in _NAMELESS else f"jobs: 1, dialect: {tasks.dialect}"
    end = _line_end(text)
    for at, lines in _prefaces(text, f"executor: {{{given}}}"):
        new = data[:at] + "".join(f"{line}{end}" for line in lines).encode() + data[at:]
        after = read(new)
        is_read = not after.errors and after.settings.get("jobs") == 1 and after.title == tasks.title
        if is_read and [_facts(task) for task in after.tasks] == [_facts(task) for task in tasks.tasks]:
            return new
    return None


def _prefaces(text: Source, setting: str) -> Iterable[tuple[int, Sequence[str]]]:
    """Where it may go: into front matter that is there, else in front of all."""
    if text.lines and text.lines[0].rstrip() == "---" and len(text.lines) > 1:
        yield text.starts[1], [setting]
    yield text.starts[0], ["---", setting, "---"]


def _lacks(task: Task) -> bool:
    return not task.explicit_id


def _inserted(text: Source, wanted: Iterable[Task]) -> bytes:
    parts, at = [], 0
    for task in sorted(wanted, key=lambda task: task.lines):
        line = task.lines[0] - 1
        here = text.offset(line, len(text.lines[line].rstrip()))
        note = f" id:{task.task_id}" if task.carrier == "todo.txt" else f" <!-- id: {task.task_id} -->"
        parts += [text.data[at:here], note.encode()]
        at = here
    parts.append(text.data[at:])
    return b"".join(parts)


def _differing(before: Sequence[Task], after: Sequence[Task], labelled: set[str]) -> set[str]:
    """The ids of tasks that are not what they were, or do not show their id."""
    if len(before) != len(after):
        kept = {task.task_id for task in after if task.explicit_id}
        return {task.task_id for task in before if task.task_id not in kept}
    return {
        old.task_id
        for old, new in zip(before, after, strict=True)
        if _facts(old) != _facts(new) or new.explicit_id != (old.explicit_id or old.task_id in labelled)
    }


def _facts(task: Task) -> tuple[object, ...]:
    """What must stay as it was."""
    of_run = (task.task_id, task.title, task.fingerprint, task.status, task.priority, task.container, task.blocks == ())
    return (*of_run, task.parent, task.dependencies, task.section, task.assignee, task.agent, task.tags)


def _line_end(text: Source) -> str:
    first = text.data.find(b"\n")
    return "\r\n" if first > 0 and text.data[first - 1 : first] == b"\r" else "\n"
