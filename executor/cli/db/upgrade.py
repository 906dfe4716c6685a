"""`executor db upgrade`: the embedded database to a newer major version of PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console, options, verb
from executor.cli.db import progress
from executor.cli.db.group import app


@verb.verb(app)
def upgrade(
    now: Annotated[bool, typer.Option("--now", help="Stop running tasks, which are queued again.")] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Take an upgrade back that was cut short.")] = False,
    json: options.Json = False,
) -> None:
    """Copy the embedded database into one of the newest PostgreSQL that is installed, compare it, and use that.

    The old data stays beside it. Minor versions need nothing: the next start takes them.

    Example: executor db upgrade
    """
    from executor import settings
    from executor.operations import upgrading

    chosen = settings.read()
    if abort:
        upgrading.abort(chosen)
        console.say_json({"from": None, "to": None, "backup": None}) if json else console.say("taken back")
        return
    with progress.shown() as tell:
        done = upgrading.upgrade(chosen, now=now, tell=console.warn, progress=tell)
    if json:
        parts = (str(done.old), str(done.new), str(done.backup)) if done else (None, None, None)
        console.say_json(dict(zip(("from", "to", "backup"), parts, strict=True)))
    elif done is None:
        console.say("nothing to do: no newer PostgreSQL is installed")
    else:
        console.say(f"copied {progress.contents(done.manifest)} into {done.new}, and compared every row")
        console.say(f"the old data stays in {done.old}; remove it when you need it no longer")
