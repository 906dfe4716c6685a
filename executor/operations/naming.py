"""Finding the list and the tasks a person means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg import Connection

from executor import selection
from executor.errors import UsageError
from executor.model import ListRow, TaskName
from executor.operations import files
from executor.queue import lists, tasks


def known_list(connection: Connection[Any], path: Path) -> ListRow:
    """The list of this file, which must have been run before."""
    row = lists.find(connection, str(path))
    if row is None:
        raise UsageError(f"{path} is not in the queue", hint=f"load and run it: `executor run {files.typed(path)}`")
    return row


def find(connection: Connection[Any], list_id: int, typed: Sequence[str]) -> list[TaskName]:
    """The tasks meant by ids or unambiguous prefixes of ids."""
    names = tasks.names(connection, list_id)
    return [selection.by_id(names, one) for one in typed]
