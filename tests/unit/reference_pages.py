"""The parts of docs/reference that are printed from the code; run as a program it brings the pages up to date."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
_PART = re.compile(r"(<!-- printed: (?P<name>[\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """A page with its printed parts as the code would print them now."""
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match['name']]()}\n\n{match[3]}", page)


def pages() -> list[Path]:
    """The pages that have printed parts."""
    return [page for page in sorted(REFERENCE.glob("*.md")) if _PART.search(page.read_text(encoding="utf-8"))]


def commands() -> str:
    """The help pages of all verbs."""
    from executor.cli.app import app

    return "\n\n".join("\n".join(lines) for lines in _verbs(typer.main.get_command(app), "executor"))


def diagnostics() -> str:
    """Every diagnostic of the loader."""
    from loader import codes

    rows = ["| code | severity | meaning | message | way out |", "|---|---|---|---|---|"]
    for row in codes.TABLE:
        cells = (row.code, row.severity.value, row.meaning, f"`{row.message}`", row.hint)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells).rstrip() + " |")
    return "\n".join(rows)


def examples() -> str:
    """For each diagnostic a list that gives it, as the tests of the loader keep them."""
    page = (ROOT / "tests" / "unit" / "loader" / "diagnostic_examples.md").read_text(encoding="utf-8")
    found = re.findall(r"^## (\w\d+)\n\n````(\S+)\n(.*?)^````$", page, re.M | re.S)
    return "\n\n".join(
        f"**{code}**{'' if name == 'tasks.md' else f', in `{name}`'}\n\n"
        f"````{'json' if name.endswith('.json') else 'markdown'}\n{source}````"
        for code, name, source in found
    )


def states() -> str:
    """The moves of a task."""
    from executor import states

    return f"```mermaid\n{states.diagram()}\n```"


def lint_rules() -> str:
    """Every rule of the lint of migrations."""
    from sql.lint import RULES

    sections = []
    for rule in RULES.values():
        message = rule.message.format("x")
        sections.append(f"### {rule.code}\n\n{message}.\n\n{rule.why}\n\nInstead: {rule.instead}.")
    return "\n\n".join(sections)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "diagnostics": diagnostics,
    "examples": examples,
    "lint": lint_rules,
    "states": states,
}


def _verbs(group: Any, name: str) -> Iterator[list[str]]:
    for verb in group.list_commands(None):
        command = group.get_command(None, verb)
        if hasattr(command, "commands"):
            yield [f"## {name} {verb}", "", _first_line(command)]
            yield from _verbs(command, f"{name} {verb}")
        else:
            yield list(_verb(command, f"{name} {verb}"))


def _verb(command: Any, name: str) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    about, _, example = command.help.partition("\n\nExample: ")
    yield f"{'##' if name.count(' ') == 1 else '###'} {name}"
    yield ""
    yield f"    {' '.join([name, *map(_placed, arguments), *(['[OPTIONS]'] if options else [])])}"
    yield ""
    yield " ".join(about.split())
    yield ""
    yield f"Example: `{example.strip()}`"
    if arguments or options:
        yield ""
        yield "| | |"
        yield "|---|---|"
    for one in arguments:
        yield f"| `{one.name.upper()}` | {_told(one)} |"
    for one in options:
        names = ", ".join(sorted(one.opts, key=len))
        value = "" if one.is_flag else f" {one.metavar or one.name.upper().replace('_', '-')}".replace("|", "\\|")
        yield f"| `{names}{value}` | {_told(one)} |"


def _placed(argument: Any) -> str:
    many = "..." if argument.nargs == -1 else ""
    return f"{argument.name.upper()}{many}" if argument.required else f"[{argument.name.upper()}{many}]"


def _told(one: Any) -> str:
    default = one.default
    shown = default not in (None, False, True, ()) and not callable(default)
    return (one.help or "") + (f" Default: `{default}`." if shown else "")


def _first_line(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for page in pages():
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{page.relative_to(ROOT)} is up to date")
