"""SQL blocks: each one transaction in the target database, together with the row that tells it was done.

carry -> parse, connect                                     the first fault ends the run
      -> a check: read only, its last answer decides, rolled back
      -> a backfill: see backfill.carry
      -> else BEGIN, the block's turn, its row              found: nothing is repeated
              statements, the row, COMMIT                   killed anywhere: both or neither
         a lock that others keep: rolled back, and tried again after a pause
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import errors

from executor import faults
from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Surroundings, accounts, answers, heeding, target
from executor.runners.accounts import Account, Progress
from executor.runners.heeding import Heeding, Interrupted
from executor.states import RunStatus
from sql import script
from sql.script import Script, Statement
from sql.tokens import BadScript

# Nothing is wrong with the block, somebody was in the way.
PASSING = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)
_PAUSE_SECONDS = 1.0


class Task(Struct, frozen=True):
    """What a run knows: `settings` are the task's over the list's, `environ` what a shell block would have."""

    claimed: Claimed
    surroundings: Surroundings
    settings: Mapping[str, Any]
    environ: Mapping[str, str]
    io: Io


class Refused(Exception):
    """The block cannot be carried out; the message says what is wrong with it."""


def carry(task: Task, block: Mapping[str, Any], number: int, which: str, timeout: float | None) -> Outcome | None:
    """Carry out one block, the task's SQL block of this number from 1. None when it is done, else why it is not."""
    try:
        read = _read(block["content"])
        parts = target.options(target.conninfo(task.settings, task.environ, task.surroundings.queue))
        connection = heeding.connect(parts, task.io, timeout)
    except (Refused, target.NoTarget) as error:
        return Outcome(RunStatus.FAILED, f"{which}: {error}")
    key = accounts.key(task.claimed, number, _checksum(read, block, task.settings))
    account = Account(connection, key, read.bounds.lock_timeout, timeout)
    connection.add_notice_handler(lambda said: connection.say(f"{said.severity}: {said.message_primary}\n"))
    try:
        _carry(account, read, block, task.settings)
    except Interrupted:
        return heeding.outcome(connection.why, which, timeout)
    except Refused as refused:
        return Outcome(RunStatus.FAILED, f"{which}: {target.redacted(str(refused), parts)}")
    except errors.QueryCanceled as error:
        if connection.why is None and timeout is None:
            return Outcome(RunStatus.FAILED, f"{which}: {answers.fact(error)}")
        return heeding.outcome(connection.why or RunStatus.TIMED_OUT, which, timeout)
    except psycopg.Error as error:
        return Outcome(RunStatus.FAILED, f"{which}: {target.redacted(answers.fact(error), parts)}")
    finally:
        connection.close()
    return None


def execute(connection: Heeding, text: str, statement: Statement) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run one statement as it is written; raises Refused with its line when the server refuses it."""
    try:
        return connection.execute(statement.sql.encode())
    except (*PASSING, errors.QueryCanceled):
        raise
    except psycopg.Error as error:
        raise Refused(answers.at_line(error, text, statement)) from error


def _read(content: str) -> Script:
    try:
        read = script.parse(content)
    except BadScript as bad:
        line, _ = script.place(content, bad.offset)
        raise Refused(f"line {line} of the block: {bad.message}") from bad
    if not read.statements:
        raise Refused("there is no statement in the block")
    if not read.directives.transaction:
        raise Refused("a block runs in a transaction; put the file into a folder, and name that with `migrate:`")
    return read


def _checksum(read: Script, block: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Of the statements, and of the key they walk along; another size of batches is no other block."""
    return f"{read.checksum}{' by ' + str(key) if (key := _setting('key', block, settings)) else ''}"


def _carry(account: Account, read: Script, block: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if block["role"] == "verify":
        _check(account, read, block["content"])
        return
    account.prepare()
    if batch := _setting("batch", block, settings):
        from executor.runners import backfill

        size, _, key = str(batch).partition(" ")
        backfill.carry(account, read, block["content"], size, _setting("key", block, settings) or key)
    else:
        _patiently(account, read, block["content"])


def _patiently(account: Account, read: Script, text: str) -> None:
    for tried in range(read.bounds.retries + 1):
        try:
            _attempt(account, read, text)
        except PASSING as error:
            if tried == read.bounds.retries:
                raise
            account.rollback()
            account.connection.say(f"{answers.fact(error)}; trying again\n")
            account.connection.pause(_PAUSE_SECONDS)
        else:
            return


def _attempt(account: Account, read: Script, text: str) -> None:
    if account.begin().done:
        account.connection.say("committed by an earlier run; not repeated\n")
        account.rollback()
        return
    for statement in read.statements:
        account.connection.say(answers.shown(execute(account.connection, text, statement)))
        faults.at("statement-done")
    account.commit(Progress(done=True))


def _check(account: Account, read: Script, text: str) -> None:
    """The last statement decides: it has rows, and the first column of each is true."""
    account.begin_check()
    for statement in read.statements:
        cursor = execute(account.connection, text, statement)
        account.connection.say(answers.shown(cursor))
    if not answers.is_true(cursor):
        raise Refused("the last answer has no row, or one whose first column is not true")
    account.rollback()


def _setting(name: str, block: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
    return block["attributes"].get(name, settings.get(name))
