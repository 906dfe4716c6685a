"""Every way a command can stop, with its exit code: one tree of exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loader.model import Diagnostic

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_STOPPED_SHORT = 3
EXIT_DATABASE = 4
EXIT_PENDING = 10
EXIT_INTERRUPTED = 130


class ExecutorError(Exception):
    """Stops a command. `message` is a fact with the value in it, `hint` names the next command to type.

    `code` is stable and short (`DB_AUTH`), or empty where the message alone is enough.
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        """The message as people see it: `[CODE] message`."""
        return f"[{self.code}] {self.message}" if self.code else self.message


class UsageError(ExecutorError):
    """The command line, or a name in it, cannot be understood."""

    exit_code = EXIT_USAGE


class NoSuchTask(UsageError):
    """No task of a list is meant by what was typed. Who knows the file names it in the hint (`console.listing`)."""


class ListError(ExecutorError):
    """The task list cannot be read, or has errors."""

    exit_code = EXIT_USAGE


class UnreadableList(ListError):
    """A list with errors; `diagnostics` say which, with their places."""

    def __init__(self, message: str, *, hint: str, path: Path, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.diagnostics = sorted(diagnostics, key=lambda one: (one.line, one.column))


class DatabaseError(ExecutorError):
    """No database, or one that cannot be used as it is."""

    exit_code = EXIT_DATABASE


class DatabaseLost(DatabaseError):
    """The connection broke under a command; what was in its transaction may or may not have been committed."""


class IllegalMove(ExecutorError):
    """A change of state that `states.NEXT` does not list: a defect of ours, never of the user's."""
