"""Our schema as SQL that makes it again, and as a fingerprint."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from sql.catalogue import facts, reader
from sql.catalogue.dump import text

NAME = "executor"
_CLOSED = (
    "executor.refuse_moved("  # a trigger that closes a table during a move, and says nothing about another database
)


class Structure(Struct, frozen=True):
    """Without rights of roles, who are another server's; fingerprints of one major version can be compared."""

    text: str
    fingerprint: str


def read(connection: Connection[Any]) -> Structure:
    """As it is in this transaction."""
    found, needs = reader.read_with_needs(connection, [NAME])
    relations = tuple(
        replace(one, triggers=tuple(trigger for trigger in one.triggers if _CLOSED not in trigger.definition))
        for one in found.relations
    )
    ours = replace(found, grants=(), relations=relations)
    return Structure(text(ours, needs), facts.fingerprint(ours))
