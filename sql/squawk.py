"""The linter `squawk`, asked for its opinion where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Collection

from msgspec import Struct

from sql.errors import MigrationError

TIMEOUT_SECONDS = 60

# The runner bounds every wait and rolls every file back whole, so these would be said of each statement, for nothing.
_ANSWERED = ("require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts")


class SquawkFailed(MigrationError):
    """The program is there, and did not answer as it should."""


class Opinion(Struct, frozen=True):
    """One finding of squawk's, by the name of its rule; line and column count from 1."""

    code: str
    message: str
    line: int
    column: int


def program() -> str | None:
    """Where squawk is on this machine."""
    return shutil.which("squawk")


def opinions(squawk: str, text: str, *, path: str, in_transaction: bool, allow: Collection[str] = ()) -> list[Opinion]:
    """What squawk finds in a text, but for the rules that its file allows; raises SquawkFailed.

    The text goes through a pipe, so that only the part of a file is judged that runs.
    """
    command = [squawk, "--reporter", "json", "--stdin-filepath", path]
    command += ["--assume-in-transaction"] if in_transaction else []
    command += [f"--exclude={rule}" for rule in _ANSWERED]
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, encoding="utf-8", timeout=TIMEOUT_SECONDS, check=False
        )
        found = json.loads(done.stdout or "null")
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        raise SquawkFailed(f"{squawk} gave no answer about {path}: {error}", hint="try `squawk --version`") from error
    if not isinstance(found, list):
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise SquawkFailed(f"{squawk} gave no answer about {path}: {said}", hint="try `squawk --version`")
    every = [Opinion(one["rule_name"], _message(one), one["line"] + 1, one["column"] + 1) for one in found]
    return [opinion for opinion in every if opinion.code not in allow]


def _message(one: dict[str, str | None]) -> str:
    return " ".join(part for part in (one["message"], one["help"]) if part)
