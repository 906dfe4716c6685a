from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sql import squawk

# What version 2.70 answers, shortened.
ANSWER = [
    {
        "file": "a.sql",
        "line": 1,
        "column": 4,
        "level": "Warning",
        "message": "Table updates are blocked.",
        "help": "Use `concurrently`.",
        "rule_name": "require-concurrent-index-creation",
    },
    {
        "file": "a.sql",
        "line": 2,
        "column": 0,
        "level": "Warning",
        "message": "Dropping a column.",
        "help": None,
        "rule_name": "ban-drop-column",
    },
]


@pytest.fixture
def stand_in(tmp_path: Path):
    """A program that answers as squawk does, and keeps what it was asked."""

    def make(body: str) -> str:
        path = tmp_path / "squawk"
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncat > {tmp_path}/read\n{body}\n')
        path.chmod(0o755)
        return str(path)

    return make


def test_its_findings_are_told_by_line_and_rule(stand_in, tmp_path):
    (tmp_path / "answer").write_text(json.dumps(ANSWER))
    program = stand_in(f"cat {tmp_path}/answer; exit 1")
    found = squawk.opinions(program, "DROP TABLE ü;", path="a b.sql", in_transaction=True, allow=["ban-drop-column"])
    assert found == [
        squawk.Opinion("require-concurrent-index-creation", "Table updates are blocked. Use `concurrently`.", 2, 5)
    ]
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("--reporter json --stdin-filepath a b.sql --assume-in-transaction --exclude=require-lock")
    assert (tmp_path / "read").read_text(encoding="utf-8") == "DROP TABLE ü;"


@pytest.mark.parametrize("body", ["echo no such option >&2; exit 2", "echo nonsense", "echo '{}'"])
def test_an_answer_that_is_none_is_an_error_and_no_clean_bill(stand_in, body):
    with pytest.raises(squawk.SquawkFailed, match=r"gave no answer about a\.sql"):
        squawk.opinions(stand_in(body), "SELECT 1", path="a.sql", in_transaction=False)


def test_it_is_looked_for_on_the_path(stand_in, tmp_path, monkeypatch):
    program = stand_in("true")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert squawk.program() == program
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert squawk.program() is None


@pytest.mark.skipif(squawk.program() is None, reason="squawk is not installed here")
def test_the_real_one_agrees_on_an_index_without_concurrently():
    text = "SELECT 1;\nCREATE INDEX i ON t (x);"
    found = squawk.opinions(squawk.program() or "", text, path="a.sql", in_transaction=True)
    assert ("require-concurrent-index-creation", 2) in [(one.code, one.line) for one in found]
