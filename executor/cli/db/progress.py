"""What is copied, shown while it is and afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from executor.cli import console

if TYPE_CHECKING:
    from executor.database.archive import Manifest


@contextmanager
def shown() -> Iterator[Callable[[str], None]]:
    """How the name of what is copied just now is shown."""
    progress = console.Progress()
    try:
        yield progress.tell
    finally:
        progress.clear()


def contents(made: Manifest) -> str:
    lists = console.counted(made.count("executor_state"), "list")
    tasks, runs = console.counted(made.count("task_queue"), "task"), console.counted(made.count("run"), "run")
    return f"{lists}, {tasks}, {runs}"
