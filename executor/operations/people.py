"""What people answer: approve, reject, and what they note for the next attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection

from executor.database import translate
from executor.events import timestamp
from executor.model import ListRow, TaskName, Waiting
from executor.operations import control
from executor.queue import people


class Person(Struct, frozen=True):
    """Who answers: the account that types, and the name it goes by (`--as`), if it gave one."""

    account: str
    name: str | None = None

    @property
    def actor(self) -> str:
        """As events tell it."""
        return f"{self.name} ({self.account})" if self.name else self.account

    @property
    def by(self) -> str:
        """As other people and the next attempt read it."""
        return self.name or self.account


def waiting(connection: Connection[Any], row: ListRow | None, name: str | None) -> list[Waiting]:
    """What only people can move, in one list or in all; with a name, what may wait for that person."""
    with translate.errors():
        return people.waiting(connection, row.list_id if row else None, asked=name)


def approve(
    connection: Connection[Any], row: ListRow, chosen: Sequence[TaskName], person: Person, said: str | None
) -> dict[str, str]:
    """Let tasks go on, as `queue.people.approve` answers; what is `said` goes with them."""
    with control.alone(connection, row.list_id, person.actor):
        people.ask(connection, row.list_id, person.actor)  # an answer that comes too late is none
        before = people.approve(connection, control.ids(chosen), person.actor, person.name)
        if said:
            _note(connection, [one for one in chosen if before[one.task_id] in ("held", "done", "apart")], person, said)
    return before


def reject(
    connection: Connection[Any],
    row: ListRow,
    chosen: Sequence[TaskName],
    person: Person,
    said: str | None,
    *,
    final: bool,
) -> dict[str, str]:
    """A person's no, as `queue.people.reject` answers; why goes into the next attempt."""
    why = f"rejected by {person.by}{f': {said}' if said else ''}"
    with control.alone(connection, row.list_id, person.actor):
        people.ask(connection, row.list_id, person.actor)
        return people.reject(connection, control.ids(chosen), person.actor, why, person=person.name, final=final)


def note(connection: Connection[Any], chosen: Sequence[TaskName], person: Person, said: str) -> dict[str, str]:
    """Keep what a person adds for the next attempts of tasks; the status each has."""
    with translate.errors(), connection.transaction():
        return _note(connection, chosen, person, said)


def as_dict(task: Waiting) -> dict[str, object]:
    """One task of `waiting --json`."""
    return {
        "list": task.path,
        "id": task.task_id,
        "title": task.title,
        "wants": task.wants,
        "asked": task.who,
        "attempts": task.attempts,
        "asked_at": timestamp(task.since),
        "answer_until": timestamp(task.until),
    }


def _note(connection: Connection[Any], chosen: Sequence[TaskName], person: Person, said: str) -> dict[str, str]:
    return people.note(connection, control.ids(chosen), person.actor, by=person.by, content=said)
