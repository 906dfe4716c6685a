"""`executor migrate import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console
from executor.cli.migrate import options, target
from executor.cli.migrate.group import command
from executor.errors import UsageError

if TYPE_CHECKING:
    from sql.adoption import Conversion, Source, Tool

TOOLS = "dbmate|goose|golang-migrate|flyway|node-pg-migrate"


@command("import")
def import_(
    directory: Annotated[str, typer.Argument(help="The other tool's folder, which is left as it is.")],
    from_: Annotated[str, typer.Option("--from", metavar=TOOLS, help="Whose files these are.")],
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="The new folder.")] = "migrations",
    table: Annotated[
        str | None,
        typer.Option("--table", help="The other tool's ledger, where it is not called as usual.", show_default=False),
    ] = None,
    set_: options.Set = None,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
    json: options.Json = False,
) -> None:
    """Convert another tool's SQL files into a folder of ours, and tell every decision.

    With --database-url (or --embedded) what that tool has applied there is recorded as a baseline; nothing is run.

    Example: executor migrate import db/old --from dbmate --to migrations --database-url postgres://localhost/shop
    """
    from sql import adoption

    tool = _tool(from_)
    conversion = adoption.convert(tool, _sources(Path(directory), Path(to)))
    if not database_url and not embedded:
        _write(conversion, Path(to))
        _say(conversion, to, None, json=json)
        return
    import sql
    from sql.adoption import history

    with target.connected(database_url, embedded=embedded) as connection:
        newest = history.newest(connection, tool, conversion, table)
        _write(conversion, Path(to))
        if newest:
            sql.baseline(connection, Path(to), newest, **target.options(set_))
    _say(conversion, to, newest, json=json)


def _tool(name: str) -> Tool:
    from sql.adoption import Tool

    try:
        return Tool(name)
    except ValueError:
        raise UsageError(f"--from {name}: no such tool", hint=f"one of {TOOLS.replace('|', ', ')}") from None


def _sources(directory: Path, to: Path) -> list[Source]:
    """The files of the folder itself, hidden ones left out; the new folder has to be another, and empty."""
    from sql.adoption import Source

    if not directory.is_dir():
        raise UsageError(f"{directory}: no such folder", hint="name the folder with the other tool's files")
    if to.exists() and any(to.iterdir()):
        raise UsageError(f"{to} is not empty", hint="name a new folder: --to DIR")
    found: list[Source] = []
    for path in sorted(directory.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            try:
                text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            except UnicodeDecodeError as error:
                raise UsageError(f"{path}: {error}", hint="make it UTF-8") from error
            found.append(Source(path.name, text))
    return found


def _write(conversion: Conversion, to: Path) -> None:
    for file in conversion.files:
        path = to / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8", newline="\n")


def _say(conversion: Conversion, to: str, newest: int | None, *, json: bool) -> None:
    from sql import numbering

    if json:
        files = [{"path": f"{to}/{file.name}", "sources": list(file.sources)} for file in conversion.files]
        decisions = [{"path": one.path, "line": one.line, "text": one.text} for one in conversion.decisions]
        console.say_json({"files": files, "decisions": decisions, "baseline": newest})
        return
    for one in conversion.decisions:
        console.say(str(one))
    console.say(f"{console.counted(len(conversion.files), 'file')} written to {to}")
    if newest:
        console.say(f"up to {numbering.label(newest)} recorded as applied; nothing was run")
    elif newest == 0:
        console.say("the database has nothing of them yet; nothing was recorded")
