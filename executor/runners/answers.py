"""What the server answered, as lines of a run's output, and its errors as facts."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import pq

from sql import script
from sql.script import Statement

ROWS_MAX = 20
_CELL_MAX = 60


def shown(cursor: psycopg.Cursor[tuple[Any, ...]]) -> str:
    """The first rows as a table, where there are any, and the server's word for the statement: `UPDATE 3`."""
    result = cursor.pgresult
    if result is None:
        return ""
    word = f"{(result.command_status or b'').decode()}\n"
    return _table(result) + word if result.nfields else word


def is_true(cursor: psycopg.Cursor[tuple[Any, ...]]) -> bool:
    """Is the first column of every row true? No row is not, nor is a number."""
    if cursor.description is None:
        return False
    rows = cursor.fetchall()
    return bool(rows) and all(row[0] is True for row in rows)


def fact(error: psycopg.Error) -> str:
    """An error in one line, with its state."""
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return f"{said} [{error.sqlstate}]" if error.sqlstate else said


def at_line(error: psycopg.Error, text: str, statement: Statement) -> str:
    """An error with its line in the block, and what the server adds to it."""
    offset = statement.offset + int(error.diag.statement_position or 1) - 1
    line, _ = script.place(text, offset)
    added = [("detail", error.diag.message_detail), ("hint", error.diag.message_hint)]
    lines = [f"line {line} of the block: {fact(error)}", *(f"{name}: {said}" for name, said in added if said)]
    return "\n".join(lines)


def _table(result: pq.abc.PGresult) -> str:
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    count = min(result.ntuples, ROWS_MAX)
    rows = [[_cell(result.get_value(row, column)) for column in range(result.nfields)] for row in range(count)]
    lines = [" | ".join(cells) for cells in (names, *rows)]
    if result.ntuples > count:
        lines.append(f"and {result.ntuples - count} more")
    return "\n".join(lines) + "\n"


def _cell(value: bytes | None) -> str:
    if value is None:
        return ""
    text = " ".join(bytes(value).decode("utf-8", "replace").split())
    return text if len(text) <= _CELL_MAX else text[: _CELL_MAX - 1] + "…"
