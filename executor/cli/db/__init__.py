"""`executor db`: the database itself."""

from __future__ import annotations

from executor.cli.db import backup, move, prune, server, upgrade  # noqa: F401 - each registers its commands
from executor.cli.db.group import app

__all__ = ["app"]
