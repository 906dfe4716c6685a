"""Several statements in one journey to the server, and which of them it refused."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from enum import Enum, auto
from itertools import accumulate
from typing import Any

from psycopg import ClientCursor, Connection, Error, OperationalError, errors, generators
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from sql.script import Statement

SIZE_MAX = 200_000
STATEMENTS_MAX = 1_000
_JOINT = ";\n"
FINE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)


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
    """Where a piece comes from that is no part of a file: it is about the file, or about the next transaction."""

    ABOUT = auto()
    NEXT = auto()


_Source = Statement | _Ours | None


class Batch:
    """Statements gathered for the connection's next journey; it must be in a transaction block, or hold one statement.

    A message of many statements is cut by the server, and answered with one result for each, so that the number of
    results says which one failed even where the error names no place.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._cursor = ClientCursor(connection)
        self._pieces: list[str] = []
        self._sources: list[_Source] = []
        self._size = 0

    def add_ours(self, sql: bytes, parameters: Mapping[str, Any] | None = None) -> None:
        """A query of the program. The values stand in its text, as a message of many statements has no parameters."""
        self._add(self._filled(sql, parameters), _Ours.ABOUT)

    def add_next(self, sql: bytes, parameters: Mapping[str, Any] | None = None) -> None:
        """A query of the program with which the transaction behind this one begins: its result is answered."""
        self._add(self._filled(sql, parameters), _Ours.NEXT)

    def add_end(self, sql: bytes) -> None:
        """A query of the program with which a file ends: its refusal is the file's."""
        self._add(sql.decode(), None)

    def add(self, statement: Statement) -> None:
        """A statement of a file, sent as it is: no % in it means anything. A long file goes in several journeys."""
        if self._size > SIZE_MAX or len(self._pieces) >= STATEMENTS_MAX:
            self.send()
        self._add(statement.sql, statement)

    def send(self) -> list[PGresult]:
        """Run what was gathered; raises Stopped at the first refusal, after which nothing more of it has run.

        What is refused of the program's own queries is raised as the driver's error; but a refusal of what was added
        for the next transaction is answered as the last of its results, as the one before is over by then.
        """
        if not self._pieces:
            return []
        pieces, sources = self._pieces, self._sources
        self._pieces, self._sources, self._size = [], [], 0
        pgconn = self.connection.pgconn
        try:
            pgconn.send_query(_JOINT.join(pieces).encode())
            results = self.connection.wait(generators.execute(pgconn))
        except OperationalError as error:
            raise Stopped(error, None) from error
        for number, result in enumerate(results):
            if result.status not in FINE and sources[number : number + 1] != [_Ours.NEXT]:
                raise _stopped(errors.error_from_result(result), pieces, sources, number)
        return [result for result, source in zip(results, sources, strict=False) if source is _Ours.NEXT]

    def _filled(self, sql: bytes, parameters: Mapping[str, Any] | None) -> str:
        return sql.decode() if parameters is None else self._cursor.mogrify(sql, parameters)

    def _add(self, text: str, source: _Source) -> None:
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
