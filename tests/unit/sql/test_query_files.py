from __future__ import annotations

import pytest

from sql import queries

FILE = """\
-- name: find
-- One task
-- by its id.
SELECT 1    -- why
FROM t
WHERE id = %(id)s

-- name: drop_all
-- Everything goes.
DELETE FROM t
"""


def test_a_query_is_an_attribute():
    parsed = queries.parse("tasks", FILE)
    assert parsed.find == b"SELECT 1    -- why\nFROM t\nWHERE id = %(id)s"
    assert parsed.drop_all == b"DELETE FROM t"
    assert queries.sentences(parsed) == {"find": "One task by its id.", "drop_all": "Everything goes."}


def test_an_unknown_query_is_told_with_its_file_and_the_known_ones():
    with pytest.raises(AttributeError, match=r"no query 'fnd' in tasks\.sql; it has find, drop_all"):
        queries.parse("tasks", FILE).fnd  # noqa: B018 - reading it is the test


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-- name: a\nSELECT 1\n", "x.sql:1: expected"),
        ("-- name: a\n-- One.\nSELECT 1\n-- name: a\n-- Two.\nSELECT 2\n", "x.sql:4: a second query 'a'"),
        ("-- name: a\n-- One.\nSELECT 1\n-- name: b\nSELECT 2\n", "x.sql:4: expected"),
        ("SELECT 1\n", "x.sql:1: expected"),
        ("-- name: a\n-- One.\n\n", "x.sql:1: query 'a' has no SQL"),
        ("-- name: A-b\n-- One.\nSELECT 1\n", "x.sql:1: expected"),
        ("-- One.\nSELECT 1\n-- name: a\n-- Two.\nSELECT 2\n", "x.sql:1: expected"),
        ("", "x.sql: no query in it"),
    ],
)
def test_a_file_that_breaks_the_form_is_refused_when_loaded(text, words):
    with pytest.raises(queries.BadQueries, match=words):
        queries.parse("x", text)


def test_an_unknown_file_is_told_with_the_known_ones():
    with pytest.raises(LookupError, match=r"no nothing\.sql .* ledger"):
        queries.load("nothing")


def test_every_query_of_the_program_has_a_name_and_a_sentence():
    found = list(queries.every())
    assert ("ledger", "record") in [(noun, name) for noun, name, _ in found]
    for noun, name, sql in found:
        assert sql
        assert queries.sentences(queries.load(noun))[name].endswith((".", "?"))


def test_a_file_is_read_once():
    assert queries.load("ledger") is queries.load("ledger")
