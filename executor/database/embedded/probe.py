"""Whether the server lets us in: one connection, and what its refusal means."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from executor.database.embedded.address import Address

CONNECT_SECONDS = 5


class Meaning(StrEnum):
    WELCOME = "welcome"
    UNKNOWN = "unknown"  # the role, its password or the database
    UNREACHABLE = "unreachable"  # nobody listens at that address
    NOT_NOW = "not now"  # starting, recovering, stopping


class Answer(Struct, frozen=True):
    meaning: Meaning
    said: str = ""


def ask(address: Address, *, wait: int = CONNECT_SECONDS) -> Answer:
    """Connect once, within `wait` seconds (libpq makes it two at least), and hang up."""
    import psycopg

    try:
        psycopg.connect(address.conninfo(), connect_timeout=wait).close()
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        return Answer(interpret(said), said)
    return Answer(Meaning.WELCOME)


def interpret(said: str) -> Meaning:
    """A refused connection carries no SQLSTATE; but the server runs with LC_MESSAGES=C, so its words are stable."""
    if re.search(r"too many clients|remaining connection slots|too many connections", said):
        return Meaning.WELCOME  # full, and therefore well: the caller's own connection will say so better
    if re.search(r"authentication failed|role .* does not exist|database .* does not exist|no password supplied", said):
        return Meaning.UNKNOWN
    if re.search(r"No such file or directory|Connection refused|Network is unreachable|Permission denied", said):
        return Meaning.UNREACHABLE
    return Meaning.NOT_NOW
