"""What is right and wrong with this machine and its database, as findings with what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from executor.database.connection import Database
from executor.database.embedded import failures
from executor.errors import ExecutorError
from executor.operations.diagnosis import home, machine, server
from executor.operations.diagnosis.finding import Finding
from executor.settings import Settings

__all__ = ["Finding", "examine"]


def examine(database: Database, settings: Settings) -> list[Finding]:
    """Look at everything. What cannot be looked at is a finding too, never an exception."""
    looks: list[Callable[[], Iterator[Finding]]] = [
        lambda: machine.examine(settings),
        lambda: home.examine(database, settings),
        lambda: server.examine(database),
    ]
    found: list[Finding] = []
    for look in looks:
        try:
            for one in look():
                found.append(one)  # one by one: what was found before an error counts
        except (ExecutorError, OSError) as error:
            told = error if isinstance(error, ExecutorError) else failures.from_os_error(error, Path())
            if str(told) not in {one.seen for one in found}:
                found.append(Finding("database", well=False, seen=str(told), remedy=told.hint))
    return found
