"""Text about a schema that is kept in a repository: written when it is asked for, compared in CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from executor.cli import console
from executor.errors import EXIT_PENDING, UsageError

Schemas = Annotated[
    list[str] | None,
    typer.Option(
        "--schema",
        help="Only this schema; without it all but the server's own and the executor's. Repeatable.",
        show_default=False,
    ),
]


def keep(path: str, text: str, *, check: bool) -> int:
    """Write the file, or say whether it says the same already. Answers the exit code."""
    file = Path(path)
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else None
        if check:
            return 0 if before == text else _outdated(path)
        if before != text:
            file.write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}", hint="name a text file that can be written") from error
    console.say(f"{path} is up to date" if before == text else f"{path} written")
    return 0


def _outdated(path: str) -> int:
    console.warn(f"{path} is out of date; the same command without --check writes it")
    return EXIT_PENDING
