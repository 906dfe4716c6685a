"""Finding the list and the tasks a person means."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg import Connection

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
    return [choose(names, one) for one in typed]


def choose(names: Sequence[TaskName], typed: str) -> TaskName:
    """The task meant by an id or an unambiguous prefix: exact before prefix, letter case only where it must matter."""
    for wanted in (
        [name for name in names if name.task_id == typed],
        [name for name in names if name.task_id.casefold() == typed.casefold()],
        [name for name in names if name.task_id.casefold().startswith(typed.casefold())],
    ):
        if len(wanted) == 1:
            return wanted[0]
        if wanted:
            raise UsageError(
                f"'{typed}' could be {', '.join(name.task_id for name in wanted[:6])}"
                + (f" and {len(wanted) - 6} more" if len(wanted) > 6 else ""),
                hint="type more of the id",
            )
    near = difflib.get_close_matches(typed, [name.task_id for name in names], n=1, cutoff=0.4)
    raise UsageError(
        f"no task '{typed}' in this list" + (f" (did you mean '{near[0]}'?)" if near else ""),
        hint="see all ids with `executor list`",
    )
