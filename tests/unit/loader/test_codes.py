"""The table of diagnostics: every one has a way out, and a list that gives it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import loader
from loader import codes
from loader.model import Severity

EXAMPLES = Path(__file__).with_name("diagnostic_examples.md")
# What no few lines of text can show: bytes, sizes, depths, folders.
WITHOUT = {"E001", "E002", "E013", "W114", "I210"}


def examples() -> list[tuple[str, str, str]]:
    """Code, name of the file, and what is in it."""
    page = EXAMPLES.read_text(encoding="utf-8")
    return re.findall(r"^## (\w\d+)\n\n````(\S+)\n(.*?)^````$", page, re.M | re.S)


@pytest.mark.parametrize(("code", "name", "source"), examples(), ids=lambda value: value if len(value) == 4 else "")
def test_an_example_gives_its_diagnostic(code: str, name: str, source: str) -> None:
    assert code in {found.code for found in loader.parse(source.encode(), name=name).diagnostics}


def test_every_diagnostic_that_lines_can_show_has_an_example() -> None:
    assert [code for code, _, _ in examples()] == sorted(
        {row.code for row in codes.TABLE} - WITHOUT, key=lambda code: ("EWI".index(code[0]), code)
    )


def test_every_error_and_every_warning_has_a_way_out() -> None:
    assert [row.code for row in codes.TABLE if row.severity is not Severity.INFO and not row.hint] == []


def test_codes_are_given_once() -> None:
    assert len({row.code for row in codes.TABLE}) == len(codes.TABLE)
