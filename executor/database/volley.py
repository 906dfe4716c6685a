"""Several statements as one transaction and one journey: sent in a single write, answered in a single wait."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import count, starmap
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct, json
from psycopg import Connection, abc, errors, generators
from psycopg.adapt import Loader, Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

_BYTEA = 17  # the oid of the type
_ARRAY_HEAD, _LENGTH = struct.Struct("!iiiii"), struct.Struct("!i")
_PLACE = re.compile(rb"%\((\w+)\)s")
_JSON = json.Decoder(float_hook=float)  # which takes numbers of any size, as the server does

# What each connection has prepared, by statement. psycopg's own cache refuses statements as long as ours.
_NUMBERS = count(1)
_prepared: WeakKeyDictionary[Connection[Any], dict[bytes, bytes]] = WeakKeyDictionary()


class Statement(Struct, frozen=True):
    """A named query with its parameters.

    `row` is what each row of the answer becomes, called with its columns in their order; None where nobody asks.
    """

    query: bytes
    parameters: Mapping[str, Any]
    row: Callable[..., Any] | None = None


class _Json(Loader):
    """JSON as the server writes it; psycopg would look at each value three times to learn how it is written."""

    def load(self, data: abc.Buffer) -> Any:
        return _JSON.decode(data)


def fire(connection: Connection[Any], statements: Sequence[Statement]) -> list[list[Any]]:
    """Carry all out, in order, in one transaction (or as a part of the caller's); the rows of each.

    psycopg's `pipeline` writes to the socket once a statement, which wakes the server as often, and builds a cursor for
    each: twice the time of a worker's turn. An error undoes all of them and is raised as psycopg would raise it.
    Nothing is prepared on a connection whose `prepare_threshold` is None, as psycopg means it: behind a pooler.
    """
    if connection not in _prepared:
        connection.adapters.register_loader("jsonb", _Json)
    known = _prepared.setdefault(connection, {})
    may_prepare = connection.prepare_threshold is not None
    unknown = (one.query for one in statements if may_prepare and one.query not in known)
    new = {query: b"volley_%d" % next(_NUMBERS) for query in unknown}
    connection.pgconn.enter_pipeline_mode()
    try:
        results = connection.wait(_exchange(connection.pgconn, statements, known, new))
    finally:
        if not connection.closed:
            connection.pgconn.exit_pipeline_mode()
    # What is prepared stays so when its transaction fails.
    known |= {query: name for (query, name), result in zip(new.items(), results, strict=False) if _is_good(result)}
    _raise_first_error(connection, results)
    reader: abc.Transformer = Transformer(connection)
    return [_rows(reader, one.row, result) for one, result in zip(statements, results[len(new) :], strict=True)]


def _exchange(
    pgconn: PGconn, statements: Sequence[Statement], known: Mapping[bytes, bytes], new: Mapping[bytes, bytes]
) -> Generator[Any, Any, list[PGresult]]:
    """Send everything, then take one result for each: of what is prepared, of what is carried out."""
    for query, name in new.items():
        pgconn.send_prepare(name, _compiled(query)[0])
    for one in statements:
        text, names = _compiled(one.query)
        values = [one.parameters[name] for name in names]
        formats = [Format.BINARY if _is_content(value) else Format.TEXT for value in values]
        written = [encoded(value) for value in values]
        if prepared := known.get(one.query) or new.get(one.query):
            pgconn.send_query_prepared(prepared, written, formats)
        else:
            pgconn.send_query_params(text, written, None, formats)
    pgconn.pipeline_sync()
    yield from generators.send(pgconn)
    results = []
    for _ in range(len(new) + len(statements)):
        results += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)  # the sync itself
    return results


def _raise_first_error(connection: Connection[Any], results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status == ExecStatus.FATAL_ERROR:
            raise errors.error_from_result(result, encoding=connection.info.encoding)


def _is_good(result: PGresult) -> bool:
    return result.status == ExecStatus.COMMAND_OK


def _rows(reader: abc.Transformer, row: Callable[..., Any] | None, result: PGresult) -> list[Any]:
    if row is None or not result.ntuples:
        return []
    reader.set_pgresult(result)
    return list(starmap(row, reader.load_rows(0, result.ntuples, tuple)))


@cache
def _compiled(query: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The query with numbered places, and whose values go there."""
    numbers: dict[bytes, int] = {}
    text = _PLACE.sub(lambda match: b"$%d" % numbers.setdefault(match[1], len(numbers) + 1), query)
    return text.replace(b"%%", b"%"), tuple(name.decode() for name in numbers)


def encoded(value: Any) -> bytes | None:
    """A parameter as PostgreSQL reads it; its type is what the statement says it is.

    In text, but for a list of bytes: that a run printed them is reason enough to carry them as they are.
    """
    if value is None:
        return None
    return _contents(value) if _is_content(value) else _text(value).encode()


def _is_content(value: Any) -> bool:
    return type(value) is list and bool(value) and type(value[0]) is bytes


def _contents(values: Sequence[bytes]) -> bytes:
    """A `bytea[]` as the server sends one: dimensions, no NULL, its type; length and first index; the elements."""
    head = _ARRAY_HEAD.pack(1, 0, _BYTEA, len(values), 1)
    return b"".join([head, *(part for value in values for part in (_LENGTH.pack(len(value)), value))])


def _text(value: Any) -> str:
    if written := _TEXTS.get(type(value)):
        return written(value)
    raise TypeError(f"no parameter can be a {type(value).__name__}")


def _array(values: list[Any]) -> str:
    different = set(values)
    if len(different) == 1:  # most columns say the same of all runs of a turn
        return f"{{{','.join([_element(values[0])] * len(values))}}}"
    if set(map(type, values)) == {int}:
        return f"{{{repr(values)[1:-1]}}}"
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if type(value) in _BARE:
        return _text(value)
    escaped = _text(value).replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


_BARE = (int, float, bool)
_TEXTS: Mapping[type, Callable[[Any], str]] = {
    str: str,
    bool: lambda value: "t" if value else "f",
    int: repr,
    float: repr,
    timedelta: lambda value: f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds",
    datetime: datetime.isoformat,
    list: _array,
}
