"""Options that the `migrate` commands share, spelled once."""

from __future__ import annotations

from typing import Annotated

import typer

Folder = Annotated[
    str | None,
    typer.Option("--folder", help="The SQL files; without it migrations/ or db/migrations/.", show_default=False),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME|KEY.NAME=VALUE",
        help="Which set of files this is in the ledger (main), or a value they read with current_setting. Repeatable.",
        show_default=False,
    ),
]
Schema = Annotated[
    str | None,
    typer.Option("--schema", help="A tenant's schema: it comes first in search_path, with a history of its own."),
]
Schemas = Annotated[
    str | None,
    typer.Option("--schemas", metavar="QUERY", help="A query that names all tenants' schemas: each in its turn."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="The database; without it DATABASE_URL, PG* or target.", show_default=False),
]
Embedded = Annotated[bool, typer.Option("--embedded", help="The embedded server, which is never used unless said.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
LockWait = Annotated[float, typer.Option("--lock-wait", metavar="SECONDS", help="How long to wait for other runners.")]
