"""`executor doctor`: what is wrong with this machine, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, session, verb
from executor.errors import EXIT_DONE, EXIT_FAILED

if TYPE_CHECKING:
    from executor.operations.diagnosis import Finding

app = verb.verbs()


@verb.verb(app)
def doctor(
    json: options.Json = False,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="FILE", help="Write a ZIP for a report, without secrets.", show_default=False),
    ] = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Look at everything a run needs, and say what to do about what is wrong.

    Example: executor doctor
    """
    from executor.operations import diagnosis
    from executor.operations.diagnosis import bundle as bundles

    with session.database(database_url) as (database, chosen):
        found = diagnosis.examine(database, chosen)
        if bundle is not None:
            bundles.write(bundle, found, chosen)
    if json:
        console.say_json([bundles.as_dict(one) for one in found])
        return _exit_code(found)
    console.table([["ok" if one.well else "WRONG", one.subject, one.seen] for one in found])
    for one in found:
        if not one.well:
            console.say(f"{one.subject}: {one.remedy}")
    if bundle is not None:
        console.say(f"wrote {bundle}: look into it before you send it")
    return _exit_code(found)


def _exit_code(found: list[Finding]) -> int:
    return EXIT_DONE if all(one.well for one in found) else EXIT_FAILED
