"""`executor parse`: the list as the loader sees it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import carriers, console, options, verb
from executor.errors import EXIT_USAGE

if TYPE_CHECKING:
    from loader.accounts import Account
    from loader.model import TaskList

app = verb.verbs()

_TEXT_MAX = 60


@verb.verb(app)
def parse(
    file: options.File = None,
    json: options.Json = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="What became of every line that looks like a task; text without --json.")
    ] = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> int:
    """Print the parsed list as JSON. Needs no database.

    Example: executor parse tasks.md | jq '.tasks[].id'
    """
    from executor.operations import files
    from loader import as_json

    path = files.choose(file)
    reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
    content = reading.read()
    parsed = reading.parse(content)
    if explain:
        from loader import accounts

        found = accounts.of(content, parsed)
        if json:
            console.say_json(_as_dict(parsed, found))
        else:
            _show(path, parsed, found)
    else:
        console.say_json(as_json.as_dict(parsed))
    return EXIT_USAGE if parsed.errors else 0


def _as_dict(parsed: TaskList, found: list[Account]) -> dict[str, object]:
    from loader import as_json

    return {
        "dialect": parsed.dialect,
        "dialect_reason": parsed.dialect_reason,
        "parts": [as_json.part_as_dict(part) for part in parsed.parts],
        "lines": [as_json.account_as_dict(account) for account in found],
    }


def _show(path: Path, parsed: TaskList, found: list[Account]) -> None:
    console.say(f"{console.short_path(path)}: {console.counted(len(parsed.tasks), 'task')}")
    carriers.show(parsed)
    console.say()
    console.table([[_place(account), _shortened(account.text), _told(account)] for account in found])
    counts = Counter[str](account.verdict for account in found)
    told = [
        f"{counts[verdict]} {name}"
        for verdict, name in (
            ("task", "tasks"),
            ("step", "steps of tasks"),
            ("diagnostic", "named by a diagnostic"),
            ("rule", "left out by a rule"),
            ("lost", "lost: please report this"),
        )
        if counts[verdict]
    ]
    if found:
        console.say()
    console.say(f"{console.counted(len(found), 'line')} like a task{': ' if told else ''}{', '.join(told)}")


def _place(account: Account) -> str:
    return f"{account.file}:{account.line}" if account.file else str(account.line).rjust(5)


def _shortened(text: str) -> str:
    text = console.clean(text.replace("\t", "  ")).rstrip()
    return text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"


def _told(account: Account) -> str:
    return console.clean(f"{account.code} {account.reason}".strip())
