"""Everything the program says to PostgreSQL, with the toolkit that brings a schema up to date.

The toolkit as a library: `import sql; sql.up(connection, "migrations")`. Each name is imported when it is asked for, as
most starts of the program need none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sql.apply import Applied as Applied
    from sql.apply import up as up
    from sql.catalogue import fingerprint as fingerprint
    from sql.errors import MigrationError as MigrationError
    from sql.folder import Folder as Folder
    from sql.folder import Migration as Migration
    from sql.folder import load as load
    from sql.history import baseline as baseline
    from sql.history import resolve as resolve
    from sql.notices import Notice as Notice
    from sql.notices import NoticeKind as NoticeKind
    from sql.squashing import squash as squash
    from sql.standing import status as status
    from sql.templates import clone as clone
    from sql.templates import template as template
    from sql.together import trial as trial
    from sql.undo import Undone as Undone
    from sql.undo import down as down
    from sql.undo import redo as redo
    from sql.verification import verify as verify

_HOMES = {
    "Applied": "apply",
    "Folder": "folder",
    "Migration": "folder",
    "MigrationError": "errors",
    "Notice": "notices",
    "NoticeKind": "notices",
    "Undone": "undo",
    "baseline": "history",
    "clone": "templates",
    "down": "undo",
    "fingerprint": "catalogue",
    "load": "folder",
    "redo": "undo",
    "resolve": "history",
    "squash": "squashing",
    "status": "standing",
    "template": "templates",
    "trial": "together",
    "up": "apply",
    "verify": "verification",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sql' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sql.{_HOMES[name]}"), name)
