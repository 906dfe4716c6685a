"""Who shows a run: a live view on a terminal, plain lines elsewhere, events as JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from executor.engine.report import Reporter

if TYPE_CHECKING:
    from psycopg import Connection

    from executor.database.connection import Database
    from executor.engine.entry import Closing
    from executor.engine.serving import Ending
    from executor.model import Counts, ListRow
    from executor.queue.events import Cursor


class View(Reporter, Protocol):
    """A reporter with a beginning and an end."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def abandon(self) -> None:
        """Leave the terminal as it was from within a signal handler, in the last moment of this process."""

    def finish(self, ending: Ending, closing: Closing | None) -> None:
        """Say how it ended; `closing` is None when there was no database to ask."""


def before(connection: Connection[Any], path: Path) -> Cursor:
    """The cursor of now, so that a JSON stream begins with what this command does."""
    from executor.queue import events, lists
    from executor.queue.events import Cursor

    row = lists.find(connection, str(path))
    return events.newest(connection, row.list_id) if row else Cursor()


def choose(database: Database, row: ListRow, counts: Counts, spelled: str, *, since: Cursor | None) -> View:
    """The view that fits where the output goes. `spelled` is the file as the next command must name it, or nothing."""
    if since is not None:
        from executor.cli.views.lines import JsonLines

        return JsonLines(database, row, since)
    if sys.stdout.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
        from executor.cli.views.live import Live

        return Live(counts, spelled)
    from executor.cli.views.plain import Plain

    return Plain(counts, spelled)


def beside_others(database: Database, row: ListRow, counts: Counts, name: str, *, since: Cursor | None) -> View:
    """The view of one list of several: lines that name it, or its events."""
    if since is not None:
        from executor.cli.views.lines import JsonLines

        return JsonLines(database, row, since)
    from executor.cli.views.fleet import OfList

    return OfList(counts, name)


def together(views: Sequence[View], *, json: bool) -> View:
    """The views of several lists as one."""
    from executor.cli.views.fleet import Together

    return Together(views, json=json)
