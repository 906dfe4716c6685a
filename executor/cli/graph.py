"""`executor graph`: who waits for whom, as text, Mermaid, DOT, SVG or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, session, verb

if TYPE_CHECKING:
    from executor.cli.graphs.picture import Picture

app = verb.verbs()
_FORMATS = ("text", "mermaid", "dot", "svg", "json")
_BY_SUFFIX = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".json": "json"}


@verb.verb(app)
def graph(
    file: options.File = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="How to draw it; without it as OUTPUT is named, else text. `svg` needs Graphviz.",
            metavar="|".join(_FORMATS),
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file.", show_default=False)
    ] = None,
    json: options.Json = False,
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Draw who waits for whom, with the status of every task and the longest chain.

    Statuses are the queue's where a database is up that knows the list, else the marks of the file. Starts nothing.

    Example: executor graph tasks.md --format mermaid
    """
    from executor.cli.graphs import picture
    from executor.errors import UsageError
    from executor.operations import files, standing, vetting

    chosen = "json" if json else format or _BY_SUFFIX.get(output.suffix.casefold() if output else "", "text")
    if chosen not in _FORMATS:
        raise UsageError(f"no format '{chosen}'", hint=f"one of {', '.join(_FORMATS)}")
    path = files.choose(file)
    if output is not None and output.exists() and output.samefile(path):
        raise UsageError(f"{output} is the task list itself", hint="name another file with --output")
    reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
    parsed = reading.parse(reading.read())
    vetting.refuse_errors(path, parsed)
    with session.database(database_url) as (database, _):
        found = standing.read(database, path, parsed)
    if found.unread:
        console.warn(f"statuses are the marks of the file: {found.unread}")
    drawn = _drawn(picture.of(console.short_path(path), parsed, found.states, found.source), chosen)
    if output is None:
        console.say_bytes(drawn)
        return
    try:
        output.write_bytes(drawn)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}", hint="name another file") from error
    console.warn(f"wrote {console.short_path(output)}")


def _drawn(seen: Picture, chosen: str) -> bytes:
    from executor.cli.graphs import dot, mermaid, picture, text

    def joined(lines: Iterable[str]) -> bytes:
        return "".join(f"{line}\n" for line in lines).encode()

    match chosen:
        case "json":
            return json.dumps(picture.as_dict(seen), ensure_ascii=False).encode() + b"\n"
        case "svg":
            return dot.svg(joined(dot.draw(seen)))
        case "mermaid":
            chart = joined(mermaid.draw(seen))
            if len(chart) > mermaid.LENGTH_MAX or len(seen.edges) > mermaid.EDGES_MAX:
                console.warn(
                    f"{console.counted(len(seen.edges), 'edge')}: Mermaid draws at most {mermaid.EDGES_MAX} and "
                    f"{mermaid.LENGTH_MAX:,} characters unless it is configured otherwise; --format svg draws all"
                )
            return chart
        case "dot":
            return joined(dot.draw(seen))
        case _:
            return joined(text.draw(seen))
