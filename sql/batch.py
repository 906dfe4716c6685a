"""Several statements in one journey to the server, and which of them it refused."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from enum import Enum, auto
from itertools import accumulate
from typing import Any

from psycopg import ClientCursor, Connection, Error, OperationalError, errors, generators
from psycopg.pq import ExecStatus

from sql.script import Statement

SIZE_MAX = 200_000
STATEMENTS_MAX = 1_000
_JOINT = ";\n"
_FINE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)


class Stopped(Exception):
    """The server refused a statement of a file, or, without one, the end of the file.

    `at` is the character of the statement, from 0, at which the server sees the fault; None if it names none.
    """

    def __init__(self, error: Error, statement: Statement | None, at: int | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.statement = statement
        self.at = at


class _Ours(Enum):
    """Where a piece comes from that is no part of a file."""

    ABOUT = auto()


_Source = Statement | _Ours | None


class Batch:
    """Statements gathered for the connection's next journey; it must be in a transaction block, or hold one statement.

    A message of many statements is cut by the server, and answered with one result for each, so that the number of
    results says which one failed even where the error names no place.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._pieces: list[str] = []
        self._sources: list[_Source] = []
        self._size = 0

    def add_ours(self, sql: bytes, parameters: Mapping[str, Any] | None = None) -> None:
        """A query of the program. The values stand in its text, as a message of many statements has no parameters."""
        text = sql.decode()
        if parameters is not None:
            text = ClientCursor(self._connection).mogrify(sql, parameters)
        self._add(text, _Ours.ABOUT)

    def add_end(self, sql: bytes) -> None:
        """A query of the program with which a file ends: its refusal is the file's."""
        self._add(sql.decode(), None)

    def add(self, statement: Statement) -> None:
        """A statement of a file, sent as it is: no % in it means anything."""
        self._add(statement.sql, statement)

    def send(self) -> None:
        """Run what was gathered; raises Stopped at the first refusal, after which nothing more of it has run.

        What is refused of the program's own queries is raised as the driver's error.
        """
        if not self._pieces:
            return
        pieces, sources = self._pieces, self._sources
        self._pieces, self._sources, self._size = [], [], 0
        pgconn = self._connection.pgconn
        try:
            pgconn.send_query(_JOINT.join(pieces).encode())
            results = self._connection.wait(generators.execute(pgconn))
        except OperationalError as error:
            raise Stopped(error, None) from error
        for number, result in enumerate(results):
            if result.status not in _FINE:
                raise _stopped(errors.error_from_result(result), pieces, sources, number)

    def _add(self, text: str, source: _Source) -> None:
        if self._size > SIZE_MAX or len(self._pieces) >= STATEMENTS_MAX:
            self.send()
        self._pieces.append(text)
        self._sources.append(source)
        self._size += len(text)


def _stopped(error: Error, pieces: list[str], sources: list[_Source], number: int) -> Exception:
    """The error at its statement; the server counts characters through the whole message."""
    index, at = min(number, len(sources) - 1), None
    if position := error.diag.statement_position:
        starts = list(accumulate((len(piece) + len(_JOINT) for piece in pieces), initial=0))
        index = min(bisect_right(starts, int(position) - 1) - 1, len(pieces) - 1)
        at = int(position) - 1 - starts[index]
    source = sources[index]
    return error if isinstance(source, _Ours) else Stopped(error, source, at)
