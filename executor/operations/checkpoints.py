"""What a task keeps while it runs, asked and told from inside it: its run's number is in its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from executor import processes
from executor.database import translate
from executor.errors import UsageError
from executor.queue import checkpoints

# The next attempt finds all of it in one environment variable, and systems take no longer ones than 128 KB.
_BYTES_MAX = 64 * 1024
_PROGRESS_MAX = 200


def run_of(environ: Mapping[str, str]) -> int:
    """The run that asks; raises UsageError outside of one."""
    run_id = environ.get(processes.RUN_VARIABLE, "")
    if not run_id.isdigit():
        raise UsageError(
            f"there is no task here: {processes.RUN_VARIABLE} is not set",
            hint="`executor checkpoint`, `attach` and `executor.task` are for the blocks of a list, while they run",
        )
    return int(run_id)


def put(connection: Connection[Any], run_id: int, key: str, value: str) -> None:
    """Keep a value for the next attempt. Raises UsageError for what cannot be kept, and for a run without its task."""
    if not key or "\0" in key + value:
        raise UsageError("a checkpoint has a key, and no NUL in it or in its value", hint="encode it, as with base64")
    with translate.errors(), connection.transaction():
        held = checkpoints.held(connection, run_id)
        if held is None:
            raise lost(run_id)
        queue_id, kept = held
        size = len(json.dumps(kept | {key: value}).encode())
        if size > _BYTES_MAX:
            raise UsageError(
                f"the checkpoint of this task would be {size} bytes long, and {_BYTES_MAX} is the most",
                hint="put the data into a file, and its name into the checkpoint",
            )
        checkpoints.keep(connection, queue_id, key, value)


def read(connection: Connection[Any], run_id: int) -> dict[str, str]:
    """What this task has kept, by this run or by those before it."""
    with translate.errors():
        kept = checkpoints.of_run(connection, run_id)
    if kept is None:
        raise UsageError(f"run {run_id} is not in this database", hint="set DATABASE_URL as the executor has it")
    return kept


def tell(connection: Connection[Any], run_id: int, progress: str) -> None:
    """Say how far this run is, in a few words. Raises UsageError where it has lost its task."""
    with translate.errors():
        if not checkpoints.tell(connection, run_id, progress[:_PROGRESS_MAX].replace("\0", "")):
            raise lost(run_id)


def lost(run_id: int) -> UsageError:
    """What is said to a run that no longer holds its task."""
    return UsageError(
        f"run {run_id} does not hold a task in this database: it was stopped, or taken for dead",
        hint="end; another attempt is under way, or will be. Set DATABASE_URL as the executor has it",
    )
