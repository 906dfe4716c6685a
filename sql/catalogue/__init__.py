"""The schema of a database: read as values, and all that is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sql.catalogue import facts
from sql.catalogue.difference import Difference, differences
from sql.catalogue.dump import dump
from sql.catalogue.reader import read
from sql.catalogue.values import Catalogue, Relation

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Catalogue", "Difference", "Relation", "differences", "dump", "fingerprint", "read"]


def fingerprint(connection: Connection[Any], schemas: Sequence[str] | None = None) -> str:
    """The fingerprint of these schemas; without any named, of all but the server's own and `executor`.

    Equal for equal schemas whatever their history, their owner and their OIDs. Another version of PostgreSQL may print
    an expression in another way: compare fingerprints of one major version.
    """
    return facts.fingerprint(read(connection, schemas))
