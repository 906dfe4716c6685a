"""The set of `migrate` commands, and how an error of the toolkit becomes one of the program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer.core

from executor.cli import verb
from executor.errors import ExecutorError

ORDER = (
    *("new", "up", "down", "redo", "status", "plan", "verify", "check"),
    *("baseline", "import", "resolve", "renumber", "squash", "dump", "testdb"),
)


class _Ordered(typer.core.TyperGroup):
    """The help page in the order in which one needs the commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        known = super().list_commands(ctx)
        return sorted(known, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


app = verb.verbs(_Ordered)


@app.callback()
def _migrate() -> None:
    """Numbered SQL files, applied to any PostgreSQL exactly once each and in order."""


class Stopped(ExecutorError):
    """An error of the toolkit, with its own exit code."""

    def __init__(self, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


def command(name: str) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a command of the set."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        @functools.wraps(function)
        def translated(*arguments: object, **options: object) -> int | None:
            from sql.errors import MigrationError

            try:
                return function(*arguments, **options)
            except MigrationError as error:
                raise Stopped(error.message, hint=_hint(error), exit_code=error.exit_code) from error

        return verb.verb(app, name)(translated)

    return register


def _hint(error: Exception) -> str:
    """The toolkit's own hint, and the commands that get a history in order again."""
    from sql.errors import HistoryDiffers, MigrationError, NewerHistory

    assert isinstance(error, MigrationError)
    if not isinstance(error, HistoryDiffers) or isinstance(error, NewerHistory):
        return error.hint
    ways = [_WAYS[kind] for kind in dict.fromkeys(problem.kind.value for problem in error.problems) if kind in _WAYS]
    return "\n        ".join([error.hint, *ways])


_WAYS = {
    "late": "late: `executor migrate renumber FILE` gives it the next free number, `up --allow-late` runs it as it is",
    "missing": "missing: `executor migrate down` can undo it with the SQL that was kept",
    "edited": "edited: `executor migrate verify` shows the change, `resolve N rebless` accepts it",
}
