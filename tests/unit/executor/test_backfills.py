"""How a block with `batch` is read: its table, its key, and the places for the keys."""

from __future__ import annotations

import re

import pytest

from executor.runners import backfill
from executor.runners.sql import Refused
from sql import queries, script
from sql.numbering import OURS


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("UPDATE orders SET a = 1", ["orders"]),
        ("update only Shop.Orders set a = 1", ["shop", "orders"]),
        ('DELETE FROM "Shop"."my ""orders""" WHERE true', ["Shop", 'my "orders"']),
    ],
)
def test_the_table_is_the_one_that_is_changed(text, parts):
    assert backfill.changed(script.parse(text)) == parts


def test_only_the_places_are_replaced():
    text = "UPDATE a SET t = ':from', b = c::from_x -- :to\nWHERE id BETWEEN :from::int AND :TO OR id = :from"
    (statement,) = script.parse(text).statements
    step = backfill.step_of(statement)
    assert step.places == ("from", "to")
    assert step.sql.endswith("WHERE id BETWEEN $1::int AND $2 OR id = $1")
    assert "':from'" in step.sql
    assert "c::from_x -- :to" in step.sql


@pytest.mark.parametrize(("size", "key"), [("0", "id"), ("many", "id"), ("10", None)])
def test_a_walk_needs_a_size_and_a_key(size, key):
    with pytest.raises(Refused):
        backfill.walk(script.parse("UPDATE a SET b = 1"), size, key)


def test_other_databases_get_the_table_that_ours_has():
    ours = (OURS / "0008_sql_tasks.sql").read_text(encoding="utf-8")
    assert _columns(queries.load("blocks").create_table.decode()) == _columns(ours)


def _columns(text: str) -> str:
    body = text.partition("executor.sql_block (")[2].partition("\n)")[0]
    return re.sub(r"\s*--.*", "", body)
