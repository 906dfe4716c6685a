"""What must change for the queue to agree with the file, and the file with the queue: a pure comparison.

A mark has three sides: what the file shows, what the queue knows, and the base, which is the mark last seen or written
by us. File and base differ: a person edited it, and a person's word wins. File and base agree: the queue's state is the
newer one, and a mark the file lacks is due to be written (`tasks.marks_due`).
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from executor import gate, urgency
from executor.model import Known
from executor.states import TaskStatus
from executor.urgency import Urgency
from loader import durations, identity
from loader.model import Status, Task, TaskList

PERSON = "person"
BLOCKED = "blocked"
_BY_MARK = {Status.COMPLETED: TaskStatus.COMPLETED, Status.SKIPPED: TaskStatus.SKIPPED}
_COMPARED = (
    "parent",
    "title",
    "section",
    "priority",
    "file_rank",
    "own_rank",
    "rank",
    "position",
    "dependencies",
    "assignee",
    "agent",
    "runner",
    "hold",
    "fingerprint",
    "tags",
    "needs",
    "keys",
    "places",
)
_DERIVED = frozenset(("position", "rank"))  # what stands elsewhere in the file changes these


class SyncPlan(Struct):
    """Everything one sync does, in the order it is applied. Ids are task ids of the file, numbers are queue ids."""

    renames: list[tuple[str, str]] = field(default_factory=list)
    adds: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    removes: list[int] = field(default_factory=list)
    edges: list[tuple[str, str, str]] = field(default_factory=list)
    completes: list[int] = field(default_factory=list)  # ticked by hand
    skips: list[int] = field(default_factory=list)  # marked as skipped by hand
    unticked: list[int] = field(default_factory=list)
    edited: list[int] = field(default_factory=list)  # queued again because their text changed
    marks: list[tuple[str, str]] = field(default_factory=list)  # new bases: task id and status word
    overtaken: list[str] = field(default_factory=list)  # ticked by us just before a save that did not know of it
    again: list[int] = field(default_factory=list)  # they run, and are to run again as their text is now
    returned: int = 0
    restored: int = 0  # tasks a new queue takes as completed from the marks of the file

    def summary(self) -> dict[str, int]:
        """What changed, in numbers, for the event and the screen; zeros are left out."""
        numbers = {
            "added": len(self.adds),
            "changed": sum(1 for change in self.changes if _is_news(change["what"])),
            "renamed": len(self.renames),
            "removed": len(self.removes),
            "returned": self.returned,
            "ticked": len(self.completes),
            "unticked": len(self.unticked),
            "skipped": len(self.skips),
            "requeued": len(self.edited),
        }
        return {name: number for name, number in numbers.items() if number}


def plan(
    known: Sequence[Known],
    tasks: TaskList,
    *,
    runner: str | None = None,
    agent: str | None = None,
    rerun_changed: bool = False,
    just_marked: Sequence[frozenset[str]] = (),
) -> SyncPlan:
    """Compare a queue with a file. `runner` overrides what tasks with something to run would use, `agent` their agents.

    `just_marked` are the tasks that we ticked a moment before the file was saved, one set for each write. A save that
    was made of what stood there before shows them open again, but for boxes its author happened to tick himself, beside
    what he changed: that is no word of a person, and they stay completed. Emptied boxes that are all a save changes are
    meant.
    """
    made = _plan(known, tasks, (runner, agent), frozenset(), rerun_changed=rerun_changed)
    if overtaken := _overtaken(made, known, tasks, just_marked):
        return _plan(known, tasks, (runner, agent), overtaken, rerun_changed=rerun_changed)
    return made


def _overtaken(
    made: SyncPlan, known: Sequence[Known], tasks: TaskList, just_marked: Sequence[frozenset[str]]
) -> frozenset[str]:
    if not just_marked or not made.unticked:
        return frozenset()
    there = {task.task_id for task in tasks.tasks}
    queue_ids = set(made.unticked)
    unticked = {row.task_id for row in known if row.queue_id in queue_ids}
    unknown = [ticks for ticks in just_marked if 2 * len(ticks & unticked) > len(ticks & there)]
    overtaken = frozenset().union(*unknown)
    is_all = unticked <= overtaken and not made.changes and made.summary().keys() == {"unticked"}
    return frozenset() if is_all else overtaken


def _plan(
    known: Sequence[Known],
    tasks: TaskList,
    chosen: tuple[str | None, str | None],
    kept: frozenset[str],
    *,
    rerun_changed: bool,
) -> SyncPlan:
    """As `plan`, `chosen` a runner and an agent; the boxes of `kept` are not read."""
    runner, agent = chosen
    made = SyncPlan(edges=[(edge.task_id, edge.depends_on, edge.rule) for edge in tasks.edges])
    by_id = {row.task_id: row for row in known}
    matches = identity.match([_identity(row) for row in known], tasks.tasks)
    before = {new: by_id[old] for new, old in (*matches.same.items(), *matches.renamed.items())}
    for task in tasks.tasks:
        if task.task_id in before:
            _merge(made, before[task.task_id], task, kept, rerun_changed=rerun_changed)
    said = {task.task_id: task.rank for task in tasks.tasks if _stands(before.get(task.task_id), task)}
    tasks = _prioritized(tasks, said, before)
    urgencies = urgency.of(tasks, _met(made, before, tasks.tasks))
    for task in tasks.tasks:
        old = before.get(task.task_id)
        row = row_of(task, urgencies.get(task.task_id), runner=runner, agent=agent, of_list=tasks.settings)
        row["file_rank"] = said.get(task.task_id)
        if old is None:
            row["spec"] = spec_of(task)
            made.adds.append(row)
            continue
        if old.task_id != task.task_id:
            made.renames.append((old.task_id, task.task_id))
        _compare(made, old, task, row, rerun_changed=rerun_changed)
    made.removes = [by_id[old_id].queue_id for old_id in matches.removed if not by_id[old_id].removed]
    if not known:
        made.restored = sum(1 for row in made.adds if row["status"] == TaskStatus.COMPLETED)
    return made


def row_of(
    task: Task,
    urgent: Urgency | None = None,
    *,
    runner: str | None = None,
    agent: str | None = None,
    of_list: Mapping[str, object] = MappingProxyType({}),
) -> dict[str, Any]:
    """The columns of a task as the file tells them, but for `spec`, which only what is new or changed needs.

    `urgent` where other tasks have a say in its place.
    """
    chosen = runner_of(task, runner, agent=agent, of_list=of_list)
    keys = keys_of(task, of_list)
    return {
        "task_id": task.task_id,
        "parent": task.parent,
        "title": task.title,
        "description": task.body,
        "section": list(task.section),
        "priority": task.priority,
        "file_rank": None,
        "own_rank": task.rank,
        "rank": urgent.rank if urgent else task.rank,
        "position": task.position,
        "dependencies": list(task.dependencies),
        "assignee": task.assignee,
        "agent": agent_of(task, agent, of_list) if chosen == "agent" else task.agent,
        "runner": chosen,
        "hold": _hold(task, chosen),
        "needs": _needs(task, of_list),
        "keys": list(keys),
        "places": list(keys.values()),
        "fingerprint": task.fingerprint,
        "tags": list(task.tags),
        "mark": task.status.value,
        "status": _BY_MARK.get(task.status, TaskStatus.QUEUED).value,
    }


def runner_of(
    task: Task,
    runner: str | None = None,
    *,
    agent: str | None = None,
    of_list: Mapping[str, object] = MappingProxyType({}),
) -> str:
    """How a task is carried out: a container by itself, one with run blocks by their languages, others by a person.

    An agent does what is given to the agent runner, and where the list or the command line names one, also what would
    wait for a person.
    """
    if task.container:
        return "container"
    wanted = task.settings.get("runner") or runner or of_list.get("runner")
    if wanted == "manual":
        return "manual"
    if "migrate" in task.settings:
        return "migrate"
    if wanted == "agent":
        return "agent"
    running = [block for block in task.blocks if block.role in ("run", "verify")]
    if not any(block.role == "run" for block in running) and "python" not in task.settings:
        is_given = bool(agent or of_list.get("agent") or _by_prefix(task, of_list))
        return "agent" if wanted is None and is_given else "manual"
    return "sql" if any(block.language == "sql" for block in running) else "shell"


def agent_of(task: Task, agent: str | None, of_list: Mapping[str, object]) -> str | None:
    """Which agent: the command line's, else the task's own, else by the beginning of its id, else the list's."""
    return agent or task.agent or _by_prefix(task, of_list) or str(of_list.get("agent") or "") or None


def _by_prefix(task: Task, of_list: Mapping[str, object]) -> str | None:
    """`DOC` is the beginning of `DOC-001` and of `DOC1`, not of `DOCS-001`; the longest one counts."""
    named: Any = of_list.get("agents") or {}
    fitting = [
        prefix
        for prefix in named
        if task.task_id.startswith(prefix) and not task.task_id[len(prefix) : len(prefix) + 1].isalpha()
    ]
    return str(named[max(fitting, key=len)]) if fitting else None


def keys_of(task: Task, of_list: Mapping[str, object]) -> dict[str, int]:
    """What a task holds while it runs, and how many runs may hold each: `lock` is for one alone."""
    defaults: Any = of_list.get("limits") or {}
    limits: Any = task.settings.get("limit") or {}
    locks: Any = task.settings.get("lock") or ()
    held = {name: number or defaults.get(name) or 1 for name, number in limits.items()}
    return held | dict.fromkeys(locks, 1)


def _needs(task: Task, of_list: Mapping[str, object]) -> list[str]:
    """The labels a worker must have. What nothing runs, needs nothing."""
    needs: Any = () if task.container else task.settings.get("needs", of_list.get("needs", ()))
    return sorted(set(needs))


def spec_of(task: Task) -> dict[str, Any]:
    """What a run needs to know of a task, as JSON. No line numbers: text above a task may grow while it waits."""
    return {
        "blocks": [
            {
                "language": block.language,
                "role": block.role,
                "attributes": _attributes(block.attributes),
                "content": block.content,
            }
            for block in task.blocks
            if block.role in ("run", "verify")
        ],
        "settings": plain(task.settings),
        "optional": task.optional,
        "parallel": task.parallel,
        "explicit_id": task.explicit_id,
    }


def _attributes(attributes: Mapping[str, str]) -> dict[str, Any]:
    """As written, but the timeout in seconds: its unit is the loader's business."""
    read = dict[str, Any](attributes)
    if "timeout" in read:
        read["timeout"] = durations.read(read["timeout"]).total_seconds()
    return read


def _hold(task: Task, runner: str) -> str | None:
    """Why a task does not start by itself, if it does not."""
    if task.status is Status.BLOCKED:
        return BLOCKED
    return PERSON if runner == "manual" or "approval" in gate.moments(task.settings) else None


def plain(settings: Mapping[str, object]) -> dict[str, Any]:
    """Settings as JSON: a duration in seconds."""
    return {key: value.total_seconds() if isinstance(value, timedelta) else value for key, value in settings.items()}


def _identity(row: Known) -> identity.Known:
    return identity.Known(
        task_id=row.task_id,
        title=row.title,
        body=row.description,
        parent=row.parent,
        section=tuple(row.section),
        explicit_id=row.explicit_id,
        removed=row.removed,
    )


def _compare(made: SyncPlan, row: Known, task: Task, new: dict[str, Any], *, rerun_changed: bool) -> None:
    what = [name for name in _COMPARED if _value(row, name) != new[name]]
    if row.explicit_id != task.explicit_id:
        what.append("explicit_id")  # `id --write` has shown the key that the task has had all along
    if rerun_changed and row.status == TaskStatus.RUNNING and row.fingerprint != new["fingerprint"]:
        new["fingerprint"] = row.fingerprint  # so that the sync after its end finds it changed
        made.again.append(row.queue_id)
    if what or row.removed:
        made.changes.append(new | {"queue_id": row.queue_id, "spec": spec_of(task), "what": what})
    made.returned += row.removed


def _merge(made: SyncPlan, row: Known, task: Task, kept: frozenset[str], *, rerun_changed: bool) -> None:
    """What a person's edits of the mark and of the text ask of a task."""
    status = TaskStatus(row.status)
    if row.mark != task.status:
        made.marks.append((task.task_id, task.status.value))
    if row.mark != task.status and task.task_id in kept:
        made.overtaken.append(task.task_id)
    elif row.mark != task.status:
        _merge_edit(made, row.queue_id, status, Status(row.mark), task.status)
    if row.fingerprint == task.fingerprint:
        return
    again = {TaskStatus.COMPLETED} if rerun_changed else set[TaskStatus]()
    if task.status is not Status.COMPLETED:
        again |= {TaskStatus.FAILED} if task.status is Status.SKIPPED else {TaskStatus.FAILED, TaskStatus.SKIPPED}
    if status in again:
        made.edited.append(row.queue_id)


def _stands(row: Known | None, task: Task) -> bool:
    """Did a person give this task another priority than the file, which says the same as it did then?"""
    return row is not None and row.file_rank is not None and row.file_rank == task.rank


def _prioritized(tasks: TaskList, said: Collection[str], before: Mapping[str, Known]) -> TaskList:
    """The list with the priorities that people gave these tasks."""
    if not said:
        return tasks
    return replace(
        tasks,
        tasks=tuple(
            replace(task, rank=before[task.task_id].own_rank, priority=before[task.task_id].priority)
            if task.task_id in said
            else task
            for task in tasks.tasks
        ),
    )


def _met(made: SyncPlan, before: Mapping[str, Known], tasks: Iterable[Task]) -> frozenset[str]:
    """The tasks that are done with once this plan is applied: the queue's word, but for what people just changed."""
    over, again = {*made.completes, *made.skips}, {*made.unticked, *made.edited}
    met = []
    for task in tasks:
        row = before.get(task.task_id)
        if row is None:
            is_met = task.status in _BY_MARK
        else:
            is_met = row.queue_id in over or (row.met and row.queue_id not in again)
        if is_met:
            met.append(task.task_id)
    return frozenset(met)


def _is_news(what: Sequence[str]) -> bool:
    return not what or not _DERIVED.issuperset(what)


def _value(row: Known, name: str) -> object:
    value = getattr(row, name)
    return list(value) if name in ("section", "dependencies", "tags", "needs", "keys", "places") else value


def _merge_edit(made: SyncPlan, queue_id: int, status: TaskStatus, base: Status, shown: Status) -> None:
    """A person changed the mark since we last saw or wrote it. What is running goes on: its end decides."""
    over = {TaskStatus.COMPLETED, TaskStatus.SKIPPED, TaskStatus.FAILED}
    if shown is Status.COMPLETED and status not in (TaskStatus.COMPLETED, TaskStatus.RUNNING):
        made.completes.append(queue_id)
    elif shown is Status.SKIPPED and status in (TaskStatus.QUEUED, TaskStatus.FAILED):
        made.skips.append(queue_id)
    elif shown is Status.PENDING and base in (Status.COMPLETED, Status.SKIPPED) and status in over:
        made.unticked.append(queue_id)


def unknown_languages(tasks: Iterable[Task], languages: Container[str]) -> list[tuple[Task, str, int]]:
    """Run and verify blocks that no configured language can run: the task, the language and the line of the fence."""
    return [
        (task, block.language, block.line)
        for task in tasks
        for block in task.blocks
        if block.role in ("run", "verify") and block.language not in languages
    ]
