"""`executor waiting`, `approve`, `reject`, `note`: what waits for people, and what they say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, people, session, verb, wants
from executor.errors import UsageError
from executor.states import TaskStatus

if TYPE_CHECKING:
    from executor.model import Waiting
    from executor.operations.people import Person

app = verb.verbs()
_WORDS = {"approval": "to approve", "review": "to look at", "work": "to do", "mark": "blocked"}


@verb.verb(app)
def waiting(
    file: options.File = None,
    everywhere: Annotated[bool, typer.Option("--all", help="Of every list in the database.")] = False,
    person: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Only what may wait for this person.")
    ] = None,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """What waits for people: what they are to do, who is asked, since when, and until when.

    Example: executor waiting --as ann
    """
    from executor.operations import people as answers

    with (
        session.maybe_of_list(file, database_url, everywhere=everywhere, reads=True) as visit,
        visit.database.connect("command", reads=True) as connection,
    ):
        found = answers.waiting(connection, visit.row, _name(person))
    if json:
        console.say_json({"waiting": [answers.as_dict(task) for task in found]})
        return
    for task in found:
        _show(task, "" if visit.row and file is None else f" {console.short_path(task.path)}")
    if not found:
        console.say(f"nothing waits for {f'@{_name(person)}' if person else 'people'}")


@verb.verb(app)
def approve(
    ids: options.Ids,
    message: options.Message = None,
    person: options.AsPerson = None,
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Let tasks go on that wait for your approval: before their work (`gate: human`) or after it (`gate: human after`).

    Example: executor approve REL-005 -m "only in the test cluster"
    """
    from executor.operations import naming
    from executor.operations import people as answers

    with session.of_list(file, database_url, recover=True) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        before = answers.approve(opened.connection, opened.row, chosen, _person(opened.actor, person), message)
        people.mark(opened)
        command = f"executor run{console.spelled(opened.row.path)}"
    done = [task_id for task_id, was in before.items() if was == "done"]
    apart = [task_id for task_id, was in before.items() if was == "apart"]
    for task_id in done:
        console.say(f"{task_id}  completed (its work is approved)")
    for task_id in apart:
        console.say(f"{task_id}  approved: a running executor brings its work in, or `{command}`")
    rest = {task_id: was for task_id, was in before.items() if task_id not in (*done, *apart)}
    return people.tell(rest, "approved", _refused(rest, "approve"))


@verb.verb(app)
def reject(
    ids: options.Ids,
    message: options.Message = None,
    final: Annotated[bool, typer.Option("--final", help="Count finished work as failed; no other attempt.")] = False,
    person: options.AsPerson = None,
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> int:
    """Say no: finished work is done again, knowing why; a task that has not begun has failed.

    Example: executor reject BLD-002 -m "the tests of the parser are missing"
    """
    from executor.operations import naming
    from executor.operations import people as answers

    with session.of_list(file, database_url, recover=True) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        before = answers.reject(
            opened.connection, opened.row, chosen, _person(opened.actor, person), message, final=final
        )
    again = [task_id for task_id, was in before.items() if was == "done" and not final]
    for task_id in again:
        console.say(f"{task_id}  queued to be done again")
    rest = {task_id: was for task_id, was in before.items() if task_id not in again}
    return people.tell(rest, "failed", _refused(rest, "reject"))


@verb.verb(app)
def note(
    ids: options.Ids,
    message: Annotated[str, typer.Option("--message", "-m", help="What to add.", show_default=False)],
    person: options.AsPerson = None,
    file: options.FileOption = None,
    database_url: options.DatabaseUrl = None,
) -> None:
    """Add something that the next attempts of tasks are told.

    Example: executor note BLD-002 -m "the staging server is down until noon"
    """
    from executor.operations import naming
    from executor.operations import people as answers

    if not message.strip():
        raise UsageError("the note is empty", hint='executor note ID -m "what the next attempt should know"')
    with session.of_list(file, database_url) as opened:
        chosen = naming.find(opened.connection, opened.row.list_id, ids)
        noted = answers.note(opened.connection, chosen, _person(opened.actor, person), message)
    for task_id in noted:
        console.say(f"{task_id}  noted for its next attempts")


def _show(task: Waiting, spelled: str) -> None:
    asked = f"  @{task.who}" if task.who else ""
    console.say(f"{console.styled(task.task_id, 'bold')}  {_WORDS[task.wants]}{asked}  {console.clean(task.title)}")
    since = f"since {task.since.astimezone():%Y-%m-%d %H:%M}" if task.since else ""
    until = f"no answer until {task.until.astimezone():%Y-%m-%d %H:%M} counts as rejected" if task.until else ""
    if since or until:
        console.say(f"    {', '.join(one for one in (since, until) if one)}")
    console.say(f"    {wants.command(task.wants, task.task_id, spelled)}")
    if task.wants == "review":
        named = f"{task.task_id} --file{spelled}" if spelled else task.task_id
        console.say(f"    what it did: executor logs {named}")


def _refused(before: dict[str, str], what: str) -> dict[str, str]:
    words = {status.value: f"is {status}; there is nothing to {what}" for status in TaskStatus}
    others = {was: f"waits {was}, whose answer counts" for was in before.values() if was.startswith("for @")}
    return words | others | {"free": "waits for nobody's word"}


def _name(person: str | None) -> str | None:
    return person.removeprefix("@") if person else None


def _person(account: str, name: str | None) -> Person:
    from executor.operations.people import Person

    return Person(account, _name(name))
