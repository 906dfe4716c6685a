"""`executor doctor`: what is wrong with this machine, and what to do."""

from __future__ import annotations

from executor.cli import console, options, session, verb
from executor.errors import EXIT_DONE, EXIT_FAILED

app = verb.verbs()


@verb.verb(app)
def doctor(json: options.Json = False, database_url: options.DatabaseUrl = None) -> int:
    """Look at everything a run needs, and say what to do about what is wrong.

    Example: executor doctor
    """
    from executor.operations import diagnosis

    with session.database(database_url) as (database, chosen):
        found = diagnosis.examine(database, chosen)
    if json:
        console.say_json(
            [
                {"subject": one.subject, "well": one.well, "seen": one.seen, "remedy": "" if one.well else one.remedy}
                for one in found
            ]
        )
    else:
        console.table([["ok" if one.well else "WRONG", one.subject, one.seen] for one in found])
        for one in found:
            if not one.well:
                console.say(f"{one.subject}: {one.remedy}")
    return EXIT_DONE if all(one.well for one in found) else EXIT_FAILED
