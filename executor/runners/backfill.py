"""Backfills: one block for range after range of keys, each a transaction of its own that also tells how far it is.

carry -> BEGIN, the block's turn, its row                   where an earlier run got to
      -> the keys of the next batch, in the order of the index
      -> statements with :from and :to bound, the row, COMMIT      killed anywhere: this batch or not, none twice
      -> a pause, as long as the batch took where others waited for it
         a lock that others keep: rolled back, and tried again after a pause
"""

from __future__ import annotations

from typing import Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace
from psycopg import RawCursor, errors
from psycopg.sql import SQL, Composed, Identifier

from executor import clock, faults
from executor.runners import answers
from executor.runners.accounts import Account, Progress
from executor.runners.sql import PASSING, Refused
from sql.script import Script, Statement
from sql.tokens import Kind, lex

PAUSE_MIN_SECONDS = 0.02
_YIELD_MIN_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_PLACES = ("from", "to")

# The batch is told by its first and last key as text: exact for every type, and the server reads them as the column's.
_NEXT = SQL("""
    WITH batch AS MATERIALIZED (
        SELECT {key} AS key FROM {table} WHERE {key} IS NOT NULL {behind} ORDER BY {key} LIMIT %(size)s
    )
    SELECT
        (SELECT batch.key::text FROM batch ORDER BY batch.key LIMIT 1),
        (SELECT batch.key::text FROM batch ORDER BY batch.key DESC LIMIT 1)
""")
_BEHIND = SQL("AND {key} > %(last)s")
_COUNT = SQL("SELECT count({key}) FROM {table}")


class Walk(Struct, frozen=True):
    """The way through a table: its keys, so many at a time."""

    table: Identifier
    key: Identifier
    size: int

    def count(self) -> Composed:
        """How many keys there are."""
        return _COUNT.format(key=self.key, table=self.table)

    def next(self, last: str | None) -> Composed:
        """The first and last key of the batch behind this one."""
        behind = SQL("") if last is None else _BEHIND.format(key=self.key)
        return _NEXT.format(key=self.key, table=self.table, behind=behind)


class Step(Struct, frozen=True):
    """A statement with $1 and $2 for the places it has; `places` are their names in that order."""

    statement: Statement
    sql: str
    places: tuple[str, ...]


def carry(account: Account, read: Script, text: str, size: str, key: Any) -> None:
    """Carry the block out for every batch that no earlier run committed."""
    way = walk(read, size, key)
    steps = [step_of(statement) for statement in read.statements]
    if not any(step.places for step in steps):
        raise Refused("a block with `batch` says for which keys: WHERE id BETWEEN :from AND :to")
    retries = read.bounds.retries
    while True:
        began = clock.monotonic()
        try:
            progress, waiters = _batch(account, way, steps, text)
        except PASSING as error:
            retries -= 1
            if retries < 0:
                raise
            account.rollback()
            account.connection.say(f"{answers.fact(error)}; trying the batch again\n")
            account.connection.pause(_RETRY_SECONDS)
            continue
        retries = read.bounds.retries
        if progress.done:
            return
        account.connection.pause(_pause(clock.monotonic() - began, waiters))


def walk(read: Script, size: str, key: Any) -> Walk:
    """The table is named with the key, `orders.id`, or is the one that the first statement changes."""
    if not (size.isascii() and size.isdigit() and 0 < int(size) < 10**9):
        raise Refused(f"batch: {size} is no number of rows")
    if not key:
        raise Refused("`batch` needs a `key`: the column by which the rows are taken in order")
    *table, column = str(key).split(".")
    return Walk(Identifier(*(table or changed(read))), Identifier(column), int(size))


def changed(read: Script) -> list[str]:
    """The table of an UPDATE or DELETE, in the parts of its name."""
    tokens = [token for token in lex(read.statements[0].sql) if token.kind not in (Kind.BLANK, Kind.COMMENT)]
    words = [token.text.upper() for token in tokens]
    start = 1 if words[0] == "UPDATE" else 2 if words[:2] == ["DELETE", "FROM"] else 0
    if not start:
        raise Refused("name the table with the key, as in `key: orders.id`: the block begins with no UPDATE or DELETE")
    start += words[start] == "ONLY"
    parts = [_name(tokens[start].text)]
    while words[start + 1 : start + 2] == ["."]:
        start += 2
        parts.append(_name(tokens[start].text))
    return parts


def step_of(statement: Statement) -> Step:
    """The statement as the server takes it, the places being parameters."""
    pieces: list[str] = []
    places: list[str] = []
    tokens = list(lex(statement.sql))
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else None
        name = token.text.lower()
        if name in _PLACES and token.kind is Kind.WORD and before is not None and before.text == ":":
            if name not in places:
                places.append(name)
            pieces[-1] = f"${places.index(name) + 1}"
        else:
            pieces.append(token.text)
    return Step(statement, "".join(pieces), tuple(places))


def _batch(account: Account, way: Walk, steps: list[Step], text: str) -> tuple[Progress, int]:
    """One transaction; what is done now, and how many sessions waited for it."""
    before = account.begin()
    if before.done:
        account.rollback()
        account.connection.say("committed by an earlier run; not repeated\n")
        return before, 0
    if not before.batches_expected:
        before = replace(before, batches_expected=max(1, -(-_one(account, way.count()) // way.size)))
    row = _row(account, way.next(before.last_key), {"size": way.size, "last": before.last_key})
    if row[1] is None:
        account.commit(replace(before, done=True))
        return replace(before, done=True), 0
    rows = sum(_execute(account, step, text, dict(zip(_PLACES, row, strict=True))) for step in steps)
    expected = max(before.batches_expected, before.batches + 1)
    after = replace(before, batches=before.batches + 1, batches_expected=expected, last_key=row[1])
    waiters = account.waiters()
    faults.at("batch-not-committed")
    account.commit(after)
    account.connection.say(f"{after.batches} of {expected} batches, {rows} rows{_waited(waiters)}\n")
    return after, waiters


def _execute(account: Account, step: Step, text: str, keys: dict[str, str]) -> int:
    cursor = RawCursor(account.connection)
    try:
        cursor.execute(step.sql.encode(), [keys[place] for place in step.places] or None)
    except (*PASSING, errors.QueryCanceled):
        raise
    except psycopg.Error as error:
        raise Refused(answers.at_line(error, text, step.statement)) from error
    return max(0, cursor.rowcount)


def _row(account: Account, query: Composed, parameters: dict[str, Any]) -> tuple[Any, ...]:
    try:
        return account.connection.execute(query, parameters).fetchone() or ()
    except (*PASSING, errors.QueryCanceled):
        raise
    except psycopg.Error as error:
        raise Refused(f"the keys of the next batch: {answers.fact(error)}") from error


def _one(account: Account, query: Composed) -> int:
    return int(_row(account, query, {})[0])


def _pause(took: float, waiters: int) -> float:
    return max(_YIELD_MIN_SECONDS, took) if waiters else max(PAUSE_MIN_SECONDS, took / 10)


def _waited(waiters: int) -> str:
    return f"; {waiters} waited for it, so a longer pause" if waiters else ""


def _name(text: str) -> str:
    """A name as the catalogue spells it."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()
