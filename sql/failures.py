"""A server's error, told in terms of the migration file that met it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from psycopg import Error, OperationalError, errors

from sql import script
from sql.batch import Stopped
from sql.errors import INSUFFICIENT_PRIVILEGE, DatabaseRefused, LockHeld, MigrationError, StatementFailed
from sql.folder import Migration
from sql.lock import Holder
from sql.numbering import label
from sql.script import Statement
from sql.tokens import Kind, lex

# Worth another try: nothing is wrong with the file, somebody was in the way.
PASSING = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
NO_GUARD = ("3B001", "25P01")  # no such savepoint, no transaction to have one in
UNSAFE_NEW_ENUM_VALUE = "55P04"
EXCERPT_LINES = 2

_LOST = ("08", "57P")
_SHORTAGE = "53"
# The server tells the line inside a DO block only in a sentence of its own language; these parts are the same in all.
_BLOCK_LINE = re.compile(r"inline_code_block\D+(\d+)")


def of_statement(stopped: Stopped, migration: Migration, *, kept: int, standing: str = "") -> MigrationError:
    """Why a file stopped. `kept` is the newest version that stands, `standing` what is to be said of this one."""
    error = stopped.error
    if is_lost(error):
        return of_server(error, doing=f"{migration.label} was applied")
    line, column = _place(stopped, migration)
    where = f"{migration.path}:{line}:{column}" if line else migration.path
    parts = [f"{where}: {_fact(error)}"]
    parts += _excerpt(migration.up, line)
    parts += [f"{name}: {value}" for name, value in _remarks(error) if value]
    return StatementFailed(
        "\n".join(parts),
        path=migration.path,
        line=line,
        column=column,
        sqlstate=error.sqlstate or "",
        kept=kept,
        hint=standing or f"{migration.label} was rolled back, {_standing(kept)}; {_remedy(error)}",
    )


def of_guard(migration: Migration, *, kept: int) -> StatementFailed:
    """The file took the savepoint away that stands for its transaction."""
    return StatementFailed(
        f"{migration.path}: the file ended its transaction, or released the savepoint executor_guard",
        path=migration.path,
        line=0,
        column=0,
        sqlstate="",
        kept=kept,
        hint=f"{migration.label} is not recorded, {_standing(kept)}; see what the file left before running it again",
    )


def of_locks(stopped: Stopped, migration: Migration, holders: Sequence[Holder]) -> LockHeld:
    """Every try of a file ended in somebody else's lock."""
    line, column = _place(stopped, migration)
    where = f"{migration.path}:{line}:{column}" if line else migration.path
    tries = migration.bounds.retries + 1
    lines = "".join(f"\n  lock held by {holder}" for holder in holders)
    return LockHeld(
        f"{where}: {_fact(stopped.error)}, {tries} {'try' if tries == 1 else 'tries'} "
        f"with {migration.bounds.lock_timeout.total_seconds():g} s each{lines}",
        hint=f"{migration.label} was rolled back; run it again when those sessions are done, or end them",
    )


def of_server(error: Error, *, doing: str) -> DatabaseRefused:
    """An error outside the files' own statements."""
    if is_lost(error):
        return DatabaseRefused(
            f"the connection broke while {doing}: {_first_line(error)}",
            hint="run it again: a migration is applied whole or not at all",
        )
    if error.sqlstate == INSUFFICIENT_PRIVILEGE:
        return DatabaseRefused(
            f"not permitted while {doing}: {_fact(error)}",
            hint="GRANT CREATE ON DATABASE to this role, or connect as one that may create the schema executor",
        )
    if isinstance(error, errors.ReadOnlySqlTransaction | errors.FeatureNotSupported):
        return DatabaseRefused(f"no writes here, {doing}: {_fact(error)}", hint="connect to the primary server")
    return DatabaseRefused(f"the database refused while {doing}: {_fact(error)}")


def is_lost(error: Error) -> bool:
    """Whether the connection is gone, and with it the knowledge of what was committed."""
    return isinstance(error, OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(_LOST))


def names(statement: Statement) -> list[str]:
    """Everything in a statement that could name a table, as the catalogue spells it."""
    found = set()
    for token in lex(statement.sql):
        if token.kind is Kind.WORD:
            found.add(token.text.lower())
        elif token.kind is Kind.QUOTED and token.text.startswith('"'):
            found.add(token.text[1:-1].replace('""', '"'))
    return sorted(found)


def _place(stopped: Stopped, migration: Migration) -> tuple[int, int]:
    statement = stopped.statement
    if statement is None:
        return 0, 0
    if stopped.at is not None:
        return script.place(migration.up, statement.offset + stopped.at)
    line, column = script.place(migration.up, statement.offset)
    if statement.words[:1] == ("DO",) and (within := _BLOCK_LINE.search(stopped.error.diag.context or "")):
        return _body_line(statement) + int(within[1]) - 1, 1
    return line, column


def _body_line(statement: Statement) -> int:
    """The line of the file on which the body of a DO block begins."""
    body = next((token for token in lex(statement.sql) if token.kind is Kind.QUOTED), None)
    return statement.line + (statement.sql.count("\n", 0, body.start) if body else 0)


def _fact(error: Error) -> str:
    return f"{_first_line(error)} [{error.sqlstate}]" if error.sqlstate else _first_line(error)


def _first_line(error: Error) -> str:
    return error.diag.message_primary or str(error).strip().partition("\n")[0]


def _excerpt(text: str, line: int) -> list[str]:
    """The line at fault, with what stands before it."""
    if not line:
        return []
    first = max(1, line - EXCERPT_LINES + 1)
    lines = text.split("\n", line)[first - 1 : line]
    return [f"{number:>5} | {content[:200]}" for number, content in enumerate(lines, first)]


def _remarks(error: Error) -> list[tuple[str, str | None]]:
    diag = error.diag
    return [
        ("detail (server)", diag.message_detail),
        ("hint (server)", diag.message_hint),
        ("context (server)", diag.context),
    ]


def _remedy(error: Error) -> str:
    """What to do about it; most errors are the file's own."""
    if error.sqlstate == UNSAFE_NEW_ENUM_VALUE:
        return "a new value of an enum can be used by the next file, not by the one that adds it"
    if (error.sqlstate or "").startswith(_SHORTAGE):
        return "the server is short of something; make room and run it again"
    return "mend the file and run it again"


def _standing(kept: int) -> str:
    return f"{label(kept)} is the last applied" if kept else "nothing is applied"
