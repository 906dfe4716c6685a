from __future__ import annotations

import re

import psycopg
import pytest
from psycopg.pq import ExecStatus

from sql import apply, numbering, queries


@pytest.fixture
def ready(database):
    """A connection to a database with our whole schema."""
    with psycopg.connect(database, autocommit=True) as connection:
        apply.up(connection, numbering.OURS, set_name=numbering.OUR_SET, tool="test 1.0")
        yield connection


def test_the_server_understands_every_query_of_the_program(ready):
    faults = []
    for noun, name, sql in queries.every():
        result = ready.pgconn.prepare(b"", numbered(sql))
        if result.status != ExecStatus.COMMAND_OK:
            faults.append(f"{noun}.{name}: {result.error_message.decode()}")
    assert not faults, "\n".join(faults)


def numbered(sql: bytes) -> bytes:
    """The query with the parameters as the server counts them."""
    places: dict[bytes, int] = {}

    def number(match: re.Match[bytes]) -> bytes:
        return b"%" if match[0] == b"%%" else b"$%d" % places.setdefault(match[1], len(places) + 1)

    return re.sub(rb"%\((\w+)\)s|%%", number, sql)
