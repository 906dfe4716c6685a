"""What keeps a list from running: errors in the file, and what is right in it but nothing here can carry out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from executor import sync
from executor.errors import UnreadableList
from executor.runners import languages
from loader import codes
from loader.codes import Code
from loader.model import Diagnostic, Severity, TaskList

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
    "use `runner: shell`, `runner: sql` or `runner: manual`",
)
UNREADABLE = Code("E103", "A file cannot be read.", "{problem}", "{hint}")
TABLE = (NO_COMMAND, NO_RUNNER, UNREADABLE)


def refuse(path: Path, parsed: TaskList, runner: str | None = None) -> None:
    """Raise UnreadableList for a file with errors, also those that only a run would meet."""
    _refuse(path, parsed, [*parsed.errors, *unrunnable(parsed, runner)])


def refuse_errors(path: Path, parsed: TaskList) -> None:
    """Raise UnreadableList for a file with errors that keep it from being read as its author meant it."""
    _refuse(path, parsed, parsed.errors)


def _refuse(path: Path, parsed: TaskList, found: Sequence[Diagnostic]) -> None:
    if found:
        number = f"{len(found)} errors" if len(found) > 1 else "an error"
        raise UnreadableList(
            f"{path} has {number}; nothing was changed",
            hint=f"mend the file, then see what is left with `executor check {path.name}`",
            path=path,
            diagnostics=[*(one for one in parsed.diagnostics if one.severity is not Severity.ERROR), *found],
        )


def unrunnable(parsed: TaskList, runner: str | None = None) -> list[Diagnostic]:
    """What is right in the file but cannot be carried out by this program: errors before a run, not in a parse."""
    found = [
        replace(codes.diagnose(NO_COMMAND, line, language=language), file=task.file)
        for task, language, line in sync.unknown_languages(
            (task for task in parsed.tasks if sync.runner_of(task, runner) != "manual"),
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
        if name not in (None, "shell", "sql", "manual")
    ]
    return found
