"""Statements that no migration may hold, and those that need a file without a transaction."""

from __future__ import annotations

import re
from itertools import pairwise

from sql.tokens import BadScript, Kind, scan

_ENDS_TRANSACTION = {"BEGIN", "START", "COMMIT", "END", "ABORT", "ROLLBACK"}
_SUSPECTS = _ENDS_TRANSACTION | {"PREPARE", "SET", "COPY", "CREATE"}
_UNNAMED = re.compile(r"create\s+(?:unique\s+)?index\s+concurrently\s+on\b", re.IGNORECASE)
_ALONE_FIRST = {"CREATE", "DROP", "ALTER", "REINDEX", "VACUUM", "CLUSTER"}
_ALONE = re.compile(
    r"""
      VACUUM
    | CLUSTER(?:\ VERBOSE)?$    # of all tables
    | ALTER\ SYSTEM
    | ALTER\ DATABASE\ .*\bTABLESPACE
    | (?:CREATE|DROP)\ (?:DATABASE|TABLESPACE)
    | CREATE\ (?:UNIQUE\ )?INDEX\ CONCURRENTLY
    | DROP\ INDEX\ CONCURRENTLY
    | REINDEX\ (?:VERBOSE\ )?(?:DATABASE|SYSTEM|SCHEMA|(?:(?:TABLE|INDEX)\ )?CONCURRENTLY)
    | ALTER\ TABLE\ .*\bDETACH\ .*\b(?:CONCURRENTLY|FINALIZE)$
    """,
    re.VERBOSE,
)


def refuse(words: tuple[str, ...], sql: str, offset: int) -> None:
    """Raise BadScript for what would end our transaction, change how the file is read, or speak to a client."""
    first = words[0] if words else ""
    if first not in _SUSPECTS:
        return
    if (first in _ENDS_TRANSACTION and not _goes_to_savepoint(words)) or words[:2] == ("PREPARE", "TRANSACTION"):
        raise BadScript(f"{first} in a migration: every file runs in a transaction of its own", offset)
    if first == "SET" and "STANDARD_CONFORMING_STRINGS" in words and "ON" not in words:
        raise BadScript("standard_conforming_strings stays on; write E'…' where a backslash escapes", offset)
    if first == "SET" and "CLIENT_ENCODING" in words and not re.search("utf-?8", sql, re.IGNORECASE):
        raise BadScript("client_encoding stays UTF8: migration files are UTF-8", offset)
    if first == "CREATE" and "CONCURRENTLY" in words and _UNNAMED.match(sql):
        raise BadScript("an index built concurrently needs a name, by which a run finds what a killed one left", offset)
    if first == "COPY" and _names_client(sql):
        raise BadScript("COPY from or to the client: write INSERT, or COPY a file of the server", offset)


def alone(words: tuple[str, ...]) -> str:
    """The statement's kind, if the server runs it outside a transaction only: `CREATE INDEX CONCURRENTLY`; else empty.

    Some are told by more than their words, such as DROP SUBSCRIPTION: those are left to the server.
    """
    if not words or words[0] not in _ALONE_FIRST:
        return ""
    match = _ALONE.match(" ".join(words))
    return match[0] if match else ""


def _names_client(sql: str) -> bool:
    words = [text.upper() for kind, _, text in scan(sql) if kind is Kind.WORD]
    return any(pair in (("FROM", "STDIN"), ("TO", "STDOUT")) for pair in pairwise(words))


def _goes_to_savepoint(words: tuple[str, ...]) -> bool:
    return words[:2] == ("ROLLBACK", "TO") or (words[:1] == ("ROLLBACK",) and words[2:3] == ("TO",))
