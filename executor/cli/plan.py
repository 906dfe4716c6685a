"""`executor plan`: what would run, in which order and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from executor import selection
from executor.cli import carriers, console, options, verb
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
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> None:
    """Show what would run, in which order and why. Needs no database.

    Example: executor plan tasks.md
    """
    from executor import order
    from executor.operations import files, vetting

    path = files.choose(file)
    reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
    parsed = reading.parse(reading.read())
    vetting.refuse(path, parsed, runner, agent)
    source = partial(_source, of_list=parsed.settings, runner=runner, agent=agent)
    chosen = _chosen(parsed, only or (), Filters(section, tag, min_priority))
    found = order.of(parsed, chosen=chosen)
    if json:
        console.say_json(_as_dict(parsed, found, source))
    else:
        _show(path, parsed, found, source)


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


def _show(path: Path, parsed: TaskList, found: Order, source: Callable[[Task], str]) -> None:
    todo = sum(len(wave) for wave in found.waves)
    console.say(f"{console.short_path(path)}: {console.counted(len(parsed.tasks), 'task')}, {todo} to run")
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


def _source(task: Task, *, of_list: Mapping[str, object], runner: str | None, agent: str | None) -> str:
    """Where a task's commands come from."""
    from executor import sync

    line = f"{task.file}:" if task.file else "line "
    match sync.runner_of(task, runner, agent=agent, of_list=of_list):
        case "container":
            return f"{line}{task.lines[0]}: completed with the last of its children"
        case "manual":
            gives = f"; `runner: agent` below it gives it to {task.agent}" if task.agent else ""
            return f"{line}{task.lines[0]}: waits for a person (`executor done {task.task_id}`){gives}"
        case "agent":
            checks = sum(block.role == "verify" for block in task.blocks)
            checked = f", then {console.counted(checks, 'check')}" if checks else ""
            return f"{line}{task.lines[0]}: given to {sync.agent_of(task, agent, of_list)}{checked}"
        case _:
            blocks = [block for block in task.blocks if block.role in ("run", "verify")]
            return ", ".join(
                f"{line}{block.line}: {'checks' if block.role == 'verify' else 'runs'} {block.language}"
                f"{_inside(block, {**of_list, **task.settings})}"
                for block in blocks
            )


def _inside(block: Block, settings: Mapping[str, object]) -> str:
    from executor.runners import languages

    image = block.attributes.get("container") or settings.get("container") or "none"
    return "" if image == "none" or languages.is_sql(block.language, settings) else f" in {image}"
