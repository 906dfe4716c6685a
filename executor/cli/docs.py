"""`executor docs`: pages about a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, verb
from executor.cli.migrate import options, pages, target
from executor.errors import UsageError

if TYPE_CHECKING:
    from sql.catalogue import Catalogue

FORMATS = "markdown|mermaid|dot|html|json"

app = verb.verbs()


@app.callback()
def _docs() -> None:
    """Pages about a database: schema."""


@verb.verb(app)
def schema(
    format_: Annotated[str, typer.Option("--format", metavar=FORMATS, help="How it is written.")] = "markdown",
    schema: pages.Schemas = None,
    title: Annotated[str, typer.Option("--title", help="The title of the page.")] = "Schema",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 10 if FILE says otherwise.")] = False,
    database_url: options.DatabaseUrl = None,
    embedded: options.Embedded = False,
) -> int:
    """Describe the tables, views, types and routines of a database, with its comments and a diagram.

    Example: executor docs schema --format html -o schema.html
    """
    from executor.database import translate
    from sql import catalogue

    with target.connected(database_url, embedded=embedded) as connection, translate.errors():
        found = catalogue.read(connection, schema)
    text = _written(found, format_, title)
    if output is None:
        console.say_bytes(text.encode())
        return 0
    return pages.keep(output, text, check=check)


def _written(found: Catalogue, format_: str, title: str) -> str:
    match format_:
        case "markdown":
            from sql.catalogue import markdown

            return markdown.text(found, title=title)
        case "mermaid":
            from sql.catalogue import mermaid

            return mermaid.text(found)
        case "dot":
            from sql.catalogue import dot

            return dot.text(found, title=title)
        case "html":
            from sql.catalogue import html

            return html.text(found, title=title)
        case "json":
            import json

            from msgspec import to_builtins

            return json.dumps(to_builtins(found), ensure_ascii=False, indent=2) + "\n"
        case _:
            raise UsageError(f"--format {format_}: no such format", hint=f"one of {FORMATS.replace('|', ', ')}")
