"""Every way the toolkit can stop: one tree of exceptions, each with the exit code of `migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from sql.plan import Problem

EXIT_STATEMENT = 1
EXIT_FILES = 2
EXIT_HISTORY = 3
EXIT_DATABASE = 4

INSUFFICIENT_PRIVILEGE = "42501"


class MigrationError(Exception):
    """Stops a run. `message` is a fact, of several lines where a list or the SQL is shown; `hint` the next step."""

    exit_code = EXIT_STATEMENT

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Fault(Struct, frozen=True):
    """What is wrong with a file, and where: line and column from 1, or 0 when the file as a whole is meant."""

    path: str
    message: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}" if self.line else f"{self.path}: {self.message}"


class FilesRefused(MigrationError):
    """The folder cannot be run as it is; no database was asked. All faults are told at once."""

    exit_code = EXIT_FILES

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults), hint="mend the files; nothing was run")
        self.faults = faults


class HistoryDiffers(MigrationError):
    """The ledger and the folder tell different stories; nothing was run. `problems` are those of the plan."""

    exit_code = EXIT_HISTORY

    def __init__(self, message: str, *, hint: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class Irreversible(HistoryDiffers):
    """A migration that is to be undone cannot be; nothing was run."""


class NewerHistory(HistoryDiffers):
    """The ledger knows migrations that come after everything in the folder; nothing was run."""


class StatementFailed(MigrationError):
    """The server refused a statement; its file was rolled back, earlier files stand.

    `line` and `column` count from 1, and are 0 when the whole file is meant; `kept` is the newest version that stands.
    """

    def __init__(self, message: str, *, path: str, line: int, column: int, sqlstate: str, kept: int, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.line = line
        self.column = column
        self.sqlstate = sqlstate
        self.kept = kept
        if sqlstate == INSUFFICIENT_PRIVILEGE:
            self.exit_code = EXIT_DATABASE


class LockHeld(MigrationError):
    """Somebody else kept a lock for longer than we may wait; nothing of the file was kept."""

    exit_code = EXIT_DATABASE


class DatabaseRefused(MigrationError):
    """No permission, no connection, or a server that takes no writes."""

    exit_code = EXIT_DATABASE
