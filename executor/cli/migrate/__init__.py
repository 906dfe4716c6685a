"""`executor migrate`: numbered SQL files, applied to any PostgreSQL. One command a module."""

from __future__ import annotations

from executor.cli.migrate import (  # noqa: F401 - each registers its command, in the order of the help page
    baseline,
    check,
    down,
    dump,
    import_,
    new,
    plan,
    redo,
    renumber,
    resolve,
    squash,
    status,
    testdb,
    up,
    verify,
)
from executor.cli.migrate.group import app

__all__ = ["app"]
