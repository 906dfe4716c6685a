"""The set of `db` commands."""

from __future__ import annotations

from typing import Any

import typer.core

from executor.cli import verb

ORDER = (
    *("start", "stop", "status", "url", "psql"),
    *("backup", "backups", "verify-backup", "restore", "prune-backups"),
    *("move", "upgrade", "prune"),
)


class _Ordered(typer.core.TyperGroup):
    """The help page in the order in which one needs the commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=ORDER.index)


app = verb.verbs(_Ordered)


@app.callback()
def _db() -> None:
    """The database: its server, its backups, its place."""
