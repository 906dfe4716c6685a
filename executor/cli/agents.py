"""`executor agents`: which coding agents can be named, and which of them are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from executor.cli import console, options, verb

if TYPE_CHECKING:
    from executor.runners.agents.catalogue import Entry

app = verb.verbs()


@verb.verb(app)
def agents(file: options.File = None, json: options.Json = False) -> None:
    """List the coding agents that tasks can be given to: ours, and those of executor.toml. Needs no database.

    Example: executor agents
    """
    from pathlib import Path

    from executor import settings
    from executor.errors import ListError, UsageError
    from executor.operations import files
    from executor.runners.agents import catalogue
    from executor.runners.agents.profile import BadProfile

    try:
        folder = files.folder_of(files.choose(file))
    except ListError:
        if file is not None:
            raise
        folder = Path.cwd()
    try:
        found = catalogue.every(folder, settings.read().environ)
    except BadProfile as error:
        raise UsageError(str(error), hint="docs/reference/agents.md says what a profile may hold") from error
    if json:
        console.say_json({"agents": [_as_dict(entry) for entry in found]})
        return
    console.table([[entry.name, _program(entry) or "not installed", _about(entry)] for entry in found])


def _program(entry: Entry) -> str | None:
    import shutil

    return shutil.which(entry.profile.command[0])


def _about(entry: Entry) -> str:
    if _program(entry) is None and entry.profile.install:
        return entry.profile.install
    return entry.profile.about or entry.place


def _as_dict(entry: Entry) -> dict[str, object]:
    return {
        "name": entry.name,
        "about": entry.profile.about,
        "place": entry.place or None,
        "program": _program(entry),
        "command": entry.profile.command,
        "install": entry.profile.install,
        "login": entry.profile.login,
    }
