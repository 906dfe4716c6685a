"""Our schema as SQL that makes it again, and as a fingerprint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection

from sql.catalogue import facts, reader
from sql.catalogue.dump import text

NAME = "executor"


@dataclass(frozen=True, slots=True)
class Structure:
    """Without rights of roles, who are another server's; fingerprints of one major version can be compared."""

    text: str
    fingerprint: str


def read(connection: Connection[Any]) -> Structure:
    """As it is in this transaction."""
    found, needs = reader.read_with_needs(connection, [NAME])
    ours = replace(found, grants=())
    return Structure(text(ours, needs), facts.fingerprint(ours))
