"""`executor plan`: what would run, in which order and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec import Struct

from executor import selection
from executor.cli import carriers, console, options, verb, wants
from executor.selection import Filters

if TYPE_CHECKING:
    from executor.order import Order
    from executor.urgency import Urgency
    from loader.model import Block, Edge, Task, TaskList

app = verb.verbs()


@verb.verb(app)
def plan(
    file: options.File = None,
    json: options.Json = False,
    only: options.Only = None,
    section: options.Section = None,
    tag: options.Tag = None,
    min_priority: options.MinPriority = None,
    runner: Annotated[str | None, typer.Option("--runner", help="As for `run`.", show_default=False)] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="As for `run`.", show_default=False)] = None,
    labels: options.Labels = None,
    person: options.Person = None,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> None:
    """Show what would run, in which order and why. Needs no database.

    It reads the file alone: what failed, was skipped by a command or is paused is told by `executor status`.

    Example: executor plan tasks.md
    """
    from executor import order
    from executor.operations import files, vetting

    path = files.choose(file)
    reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
    parsed = reading.parse(reading.read())
    vetting.refuse(path, parsed, runner, agent)
    source = _Ways(
        parsed.settings,
        runner,
        agent,
        frozenset(labels or ()),
        person and person.removeprefix("@"),
        console.spelled(path),
    ).of
    with console.listing(path, "graph"):  # needs no database either
        chosen = _chosen(parsed, only or (), Filters(section, tag, min_priority))
    found = order.of(parsed, chosen=chosen)
    if json:
        console.say_json(_as_dict(parsed, found, source))
    else:
        _show(path, parsed, found, source, is_choosy=chosen is not None)


def _chosen(parsed: TaskList, only: Sequence[str], filters: Filters) -> frozenset[str] | None:
    """The ids of what `run` with the same options would be limited to; None for all."""
    if not only and not filters:
        return None
    named = [selection.by_id(parsed.tasks, typed) for typed in only] if only else parsed.tasks
    return frozenset(task.task_id for task in filters.select(named))


def _as_dict(parsed: TaskList, found: Order, source: Callable[[Task], str]) -> dict[str, object]:
    from loader import as_json

    return {
        "title": parsed.title,
        "dialect": parsed.dialect,
        "dialect_reason": parsed.dialect_reason,
        "parts": [as_json.part_as_dict(part) for part in parsed.parts],
        "sequential": parsed.sequential,
        "waves": [[task.task_id for task in wave] for wave in found.waves],
        "critical_path": [task.task_id for task in found.critical],
        "held_up": [
            {"id": task.task_id, "waits_for": [_edge_as_dict(edge) for edge in found.edges[task.task_id]]}
            for task in found.held_up
        ],
        "tasks": [
            {
                "id": task.task_id,
                "wave": number,
                "priority": task.priority,
                "urgency": _urgency(task, found.urgencies.get(task.task_id)),
                "runs": source(task),
                "waits_for": [_edge_as_dict(edge) for edge in found.edges.get(task.task_id, ())],
            }
            for number, wave in enumerate(found.waves, 1)
            for task in wave
        ],
    }


def _edge_as_dict(edge: Edge) -> dict[str, object]:
    return {"id": edge.depends_on, "rule": edge.rule, "file": edge.file, "line": edge.line}


def _urgency(task: Task, urgent: Urgency | None) -> dict[str, object]:
    own: dict[str, object] = {"priority": "P0" if task.rank == 0 else task.priority, "lent_by": None}
    return {"priority": urgent.priority, "lent_by": urgent.lender} if urgent else own


def _show(path: Path, parsed: TaskList, found: Order, source: Callable[[Task], str], *, is_choosy: bool) -> None:
    todo = sum(len(wave) for wave in found.waves)
    over = "" if todo or found.held_up else f": {'what was chosen' if is_choosy else 'all of it'} is done already"
    console.say(f"{console.short_path(path)}: {console.counted(len(parsed.tasks), 'task')}, {todo} to run{over}")
    carriers.show(parsed)
    if parsed.sequential:
        console.say("a sequence: no task names a dependency, so they run in order and a failure stops the rest")
    else:
        console.say("a graph: a failure stops only what depends on it")
    for number, wave in enumerate(found.waves, 1):
        console.say()
        console.say(console.styled(f"wave {number}", "bold"))
        for task in wave:
            console.say(f"  {task.task_id}  {task.priority}  {console.clean(task.title)}")
            urgent = found.urgencies.get(task.task_id)
            if urgent:
                console.say(f"      goes as {urgent.priority}: {urgent.lender} waits for it")
            console.say(f"      {source(task)}")
            _say_edges(found.edges.get(task.task_id, ()))
    if found.held_up:
        console.say()
        console.say(console.styled("cannot run: they wait for what was not chosen", "bold"))
        for task in found.held_up:
            console.say(f"  {task.task_id}  {task.priority}  {console.clean(task.title)}")
            _say_edges(found.edges[task.task_id])
    if len(found.critical) > 1:
        console.say()
        console.say("longest chain: " + " > ".join(task.task_id for task in found.critical))


def _say_edges(edges: Sequence[Edge]) -> None:
    from loader import structure

    for edge in edges:
        console.say(f"      waits for {edge.depends_on}: {structure.explained(edge.rule)} ({_place(edge)})")


def _place(edge: Edge) -> str:
    return f"{edge.file}:{edge.line}" if edge.file else f"line {edge.line}"


class _Ways(Struct, frozen=True):
    """How the tasks of a list are carried out by a worker with these options; `spelled` as in `wants`."""

    of_list: Mapping[str, object]
    runner: str | None
    agent: str | None
    labels: frozenset[str]
    person: str | None
    spelled: str

    def of(self, task: Task) -> str:
        """Where a task's commands come from, and what it waits for that is no task."""
        from executor import sync

        row = sync.row_of(task, runner=self.runner, agent=self.agent, of_list=self.of_list)
        return "; ".join([self._source(task, row), *self._waits(task, row)])

    def _source(self, task: Task, row: Mapping[str, Any]) -> str:
        line = f"{task.file}:" if task.file else "line "
        match row["runner"]:
            case "container":
                return f"{line}{task.lines[0]}: completed with the last of its children"
            case "manual":
                done = wants.command("work", task.task_id, self.spelled)
                gives = f"; `runner: agent` below it gives it to {task.agent}" if task.agent else ""
                return f"{line}{task.lines[0]}: waits for a person (`{done}`){gives}"
            case "agent":
                checks = sum(block.role == "verify" for block in task.blocks)
                checked = f", then {console.counted(checks, 'check')}" if checks else ""
                return f"{line}{task.lines[0]}: given to {row['agent']}{checked}"
            case _:
                blocks = [block for block in task.blocks if block.role in ("run", "verify")]
                return ", ".join(
                    f"{line}{block.line}: {'checks' if block.role == 'verify' else 'runs'} {block.language}"
                    f"{_inside(block, {**self.of_list, **task.settings})}"
                    for block in blocks
                )

    def _waits(self, task: Task, row: Mapping[str, Any]) -> Iterator[str]:
        from executor import gate, sync

        if row["hold"] == sync.BLOCKED:
            yield "waits, marked as blocked in the file: change its mark there"
        elif row["hold"] == sync.PERSON and row["runner"] != "manual":
            yield f"waits for an approval before (`{wants.command('approval', task.task_id, self.spelled)}`)"
        if gate.is_reviewed(row["runner"], {"settings": task.settings}):
            yield f"waits for an approval after (`{wants.command('approval', task.task_id, self.spelled)}`)"
        if row["runner"] == "manual":
            return  # no worker takes it up
        if missing := [name for name in row["needs"] if name not in self.labels]:
            yield f"only on a worker with {' '.join(f'--label {name}' for name in missing)}"
        if self.person is not None and task.assignee not in (None, self.person):
            yield f"left to @{task.assignee}"


def _inside(block: Block, settings: Mapping[str, object]) -> str:
    from executor.runners import languages

    image = block.attributes.get("container") or settings.get("container") or "none"
    return "" if image == "none" or languages.is_sql(block.language, settings) else f" in {image}"
