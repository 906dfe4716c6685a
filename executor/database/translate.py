"""The one door for driver errors: what psycopg raises comes out as a DatabaseError with a code and a next step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from executor.errors import DatabaseError, DatabaseLost

Answer = TypeVar("Answer")

_UNREACHABLE_HINT = (
    "check DATABASE_URL and that its server runs; without DATABASE_URL run the same command again, "
    "which starts the embedded server where it is gone"
)
_BY_SQLSTATE = {
    "28P01": ("DB_AUTH", "the server refused the password", "correct the user and password in DATABASE_URL"),
    "28000": (
        "DB_AUTH",
        "the server refused this user",
        "correct the user in DATABASE_URL, let it in in pg_hba.conf, or ask for TLS there (?sslmode=require)",
    ),
    "3D000": ("DB_MISSING", "the database does not exist", "create it (`createdb NAME`) or correct DATABASE_URL"),
    "42501": (
        "DB_PERMISSION",
        "this user may not do that",
        "let it CREATE in the database, or own the schema executor",
    ),
    "53100": ("DB_DISK", "the server's disk is full", "free some space there and run the same command again"),
    "53200": ("DB_MEMORY", "the server is out of memory", "run the same command again when it has some"),
    "53300": ("DB_CONNECTIONS", "the server has no connection free", "raise max_connections, or end idle clients"),
    "25006": (
        "DB_READONLY",
        "the server is read-only",
        "name the primary server in DATABASE_URL, or promote a standby",
    ),
}
# The server went away, turned us out or became a standby; the same statement may succeed on the next connection.
_LOST = ("08", "57P", "25P03", "25006")
# Two transactions met in the wrong order, and the server undid one of them, which may simply be done again.
_UNDONE = ("40001", "40P01")
# The server undid the transaction for want of room, of a lock or of time; the same one may succeed in a while.
_PASSING = ("53", "55P03", "57014", "58")
# Before a session begins libpq gives no SQLSTATE, only the server's words, or its own.
_BY_WORDS = (
    (re.compile(r"password authentication failed|no password supplied"), "28P01"),
    (re.compile(r'role ".*" does not exist|no pg_hba\.conf entry|pg_hba\.conf rejects'), "28000"),
    (re.compile(r'database ".*" does not exist'), "3D000"),
    (re.compile(r"too many (clients|connections)|remaining connection slots are reserved"), "53300"),
    (re.compile(r"session is read-only|server is in hot standby mode"), "25006"),  # target_session_attrs asks for more
)


@contextmanager
def errors(where: str = "") -> Iterator[None]:
    """Translate every driver error raised inside. `where` names the server without any password."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, where) from error


def translate(error: psycopg.Error, where: str = "") -> DatabaseError:
    """Our error for a driver's."""
    state = error.sqlstate or _state_of(str(error))
    at = f" at {where}" if where else ""
    told = (error.diag.message_primary or str(error)).strip().split("\n")[0]
    if state in _BY_SQLSTATE:
        code, fact, hint = _BY_SQLSTATE[state]
        return DatabaseError(f"{fact}{at}: {told}", hint=hint, code=code)
    if lost(error):
        return DatabaseLost(f"no connection{at}: {told}", hint=_UNREACHABLE_HINT, code="DB_UNREACHABLE")
    return DatabaseError(f"the database refused{at}: {told}" + (f" [{state}]" if state else ""), code="DB_ERROR")


def _state_of(words: str) -> str:
    return next((state for pattern, state in _BY_WORDS if pattern.search(words)), "")


def lost(error: psycopg.Error) -> bool:
    """Did the connection break, so that whether the transaction was committed is unknown?"""
    state = error.sqlstate or ""
    return state.startswith(_LOST) or (
        not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    )


def passing(error: psycopg.Error) -> bool:
    """Is the transaction undone for something that may be mended without us, on a connection that still stands?"""
    return (error.sqlstate or "").startswith(_PASSING)


def undone(error: psycopg.Error) -> bool:
    """Did the server undo the transaction only because of another one beside it?"""
    return error.sqlstate in _UNDONE


def until_done(act: Callable[[], Answer]) -> Answer:
    """Do a transaction, and again as long as the server undoes it for another: one of the two always ends."""
    while True:
        try:
            return act()
        except psycopg.Error as error:
            if not undone(error):
                raise
