"""Statements that are sent together: one transaction, whatever the parameters hold, and nothing left after an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from executor.database import volley
from executor.database.volley import Statement
from executor.model import Claimed, Orders, Settled, Skipped
from executor.queue import steps

KEEP = b"INSERT INTO kept VALUES (%(number)s)"
NUMBERS = b"SELECT number FROM kept ORDER BY number"


@pytest.fixture
def connection(database: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number integer PRIMARY KEY)")
        yield connection


def keep(number: int) -> Statement:
    return Statement(KEEP, {"number": number})


def in_order(*columns: Any) -> tuple[Any, ...]:
    return columns


def kept(connection: Connection[Any]) -> list[int]:
    return [number for (number,) in connection.execute(NUMBERS).fetchall()]


def test_a_volley_is_committed_as_one_transaction(connection: Connection[Any]) -> None:
    xid = Statement(b"SELECT pg_current_xact_id()::text AS xid", {}, lambda xid: xid)

    first, _, second = volley.fire(connection, [xid, keep(1), xid])

    assert first == second
    assert kept(connection) == [1]


def test_an_error_undoes_the_whole_volley_and_the_next_one_works(connection: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation, match="kept_pkey"):
        volley.fire(connection, [keep(1), keep(2), keep(1)])

    assert kept(connection) == []
    volley.fire(connection, [keep(3)])
    assert kept(connection) == [3]


def test_a_statement_that_cannot_be_prepared_is_told_as_the_server_tells_it(connection: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        volley.fire(connection, [keep(1), Statement(b"SELECT 1 FROM nowhere", {})])

    assert kept(connection) == []
    volley.fire(connection, [keep(1)])
    assert kept(connection) == [1]


def test_a_volley_inside_a_transaction_is_a_part_of_it(connection: Connection[Any]) -> None:
    with connection.transaction(force_rollback=True):
        volley.fire(connection, [keep(1)])
        assert kept(connection) == [1]

    assert kept(connection) == []


def test_a_broken_connection_is_told_and_closed(connection: Connection[Any]) -> None:
    with pytest.raises(psycopg.OperationalError):
        volley.fire(connection, [Statement(b"SELECT pg_terminate_backend(pg_backend_pid())", {}), keep(1)])

    assert connection.closed


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    texts=st.lists(texts | st.none()),
    contents=st.lists(st.binary()),
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1) | st.none()),
    reals=st.lists(st.floats(allow_nan=False)),
    flags=st.lists(st.booleans()),
    waits=st.lists(st.timedeltas(timedelta(days=-1000), timedelta(days=1000))),
)
def test_lists_arrive_as_they_were_sent(connection: Connection[Any], **sent: list[Any]) -> None:
    query = b"""
        SELECT %(texts)s::text[] AS texts, %(contents)s::bytea[] AS contents, %(numbers)s::bigint[] AS numbers,
            %(reals)s::float8[] AS reals, %(flags)s::boolean[] AS flags, %(waits)s::interval[] AS waits
    """

    (arrived,) = volley.fire(connection, [Statement(query, sent, in_order)])

    assert arrived == [tuple(sent.values())]


def test_single_values_arrive_as_they_were_sent(connection: Connection[Any]) -> None:
    moment = datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC)
    query = b"SELECT %(moment)s::timestamptz AS moment, %(nothing)s::text AS nothing, %(word)s::text AS word"

    (arrived,) = volley.fire(
        connection, [Statement(query, {"moment": moment, "nothing": None, "word": "é'"}, in_order)]
    )

    assert arrived == [(moment, None, "é'")]


@pytest.mark.parametrize(
    "written",
    [
        '{"a": [1, -2.5, null, true], "é": "\\u0001 \\ud83d\\ude00 \\" \\\\"}',
        "[]",
        '"text"',
        "123456789012345678901234567890",  # more than any machine's integer
        f"1{'0' * 400}.5",  # more than any machine's float
        "0.1000000000000000055511151231257827",
    ],
)
def test_json_is_what_python_makes_of_it(connection: Connection[Any], written: str) -> None:
    query = b"SELECT %(written)s::jsonb AS read"

    (arrived,) = volley.fire(connection, [Statement(query, {"written": written}, in_order)])

    assert arrived == [(json.loads(written),)]


def test_what_has_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="no parameter can be a dict"):
        volley.encoded({})


@pytest.mark.parametrize(
    ("query", "row"),
    [
        (steps.STEPS.claim, Claimed),
        (steps.STEPS.settle, Settled),
        (steps.STEPS.skip_dependents, Skipped),
        (steps.STEPS.orders, Orders),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_the_columns_of_a_turn_are_the_first_fields_of_their_values(
    ready_database: str, query: bytes, row: type[Any]
) -> None:
    text, _ = volley._compiled(query)
    with psycopg.connect(ready_database) as queue:
        queue.pgconn.prepare(b"asked", text)
        answer = queue.pgconn.describe_prepared(b"asked")

    columns = [(answer.fname(number) or b"").decode() for number in range(answer.nfields)]

    assert columns == list(row.__struct_fields__)[: len(columns)]
