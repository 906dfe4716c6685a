"""Bringing a database up to a folder.

up -> unchanged.newest: the folder is what is applied        most runs end here, with nothing read as SQL
   -> read the folder, no database                           raises FilesRefused
   -> steps.bring, or steps.bring_together
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from msgspec import Struct

from sql import unchanged

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from psycopg import Connection

    from sql.folder import Migration
    from sql.runner import Options


class Applied(Struct, frozen=True):
    """What one `up` did itself, in order, and the newest version of the set now; another runner may have done some."""

    migrations: tuple[Migration, ...]
    newest: int


def up(
    connection: Connection[Any],
    path: Path | Traversable,
    *,
    to: int | None = None,
    steps: int | None = None,
    allow_late: bool = False,
    allow_edited: bool = False,
    one_transaction: bool = False,
    **options: Unpack[Options],
) -> Applied:
    """Apply what is pending, each file in a transaction of its own unless it asks for none.

    The connection must be in autocommit mode and idle; settings made on it with SET are reset. `to` is the last version
    to apply, `steps` the number of files; repeatable files run when no numbered one is left. `one_transaction` keeps
    all of them or none. For the rest see Runner.
    """
    newest = unchanged.newest(connection, path, options.get("set_name", "main"), options.get("scope", ""))
    if newest is not None:
        return Applied((), newest)
    from sql import folder
    from sql import steps as way
    from sql.plan import ProblemKind
    from sql.runner import Runner

    runner = Runner(connection, **options)
    runner.ready()
    accept = [ProblemKind.LATE] * allow_late + [ProblemKind.EDITED] * allow_edited
    files = folder.load(path)
    bring = way.bring_together if one_transaction else way.bring
    return bring(runner, files, accept, to, steps)
