"""docs/reference/schema.md is what `executor docs schema` says of our own schema; `make docs` writes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sql import catalogue
from sql.catalogue import markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "schema.md"
TITLE = "The schema of the executor"


def test_the_page_about_our_schema_is_what_the_catalogue_says(connection):
    if connection.info.server_version < 160000:
        pytest.skip("PostgreSQL 15 prints the columns of a view in other words")
    expected = markdown.text(catalogue.read(connection, ["executor"]), title=TITLE)
    if "WRITE_PAGES" in os.environ:
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == expected, "bring it up to date: make docs"


def test_every_table_of_ours_says_what_it_holds(connection):
    found = catalogue.read(connection, ["executor"])
    assert [one.path for one in found.relations if not one.comment and one.path != "executor.migration_event"] == []
