"""`executor pause`, `resume`, `stop`: a person's word on a whole list."""

from __future__ import annotations

from typing import Annotated

import typer

from executor.cli import console, options, session, verb

app = verb.verbs()


@verb.verb(app)
def pause(file: options.File = None, database_url: options.DatabaseUrl = None) -> None:
    """Start no new task of a list until `resume`; what runs goes on. Survives every crash.

    Example: executor pause tasks.md
    """
    from executor.operations import control

    with session.of_list(file, database_url, recover=True) as opened:
        changed = control.pause(opened.connection, opened.row, opened.actor)
        already = "" if changed else "already "
        console.say(f"{already}paused; `executor resume{console.spelled(opened.row.path)}` goes on")


@verb.verb(app)
def resume(file: options.File = None, database_url: options.DatabaseUrl = None) -> None:
    """Lift a pause. A running executor goes on at once; without one, start `executor run`.

    Example: executor resume tasks.md
    """
    from executor.operations import control

    with session.of_list(file, database_url, recover=True) as opened:
        changed = control.resume(opened.connection, opened.row, opened.actor)
        workers = opened.row.workers
        if not changed:
            console.say("not paused")
        elif workers:
            console.say(f"resumed; {console.counted(workers, 'executor')} at work goes on")
        else:
            command = f"executor run{console.spelled(opened.row.path)}"
            console.say(f"resumed; no executor is at work: start one with `{command}`")


@verb.verb(app)
def stop(
    file: options.File = None,
    now: Annotated[bool, typer.Option("--now", help="Stop running tasks too; they are queued again.")] = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Let every executor of a list finish what it runs and leave.

    Example: executor stop --now tasks.md
    """
    from executor.operations import control

    with session.of_list(file, database_url, recover=True) as opened:
        control.stop(opened.connection, opened.row, opened.actor, now=now)
        workers = opened.row.workers
        console.say(
            f"stopping {console.counted(workers, 'executor')}" if workers else "stopped; no executor was at work"
        )
