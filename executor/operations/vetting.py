"""What keeps a list from running: errors in the file, and what is right in it but nothing here can carry out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from executor import settings, sync
from executor.errors import UnreadableList
from executor.operations import files
from executor.runners import languages
from loader import codes
from loader.codes import Code
from loader.model import Diagnostic, Severity, Task, TaskList

NO_COMMAND = Code(
    "E101",
    "No command is known for the language of a block that is to run.",
    "no command for a block in '{language}'",
    "mark the block `no-run`, or name a command: `executor: {{languages: {{{language}: COMMAND}}}}`",
)
NO_RUNNER = Code(
    "E102",
    "A `runner:` that this version does not have.",
    "no runner '{name}' in this version",
    "use `runner: shell`, `runner: sql`, `runner: agent` or `runner: manual`",
)
UNREADABLE = Code("E103", "A file cannot be read.", "{problem}", "{hint}")
NO_AGENT = Code(
    "E104",
    "A task is for an agent, and none is named.",
    "no agent is named for task {task}",
    "name one: `--agent claude`, `agent: claude` below the task, or `executor: {{agent: claude}}`",
)
UNKNOWN_AGENT = Code(
    "E105",
    "An agent that nobody knows.",
    "{problem}",
    "see those there are with `executor agents`, or describe it in executor.toml as [agents.{name}]",
)
TABLE = (NO_COMMAND, NO_RUNNER, UNREADABLE, NO_AGENT, UNKNOWN_AGENT)


def refuse(path: Path, parsed: TaskList, runner: str | None = None, agent: str | None = None) -> None:
    """Raise UnreadableList for a file with errors, also those that only a run would meet."""
    _refuse(
        path, parsed, [*parsed.errors, *unrunnable(parsed, runner, agent), *_agentless(path, parsed, runner, agent)]
    )


def refuse_errors(path: Path, parsed: TaskList) -> None:
    """Raise UnreadableList for a file with errors that keep it from being read as its author meant it."""
    _refuse(path, parsed, parsed.errors)


def _refuse(path: Path, parsed: TaskList, found: Sequence[Diagnostic]) -> None:
    if found:
        number = f"{len(found)} errors" if len(found) > 1 else "an error"
        raise UnreadableList(
            f"{path} has {number}; nothing was changed",
            hint=f"mend the file, then see what is left with `executor check {files.typed(path)}`",
            path=path,
            diagnostics=[*(one for one in parsed.diagnostics if one.severity is not Severity.ERROR), *found],
        )


def unrunnable(parsed: TaskList, runner: str | None = None, agent: str | None = None) -> list[Diagnostic]:
    """What is right in the file but cannot be carried out by this program: errors before a run, not in a parse."""
    found = [
        replace(codes.diagnose(NO_COMMAND, line, language=language), file=task.file)
        for task, language, line in sync.unknown_languages(
            _with_blocks_to_run(parsed, runner, agent),
            {*languages.known(parsed.settings), "sql"},
        )
    ]
    asked = [
        (parsed.settings.get("runner"), 1, ""),
        *((task.settings.get("runner"), task.lines[0], task.file) for task in parsed.tasks),
    ]
    found += [
        replace(codes.diagnose(NO_RUNNER, line, name=name), file=file)
        for name, line, file in asked
        if name not in (None, "shell", "sql", "agent", "manual")
    ]
    return found


def _with_blocks_to_run(parsed: TaskList, runner: str | None, agent: str | None) -> Iterator[Task]:
    """Tasks with the blocks that the program itself runs: of an agent's tasks the checks alone."""
    for task in parsed.tasks:
        chosen = sync.runner_of(task, runner, agent=agent, of_list=parsed.settings)
        if chosen == "agent":
            yield replace(task, blocks=tuple(block for block in task.blocks if block.role == "verify"))
        elif chosen != "manual":
            yield task


def _agentless(path: Path, parsed: TaskList, runner: str | None, agent: str | None) -> list[Diagnostic]:
    """Tasks for agents of whom nothing is known, each agent once."""
    named: dict[str | None, Task] = {}
    for task in parsed.tasks:
        if sync.runner_of(task, runner, agent=agent, of_list=parsed.settings) == "agent":
            named.setdefault(sync.agent_of(task, agent, parsed.settings), task)
    if not named:
        return []
    from executor.runners.agents import catalogue

    found = []
    folder = path if path.is_dir() else path.parent
    for name, task in named.items():
        if name is None:
            one = codes.diagnose(NO_AGENT, task.lines[0], task=task.task_id)
        elif problem := catalogue.problem(name, folder, settings.read().environ):
            one = codes.diagnose(UNKNOWN_AGENT, task.lines[0], problem=problem, name=name)
        else:
            continue
        found.append(replace(one, file=task.file))
    return found
