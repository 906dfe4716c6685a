"""One turn of a worker as one transaction: settle, keep output, claim the next, hear what people asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from psycopg import Connection

from executor.database import volley
from executor.database.volley import Statement
from executor.model import Claimed, Orders, Prospects, Settled, Skipped
from executor.outcome import Move
from executor.queue import rows
from executor.states import RunStatus, TaskStatus
from sql import queries

STEPS = queries.load("steps")
TASKS = queries.load("tasks")
LISTS = queries.load("lists")


class _Past(Struct, frozen=True):
    queue_id: int
    list_created_at: datetime
    since: int | None


class Chunk(Struct, frozen=True):
    """A piece of a run's output: `number` counts from 0 within the run."""

    run_id: int
    number: int
    content: bytes


class Talk(Struct, frozen=True):
    """The conversation with an agent that a run is part of."""

    run_id: int
    agent: str
    session: str


class Offer(Struct, frozen=True):
    """Which tasks a worker is there for.

    It has the `labels` that tasks may need; `tags` are those of which a task must have one, None is any task; as a
    `person` it leaves the tasks of others alone.
    """

    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None
    person: str | None = None

    def columns(self) -> dict[str, Any]:
        """As parameters of the statements that choose tasks."""
        return {
            "labels": list(self.labels),
            "tags": None if self.tags is None else list(self.tags),
            "person": self.person,
        }


class Appetite(Struct, frozen=True):
    """What a worker would claim. `only` are queue ids; None is every task of the list.

    `most` bounds what runs of the list at the same time, on all workers; with it the limit is 1. `beyond` is the place
    below which nothing was ready a moment ago (`Waterline`); 0 looks at all.
    """

    limit: int
    in_order: bool
    stop_if_failed_since: datetime | str
    only: Sequence[int] | None = None
    offer: Offer = field(default_factory=Offer)
    most: int | None = None
    workspace: str | None = None  # where tasks work that do not say so themselves
    beyond: int = 0


class Turn(Struct, frozen=True):
    """What a worker has to tell and to ask in one step. `orders` off: it asked what people want a moment ago.

    `holding` are the queue ids of its runs, of which people may want something.
    """

    list_id: int
    worker_id: int
    worker: str
    moves: Sequence[Move] = ()
    chunks: Sequence[Chunk] = ()
    talks: Sequence[Talk] = ()
    marks: Sequence[tuple[str, str]] = ()
    file_sha256: str | None = None
    appetite: Appetite | None = None
    orders: bool = True
    holding: Sequence[int] = ()


class Answer(Struct, frozen=True):
    """What came of a turn. A move whose run is not in `settled` had lost its task.

    `orders` is None where the list is no longer there, or where the turn did not ask.
    """

    settled: Sequence[Settled] = ()
    skipped: Sequence[Skipped] = ()
    claimed: Sequence[Claimed] = ()
    orders: Orders | None = field(default=None)


def take(connection: Connection[Any], turn: Turn) -> Answer:
    """Do a whole turn in one transaction and one round trip.

    Repeating a turn whose commit was not acknowledged changes nothing twice: runs are fenced, chunks have keys.
    """
    told = _statements(turn)
    answers = dict(zip(told, volley.fire(connection, list(told.values())), strict=True))
    return Answer(
        settled=answers.get("settle", ()),
        skipped=answers.get("skip_dependents", ()),
        claimed=_with_pasts(connection, answers.get("claim", []), turn.appetite.workspace if turn.appetite else None),
        orders=next(iter(answers.get("orders", ())), None),
    )


def _statements(turn: Turn) -> dict[str, Statement]:
    """What a turn has to say, by name, in the order in which it is said."""
    here = {"list_id": turn.list_id, "worker_id": turn.worker_id, "worker": turn.worker}
    failed = [move.queue_id for move in turn.moves if move.task_status is TaskStatus.FAILED]
    told = {"enter": Statement(STEPS.enter, here)}
    if turn.chunks:
        told["append_output"] = Statement(STEPS.append_output, here | _chunk_columns(turn.chunks))
    if turn.talks:
        told["note_sessions"] = Statement(STEPS.note_sessions, _talk_columns(turn.talks))
    if turn.moves:
        told["settle"] = Statement(STEPS.settle, here | _move_columns(turn.moves), Settled)
        told |= _of_agents(turn)
    if failed:
        told["skip_dependents"] = Statement(STEPS.skip_dependents, {"queue_ids": failed, "actor": turn.worker}, Skipped)
    if turn.marks:
        task_ids, marks = zip(*turn.marks, strict=True)
        columns = {"list_id": turn.list_id, "task_ids": list(task_ids), "marks": list(marks)}
        told["record_marks"] = Statement(TASKS.record_marks, columns)
    if turn.file_sha256:
        told["record_file"] = Statement(LISTS.record_file, {"list_id": turn.list_id, "sha256": turn.file_sha256})
    if turn.appetite:
        if turn.appetite.most is not None:
            told["count_alone"] = Statement(STEPS.count_alone, here)
        settled = {"settled": [move.queue_id for move in turn.moves]}
        columns = here | settled | _appetite_columns(turn.appetite)
        told["claim"] = Statement(_claim(turn.appetite.limit), columns, Claimed)
    if turn.orders:
        told["orders"] = Statement(STEPS.orders, here | {"holding": list(turn.holding)}, Orders)
    return told


def _of_agents(turn: Turn) -> dict[str, Statement]:
    """What the end of agents' runs means beyond their tasks: what they used, limits that others meet too, a halt."""
    told = {}
    if used := [move for move in turn.moves if move.usage]:
        told["record_usage"] = Statement(STEPS.record_usage, _usage_columns(used))
    waits = {
        move.usage.agent: move.wait
        for move in used
        if move.usage and move.run_status is RunStatus.REFUSED and move.wait
    }
    if waits:
        held = {"list_id": turn.list_id, "agents": list(waits), "waits": list(waits.values())}
        told["hold_agents"] = Statement(STEPS.hold_agents, held)
    if reason := next((move.halt for move in turn.moves if move.halt), ""):
        told["halt"] = Statement(LISTS.halt, {"list_id": turn.list_id, "actor": turn.worker, "reason": reason})
    return told


@cache
def _claim(limit: int) -> bytes:
    """The claim with its limit written out, for the plan's sake; an int cannot carry anything else into it."""
    return STEPS.claim.replace(b"LIMIT 1 ", b"LIMIT %d " % limit)


def held(connection: Connection[Any], worker_id: int) -> list[Claimed]:
    """The runs the record says this worker carries out."""
    found = rows.many(connection, Claimed, STEPS.claimed_by, {"worker_id": worker_id})
    return _with_pasts(connection, found, "worktree")  # their lists are not known here: all of them


def _with_pasts(connection: Connection[Any], claimed: list[Claimed], workspace: str | None) -> list[Claimed]:
    """The same with what SQL tasks and those with a worktree need beside; every claim would pay for what few ask.

    Nobody but the holder of a run can change the answer after its claim.
    """
    asking = [one.queue_id for one in claimed if _needs_past(one, workspace)]
    if not asking:
        return claimed
    pasts = {past.queue_id: past for past in rows.many(connection, _Past, STEPS.pasts, {"queue_ids": asking})}
    return [
        replace(one, since=past.since, list_created_at=past.list_created_at) if past else one
        for one, past in ((one, pasts.get(one.queue_id)) for one in claimed)
    ]


def _needs_past(claimed: Claimed, workspace: str | None) -> bool:
    chosen = claimed.spec.get("settings", {}).get("workspace") or workspace
    return claimed.runner in ("sql", "migrate") or chosen == "worktree"


def prospects(connection: Connection[Any], list_id: int, appetite: Appetite) -> Prospects:
    """What is left of a list for a worker with this appetite; its limit does not matter here."""
    left = rows.one(
        connection,
        Prospects,
        STEPS.prospects,
        appetite.offer.columns()
        | {
            "list_id": list_id,
            "only": None if appetite.only is None else list(appetite.only),
            "stop_if_failed_since": appetite.stop_if_failed_since,
        },
    )
    assert left is not None, "an aggregate without GROUP BY answers one row"
    return left


def ended_as(connection: Connection[Any], run_ids: Sequence[int]) -> dict[int, tuple[str, timedelta | None]]:
    """Status and duration of runs in the record, for those whose settling got no answer."""
    answer = connection.execute(STEPS.run_statuses, {"run_ids": list(run_ids)}).fetchall()
    return {run_id: (status, took) for run_id, status, took in answer}


def recount(connection: Connection[Any], list_id: int) -> int:
    """Count unmet dependencies again for a whole list; how many counters were wrong (none, unless something broke)."""
    with connection.transaction():
        connection.execute(STEPS.enter_alone, {"list_id": list_id})
        return len(connection.execute(STEPS.recount, {"list_id": list_id, "queue_ids": None}).fetchall())


def tell(connection: Connection[Any], list_id: int, worker_id: int | None = None) -> None:
    """Wake everybody who listens to a list. Never inside a change of state: NOTIFY takes a lock until its commit."""
    connection.execute(STEPS.notify, {"list_id": list_id, "worker_id": worker_id})


def _appetite_columns(appetite: Appetite) -> dict[str, Any]:
    return {
        **appetite.offer.columns(),
        "limit": appetite.limit,
        "most": appetite.most,
        "in_order": appetite.in_order,
        "beyond": appetite.beyond,
        "stop_if_failed_since": appetite.stop_if_failed_since,
        "only": None if appetite.only is None else list(appetite.only),
    }


def _chunk_columns(chunks: Sequence[Chunk]) -> dict[str, Any]:
    return {
        "run_ids": [chunk.run_id for chunk in chunks],
        "chunks": [chunk.number for chunk in chunks],
        "contents": [chunk.content for chunk in chunks],
    }


def _move_columns(moves: Sequence[Move]) -> dict[str, Any]:
    return {
        "run_ids": [move.run_id for move in moves],
        "queue_ids": [move.queue_id for move in moves],
        "run_statuses": [move.run_status.value for move in moves],
        "task_statuses": [move.task_status.value for move in moves],
        "errors": [move.error.replace("\0", "\N{REPLACEMENT CHARACTER}") for move in moves],
        "exit_codes": [move.exit_code for move in moves],
        "signals": [move.signal for move in moves],
        "cpu_seconds": [move.cpu_seconds for move in moves],
        "memory_bytes": [move.memory_bytes or None for move in moves],
        "waits": [move.wait for move in moves],
        "counts": [move.counts for move in moves],
        "reviews": [move.review for move in moves],
    }


def _talk_columns(talks: Sequence[Talk]) -> dict[str, Any]:
    return {
        "run_ids": [talk.run_id for talk in talks],
        "agents": [talk.agent for talk in talks],
        "sessions": [talk.session for talk in talks],
    }


def _usage_columns(moves: Sequence[Move]) -> dict[str, Any]:
    used = [move.usage for move in moves if move.usage]
    return {
        "run_ids": [move.run_id for move in moves],
        "agents": [usage.agent for usage in used],
        "sessions": [usage.session for usage in used],
        "answers": [usage.answer.replace("\0", "\N{REPLACEMENT CHARACTER}") for usage in used],
        "tokens_in": [usage.tokens_in for usage in used],
        "tokens_out": [usage.tokens_out for usage in used],
        "tokens_cached": [usage.tokens_cached for usage in used],
        "costs_usd": [usage.cost_usd for usage in used],
    }
