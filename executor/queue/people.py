"""What waits for people, and what they answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from executor.model import Waiting
from executor.queue import rows
from executor.queue.steps import Offer
from sql import queries

PEOPLE = queries.load("people")
STEPS = queries.load("steps")
_ANY = Offer()


def waiting(
    connection: Connection[Any],
    list_id: int | None,
    *,
    asked: str | None = None,
    only: Sequence[int] | None = None,
    offer: Offer = _ANY,
    limit: int | None = None,
) -> list[Waiting]:
    """What only people can move, in one list or in all (None).

    For somebody who is `asked` what may wait for them; for a worker what it would do: `only` and `offer` as it claims.
    """
    parameters = {"list_id": list_id, "asked": asked, "limit": limit, **_choice(only, offer)}
    return rows.many(connection, Waiting, PEOPLE.waiting, parameters)


def approve(
    connection: Connection[Any], queue_ids: Sequence[int], actor: str, person: str | None = None
) -> dict[str, str]:
    """Let tasks go on that wait for a person; for each what it was: `held` before its work, `done` after it.

    `apart` is done too, but stands in a workspace of its own and is brought in by the next run.

    Else nothing was changed: `free` waits for nobody, `for @ann` for somebody else than this `person`, or its status.
    """
    parameters = {"queue_ids": list(queue_ids), "actor": actor, "person": person}
    return _by_id(connection.execute(PEOPLE.approve, parameters).fetchall())


def reject(
    connection: Connection[Any],
    queue_ids: Sequence[int],
    actor: str,
    said: str,
    *,
    person: str | None = None,
    final: bool = False,
) -> dict[str, str]:
    """A person's no, answered as by `approve`: `held` tasks have failed, `done` ones too if it is `final`.

    Otherwise those are done again, with `said` as their last error.
    """
    parameters = {"queue_ids": list(queue_ids), "actor": actor, "said": said, "person": person, "final": final}
    return _by_id(connection.execute(PEOPLE.reject, parameters).fetchall())


def note(connection: Connection[Any], queue_ids: Sequence[int], actor: str, *, by: str, content: str) -> dict[str, str]:
    """Keep what a person adds for the next attempts; the status each task has."""
    parameters = {"queue_ids": list(queue_ids), "actor": actor, "by": by, "content": content}
    return _by_id(connection.execute(PEOPLE.note, parameters).fetchall())


def ask(
    connection: Connection[Any], list_id: int, actor: str, *, only: Sequence[int] | None = None, offer: Offer = _ANY
) -> list[tuple[str, str]]:
    """Note what waits for people now, and take no answer in time for a no, in one transaction.

    A worker asks about what it would do: `only` and `offer` as it claims. Task id and error of those that failed by it.
    """
    parameters = {"list_id": list_id, "actor": actor, **_choice(only, offer)}
    with connection.transaction():
        connection.execute(STEPS.enter, {"list_id": list_id})
        connection.execute(PEOPLE.ask, parameters)
        expired = connection.execute(PEOPLE.expire, parameters).fetchall()
        if expired:
            failed = [queue_id for queue_id, _, _ in expired]
            connection.execute(STEPS.skip_dependents, {"queue_ids": failed, "actor": actor})
    return [(task_id, said) for _, task_id, said in expired]


def _choice(only: Sequence[int] | None, offer: Offer) -> dict[str, Any]:
    return {"only": None if only is None else list(only), **offer.columns()}


def _by_id(changed: Sequence[tuple[int, str, str]]) -> dict[str, str]:
    return {task_id: was for _, task_id, was in changed}
