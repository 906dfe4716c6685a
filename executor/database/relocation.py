"""How a database stands in a move of the queue: exactly one of two is the truth at every moment.

source        target
leaving       -            the source is the truth; nobody begins anything there
leaving       arriving     so it is; the target holds a copy that nobody uses
left          arriving     the target is, and waits to be opened
left          arrived      the target is in use
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection
from psycopg.errors import UndefinedTable
from psycopg.rows import class_row

from executor.errors import DatabaseError
from sql import queries

RELOCATION = queries.load("relocation")


class State(StrEnum):
    """As the table says it."""

    LEAVING = "leaving"
    LEFT = "left"
    ARRIVING = "arriving"
    ARRIVED = "arrived"


class Relocation(Struct, frozen=True):
    """`other` is the database at the other end, without user and password."""

    move_id: UUID
    state: str
    other: str
    since: datetime


def read(connection: Connection[Any]) -> Relocation | None:
    """How it stands; None where the queue never moved. Outside a transaction, unless the table is known to be there."""
    with connection.cursor(row_factory=class_row(Relocation)) as cursor:
        try:
            return cursor.execute(RELOCATION.standing, prepare=False).fetchone()
        except UndefinedTable:
            return None


def refuse(connection: Connection[Any], where: str) -> None:
    """Raise DatabaseError unless this database is the truth, and not about to stop being it."""
    found = read(connection)
    if found is None or found.state == State.ARRIVED:
        return
    if found.state == State.LEFT:
        raise DatabaseError(
            f"the queue of {where} was moved to {found.other} on {found.since:%Y-%m-%d}",
            hint="set DATABASE_URL to that, or unset it if it names the old one; a move that was cut short is "
            "finished by `executor db move --to` and its address",
            code="DB_MOVED",
        )
    direction = "to" if found.state == State.LEAVING else "from"
    raise DatabaseError(
        f"the queue of {where} is being moved {direction} {found.other}, since {found.since:%Y-%m-%d %H:%M} UTC",
        hint="wait for it; one that was cut short is finished by the same command, `executor db move` or `db upgrade`, "
        "or taken back by it with --abort",
        code="DB_MOVING",
    )


def put(connection: Connection[Any], move_id: UUID, state: State, other: str) -> None:
    """Say how this database stands from now on."""
    connection.execute(RELOCATION.put, {"move_id": move_id, "state": state.value, "other": other}, prepare=False)


def begin_leaving(connection: Connection[Any], move_id: UUID, other: str) -> None:
    """Nobody enters as a worker from now on, and no command begins anything."""
    with connection.transaction():
        connection.execute(RELOCATION.open_entry, prepare=False)
        connection.execute(RELOCATION.close_entry, prepare=False)
        put(connection, move_id, State.LEAVING, other)


def hold(connection: Connection[Any]) -> None:
    """Let nobody change anything until the transaction ends; the first statement of one."""
    connection.execute(RELOCATION.hold, prepare=False)


def leave(connection: Connection[Any], found: Relocation) -> None:
    """From the end of this transaction on the other database is the truth, and nothing can be changed here."""
    connection.execute(RELOCATION.close, prepare=False)
    put(connection, found.move_id, State.LEFT, found.other)


def arrive(connection: Connection[Any], move_id: UUID, other: str) -> None:
    """This is a copy that nobody uses yet."""
    put(connection, move_id, State.ARRIVING, other)


def stay(connection: Connection[Any]) -> None:
    """Take a move back: this database is the truth again, or still."""
    with connection.transaction():
        connection.execute(RELOCATION.open_entry, prepare=False)
        connection.execute(RELOCATION.reopen, prepare=False)
        connection.execute(RELOCATION.forget, prepare=False)
