"""`executor events`: the log of everything that happened to a list, or to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from executor.cli import console, options, session, verb

if TYPE_CHECKING:
    from executor.events import Event

app = verb.verbs()


@verb.verb(app)
def events(
    file: options.File = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now.")] = False,
    since: Annotated[int, typer.Option("--since", min=0, help="Only after the event with this number.")] = 0,
    everywhere: Annotated[bool, typer.Option("--all", help="Of every list of the database.")] = False,
    json: options.Json = False,
    database_url: options.DatabaseUrl = None,
) -> None:
    """The event log: every change of state, who did it and when; of all lists where the folder here holds none.

    Example: executor events tasks.md -f
    """
    from executor.operations import following

    with session.maybe_of_list(file, database_url, everywhere=everywhere, reads=True) as opened:
        line = opened.line()
        try:
            for event in following.log(line, since=since, text=json, follow=follow):
                if json:
                    console.say_json(event.as_dict())
                elif event.kind != "task.output":
                    console.say(_line(event, name_list=opened.row is None))
        finally:
            line.close()


def _line(event: Event, *, name_list: bool) -> str:
    from executor.events import timestamp

    detail = " ".join(f"{key}={_short(value)}" for key, value in event.detail.items())
    where = console.short_path(event.list) if name_list else ""
    words = [str(event.id), timestamp(event.at) or "", where, event.kind, event.task or "", detail, f"by {event.actor}"]
    return "  ".join(word for word in words if word)


def _short(value: object) -> str:
    return console.clean(str(value).partition("\n")[0][:80])
