"""Whether a folder is, letter for letter, what a database has: most runs find nothing to do, and need read no SQL."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from psycopg import Error
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from sql import numbering, queries

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from psycopg import Connection

LEDGER = queries.load("ledger")


def newest(connection: Connection[Any], path: Path | Traversable, set_name: str, scope: str) -> int | None:
    """The newest version, where everything in the folder is applied as it stands there; None to have it looked at.

    One query, and one hash a file. A file that says its `-- migrate: down` in other letters is looked at.
    """
    if not connection.autocommit or connection.info.transaction_status != TransactionStatus.IDLE:
        return None
    applied = _applied(connection, set_name, scope)
    if not applied:
        return None
    files = {(version, ""): entry for version, _, entry in numbering.of(path)}
    files |= {(0, name): entry for name, entry in numbering.repeatables(path)}
    if files.keys() != applied.keys():
        return None
    same = all(_hash(entry.read_bytes()) == applied[key] for key, entry in files.items())
    return max(version for version, _ in files) if same else None


def _applied(connection: Connection[Any], set_name: str, scope: str) -> dict[tuple[int, str], str | None]:
    """The hash of every row's file; none where there is no ledger, or it is not for us to read."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        try:
            given = {"set_name": set_name, "scope": scope}
            rows = cursor.execute(LEDGER.hashes, given, prepare=False).fetchall()
        except Error:
            return {}
    return {(version, str(name)): said for version, name, said in rows}


def _hash(content: bytes) -> str:
    """As the ledger's SQL: no byte order mark, plain line ends."""
    return hashlib.sha256(content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")).hexdigest()
