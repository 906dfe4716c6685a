"""How the tasks of a file stand: by the queue where a database is up that knows the list, else by their marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from executor.errors import DatabaseError
from loader.model import Status, TaskList

if TYPE_CHECKING:
    from executor.database.connection import Database
    from executor.model import TaskRow

QUEUE = "queue"
FILE = "file"
WAITING = "waiting"
_BY_MARK = {Status.PENDING: "queued"}


class Standing(Struct, frozen=True):
    """A word for each task id; `source` tells whose, and `unread` why the queue's could not be had, if it was named."""

    states: Mapping[str, str]
    source: str
    unread: str = ""


def read(database: Database, path: Path, parsed: TaskList) -> Standing:
    """Never starts a server, never changes a schema, and no database is no error."""
    by_mark = {task.task_id: _BY_MARK.get(task.status, task.status.value) for task in parsed.tasks}
    try:
        rows = _rows(database, path)
    except DatabaseError as error:
        return Standing(by_mark, FILE, "" if database.embedded else str(error))
    if rows is None:
        return Standing(by_mark, FILE)
    queued = {row.task_id: WAITING if row.waiting else row.status for row in rows}
    return Standing({task_id: queued.get(task_id, state) for task_id, state in by_mark.items()}, QUEUE)


def _rows(database: Database, path: Path) -> list[TaskRow] | None:
    """None where no server is up, or the list was never run there."""
    if database.embedded and not database.is_up:
        return None
    import psycopg

    from executor.database import translate
    from executor.queue import lists, tasks

    with database.visit("graph") as connection:
        try:
            row = lists.find(connection, str(path))
            return tasks.of_list(connection, row.list_id) if row else None
        except psycopg.errors.UndefinedTable:
            return None  # a server that has never run a list
        except psycopg.Error as error:
            raise translate.translate(error, database.where()) from error
