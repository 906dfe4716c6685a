"""`executor check`: what is wrong with lists, for people, editors, CI and pre-commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, verb
from executor.errors import EXIT_DONE, EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from executor.operations.checking import Checked
    from loader.model import Diagnostic, Severity

app = verb.verbs()
_FORMATS = ("text", "json", "github", "sarif")


@verb.verb(app)
def check(
    file: Annotated[list[str] | None, typer.Argument(help="Task lists; without any the one here.")] = None,
    format: Annotated[
        str, typer.Option("--format", help="How to tell it.", metavar="|".join(_FORMATS), show_default=True)
    ] = "text",
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail as errors do.")] = False,
    notes: Annotated[bool, typer.Option("--notes", help="Also what was left out by a rule, and why.")] = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> int:
    """Show what is wrong with lists as file:line:col: CODE message. Needs no database.

    Ends with 2 where a list has errors, or warnings with --strict; else with 0.

    Example: executor check tasks.md docs/*.md
    """
    from executor.operations import checking, files
    from loader.model import Severity

    chosen = "json" if json else format
    if chosen not in _FORMATS:
        raise UsageError(f"no format '{chosen}'", hint=f"one of {', '.join(_FORMATS)}")
    severities = [one for one in Severity if notes or chosen == "json" or one is not Severity.INFO]
    paths = [files.choose(one) for one in file] if file else [files.choose(None)]
    size = files.size_max(max_size)
    checked = []
    for path in paths:
        found = checking.check(path, files.Reading(str(path), dialect, on_duplicate, allow_missing, size))
        checked.append(found)
        if chosen != "sarif":
            _tell(found, chosen, severities)
    if chosen == "sarif":
        _log(checked, severities)
    errors, warnings = (sum(one.count(kind) for one in checked) for kind in (Severity.ERROR, Severity.WARNING))
    if chosen != "json":
        console.warn(f"{console.counted(errors, 'error')}, {console.counted(warnings, 'warning')}")
    return EXIT_USAGE if errors or (strict and warnings) else EXIT_DONE


def _tell(found: Checked, chosen: str, severities: list[Severity]) -> None:
    from executor.cli.reports import github

    for one in found.diagnostics:
        if one.severity not in severities:
            continue
        place = found.place(one)
        match chosen:
            case "json":
                console.say_json(_as_dict(found, one))
            case "github":
                console.say(github.command(console.path_from(place, console.repository()), one))
            case _:
                console.say(console.diagnostic_line(found.path, one))
    if chosen != "json":
        console.warn(f"{console.short_path(found.path)}: {console.counted(found.tasks, 'task')}")


def _as_dict(found: Checked, one: Diagnostic) -> dict[str, object]:
    place = {"path": str(found.place(one)), "line": one.line, "column": one.column}
    return place | {"code": one.code, "severity": one.severity, "message": one.message, "hint": one.hint}


def _log(checked: list[Checked], severities: list[Severity]) -> None:
    from executor.cli.reports import sarif

    console.say_json(sarif.log(checked, console.repository(), severities))
