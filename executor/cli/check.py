"""`executor check`: what is wrong with lists, for people, editors, CI and pre-commit."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console, options, verb
from executor.errors import EXIT_USAGE

app = verb.verbs()


@verb.verb(app)
def check(
    file: Annotated[list[str] | None, typer.Argument(help="Task lists; without any the one here.")] = None,
    json: options.Json = False,
    notes: Annotated[bool, typer.Option("--notes", help="Also what was left out by a rule, and why.")] = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> int:
    """Show diagnostics as file:line:col: CODE message. Needs no database.

    Example: executor check tasks.md docs/*.md
    """
    from executor.operations import files, vetting
    from loader.model import Severity

    errors = warnings = 0
    for path in [files.choose(one) for one in file] if file else [files.choose(None)]:
        reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
        parsed = reading.parse(reading.read())
        found = sorted(
            [*parsed.diagnostics, *vetting.unrunnable(parsed)], key=lambda one: (one.file, one.line, one.column)
        )
        for one in found:
            errors += one.severity is Severity.ERROR
            warnings += one.severity is Severity.WARNING
            if json:
                place = {"path": str(path / one.file), "line": one.line, "column": one.column}
                told = {"code": one.code, "severity": one.severity, "message": one.message, "hint": one.hint}
                console.say_json(place | told)
            elif notes or one.severity is not Severity.INFO:
                console.say(console.diagnostic_line(path, one))
        if not json:
            console.warn(f"{console.short_path(path)}: {console.counted(len(parsed.tasks), 'task')}")
    if not json:
        console.warn(f"{console.counted(errors, 'error')}, {console.counted(warnings, 'warning')}")
    return EXIT_USAGE if errors else 0
