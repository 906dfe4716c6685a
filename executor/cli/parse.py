"""`executor parse`: the list as the loader sees it."""

from __future__ import annotations

from executor.cli import console, options, verb
from executor.errors import EXIT_USAGE

app = verb.verbs()


@verb.verb(app)
def parse(
    file: options.File = None,
    json: options.Json = True,  # noqa: ARG001 - `parse` itself is JSON already; accepted for symmetry
    dialect: options.Dialect = None,
    on_duplicate: options.OnDuplicate = "error",
    allow_missing: options.AllowMissing = False,
    max_size: options.MaxSize = None,
) -> int:
    """Print the parsed list as JSON. Needs no database.

    Example: executor parse tasks.md | jq '.tasks[].id'
    """
    from executor.operations import files
    from loader.as_json import as_dict

    path = files.choose(file)
    reading = files.Reading(str(path), dialect, on_duplicate, allow_missing, files.size_max(max_size))
    parsed = reading.parse(reading.read())
    console.say_json(as_dict(parsed))
    return EXIT_USAGE if parsed.errors else 0
