"""`executor skip`, `requeue`, `done`, `prioritize`: a person's word on single tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from executor.cli import console, options, session, verb
from executor.errors import EXIT_USAGE, UsageError
from executor.states import TaskStatus

app = verb.verbs()
_PRIORITIES = ("P0", "P1", "P2", "P3", "P4")


@verb.verb(app)
def skip(ids: options.Ids, file: options.FileOption = None, database_url: options.DatabaseUrl = None) -> int:
    """Skip tasks. Those that wait for them count them as met; a running one is ended first.

    Example: executor skip BLD-003
    """
    from executor.operations import control, naming

    with session.of_list(file, database_url, recover=True) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        before = control.skip(opened.connection, opened.row, chosen, opened.actor)
        return tell(
            before,
            "skipped",
            {TaskStatus.COMPLETED: "is completed already", TaskStatus.RUNNING: "runs; it is being ended"},
        )


@verb.verb(app)
def requeue(
    ids: options.Ids,
    with_dependents: Annotated[
        bool, typer.Option("--with-dependents", help="Also whatever depends on them, completed or not.")
    ] = False,
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Queue tasks again, with all their attempts before them. What was skipped for their failure comes back.

    Example: executor requeue BLD-002 && executor run
    """
    from executor.operations import control, naming

    with session.of_list(file, database_url, recover=True) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        before = control.requeue(opened.connection, opened.row, chosen, opened.actor, with_dependents=with_dependents)
        mark(opened)
        return tell(before, "queued", {TaskStatus.RUNNING: "runs; `executor stop --now` queues it again"})


@verb.verb(app)
def done(
    ids: options.Ids,
    person: options.AsPerson = None,
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Count tasks as done by you, and tick them in the file. A manual task with checks runs those first.

    Example: executor done REL-004
    """
    from executor.operations import control, naming
    from executor.operations.people import Person

    with session.of_list(file, database_url, recover=True) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        who = Person(opened.actor, person.removeprefix("@") if person else None)
        before = control.done(opened.connection, opened.row, chosen, who.actor)
        mark(opened)
        checking = [task_id for task_id, was in before.items() if was == "checking"]
        command = f"executor run{console.spelled(opened.row.path)}"
        for task_id in checking:
            console.say(f"{task_id}  its checks have the last word: a running executor runs them, or `{command}`")
        rest = {task_id: was for task_id, was in before.items() if was != "checking"}
        return tell(rest, "completed", {TaskStatus.RUNNING: "runs; `executor skip` ends it"})


@verb.verb(app)
def prioritize(
    ids: options.Ids,
    priority: Annotated[str, typer.Argument(metavar="P0|P1|P2|P3|P4", help="How urgent they are now.")],
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Say how urgent tasks are, from the next claim on. It counts until the file's own priority of them changes.

    Example: executor prioritize BLD-003 P1
    """
    from executor.operations import control, naming

    word = priority.upper()
    if word not in _PRIORITIES:
        raise UsageError(f"no priority '{priority}'", hint=f"one of {', '.join(_PRIORITIES)}")
    with session.of_list(file, database_url, recover=True) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        before = control.prioritize(opened.connection, opened.row, chosen, int(word[1:]), opened.actor)
        return tell(before, word, {})


def mark(opened: session.Session) -> None:
    """Tick and open boxes in the file as the queue stands now."""
    from executor.operations import control

    failure = control.mark_file(opened.connection, opened.row)
    if failure:
        console.warn(f"the file could not be marked: {failure}")


def tell(before: Mapping[str, str], now: str, refused: Mapping[str, str]) -> int:
    """One line a task; the exit code is for those that stayed as they were and will not follow by themselves."""
    code = 0
    for task_id, was in before.items():
        reason = refused.get(was)
        if reason is not None:
            console.say(f"{task_id}  {reason}")
            code = code or (0 if "being ended" in reason else EXIT_USAGE)
        elif was == now:
            console.say(f"{task_id}  was {was} already")
        else:
            console.say(f"{task_id}  {now} (was {was})")
    return code
