"""Files that hide boxes, break lines or are no lists at all: nothing is dropped in silence."""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections import Counter
from csv import DictReader
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loader
from loader import codes as table
from loader.model import Severity, TaskList


def found(text: str | bytes) -> list[tuple[str, int]]:
    tasks = loader.parse(text if isinstance(text, bytes) else text.encode())
    return [(diagnostic.code, diagnostic.line) for diagnostic in tasks.diagnostics]


def titles(tasks: TaskList) -> list[str]:
    return [task.title for task in tasks.tasks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("E003", 1)]),
        ("# Only a title\n", [("E003", 1)]),
        ("- [ ] a\n\n```sh\n- [ ] b\n", [("E008", 3)]),
        ("- [ ] a\n\n<!-- open\n- [ ] b\n", [("E009", 3)]),
        ("- [ ] a\n\n```sh\n- [ ] b\n```\n", []),
        ("- [ ] a\n\n<!--\n- [ ] b\n-->\n", []),
        ("- [ ] a\n\n```sh\nx\n- [ ] b\n```sh\ny\n```\n", [("W110", 3)]),
        ("- [ ] a\n\n<details>\n- [ ] b\n</details>\n", [("W105", 4)]),
        ("- [ ] a\n- [%] b\n", [("W101", 2)]),
        ("- [ ] a\n-[ ] b\n", [("W102", 2)]),
        ("- [ ] a\n- [] b\n", [("W102", 2)]),
        ("- [ ] a\n- [ ]b\n", [("W102", 2)]),
        ("- [ ] a\n- [ ]\n", [("W103", 2)]),
        ("- [ ] TXXX a\n", [("W104", 1)]),
        ("- [ ] a\n\n      - [ ] b\n", [("W108", 3)]),
        ("- [ ] a\n\ntext\n2. [ ] b\n", [("W109", 4)]),
        ("- [ ] a\n\n> - [ ] b\n", [("I202", 3)]),
        ("- [ ] a\n- [P] tasks = different files\n", [("I203", 2)]),
        ("# T\n\n- [ ] a\n\n## Notes\n\n- [ ] b\n\n### Sub\n\n- [ ] c\n", [("I201", 7), ("I201", 11)]),
        ("---\na: |\n  - [ ] b\n---\n- [ ] a\n", [("I206", 3)]),
        ("- [ ] a\n- [2026-01-29] date\n- [x](url)\n- [x][ref]\n- [link](url) text\n", []),
    ],
)
def test_each_trap_is_named_with_its_line(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "name",
    [
        "Notes",
        "📝 Notes:",
        "Legend",
        "Overview",
        "Success Criteria",
        "Acceptance criteria for all",
        "Exit criteria",
        "Definition of Done",
        "Out of scope",
        "Parallel Example: User Story 1",
        "Relevant Files",
        "Dependencies & Execution Order",
    ],
)
def test_sections_that_hold_no_tasks(name: str) -> None:
    assert found(f"# T\n\n- [ ] a\n\n## {name}\n\n- [ ] b\n") == [("I201", 7)]


@pytest.mark.parametrize("name", ["Notes API endpoints", "Legendary work", "Overview page redesign"])
def test_sections_that_only_begin_alike_hold_tasks(name: str) -> None:
    assert len(loader.parse(f"# T\n\n## {name}\n\n- [ ] b\n".encode()).tasks) == 1


@pytest.mark.parametrize(
    "data", [b"\x00\x01", b"- [ ] caf\xe9\n", b"\xff\xfe-\x00", b"- [ ] a\n- [ ] \x00b\n", b"\x89PNG\r\n"]
)
def test_a_file_that_is_no_text_is_one_clear_error(data: bytes) -> None:
    assert [code for code, _ in found(data)] == ["E001"]


def test_bad_bytes_are_told_with_their_line() -> None:
    assert found(b"- [ ] a\r\n- [ ] b\r\n- [ ] caf\xe9\r\n") == [("E001", 3)]


def test_a_file_over_the_limit_is_refused() -> None:
    tasks = loader.parse(b"- [ ] a\n" * 10, max_size=50)
    assert [diagnostic.code for diagnostic in tasks.diagnostics] == ["E002"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_endings_and_a_bom_change_nothing_but_places(ending: str, bom: bytes) -> None:
    text = "---\nexecutor: {jobs: 2}\n---\n# Tïtle\n\n- [ ] á\n\t- [x] b\n\n- [ ] c (depends on none)"
    data = bom + text.replace("\n", ending).encode()
    tasks = loader.parse(data)
    assert (tasks.title, titles(tasks), tasks.diagnostics) == ("Tïtle", ["á", "b", "c"], ())
    assert [task.lines for task in tasks.tasks] == [(6, 7), (7, 7), (9, 9)]
    for task in tasks.tasks:
        place = task.mark_place
        assert data[place.start - 1 : place.start + place.length + 1] == f"[{task.mark}]".encode()


def test_other_separators_break_no_line() -> None:
    tasks = loader.parse("- [ ] a\x0b- [ ] b\x0c c\x85d\u2028e\n- [ ] f\n".encode())
    assert len(tasks.tasks) == 2
    assert tasks.tasks[1].lines == (2, 2)


def test_deep_nesting_loses_no_box() -> None:
    text = "".join("  " * depth + f"- [ ] level {depth}\n" for depth in range(150))
    tasks = loader.parse(text.encode())
    named = sum(diagnostic.code == "W109" for diagnostic in tasks.diagnostics)
    assert len(tasks.tasks) >= 90
    assert len(tasks.tasks) + named == 150


def test_a_parser_that_gives_up_is_one_clear_error() -> None:
    def below(frames: int) -> TaskList:
        return below(frames - 1) if frames else loader.parse(b"- " * 90 + b"[ ] a\n")

    loader.parse(b"- [ ] a\n")  # whatever is imported late is imported now
    depth = len(inspect.stack(0))
    tasks = below(sys.getrecursionlimit() - depth - 150)
    assert [(error.code, error.line) for error in tasks.errors] == [("E013", 1)]


def test_an_indented_rule_below_a_box_is_no_heading() -> None:
    assert titles(loader.parse(b"- [ ] a\n  ---\n- [ ] b\n")) == ["a", "b"]


def test_a_box_that_looks_like_a_link_definition_is_kept() -> None:
    assert len(loader.parse(b"- [ ] a\n\n[T001]: x\n- [x] b\n").tasks) == 2


@given(st.text(alphabet=st.sampled_from("-*+1.[]() xX~#>`|:\n\t\\<!TP0\r@_,a\ufeff"), max_size=200))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    tasks = loader.parse(text.encode())
    assert len({task.task_id for task in tasks.tasks}) == len(tasks.tasks)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    loader.parse(data)


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] " + "<!-- " * 30_000,
        "- [ ] " + "[a:: " * 30_000,
        "- [ ] " + "(depends on " * 20_000,
        "- [ ] a" + " " * 100_000 + "after b",
        "- [ ] a\n  - after: " + "1-" * 20_000,
        "`[x]`" + " " * 100_000 + "x",
        "- " * 10_000 + "[ ] x",
    ],
)
def test_no_line_takes_quadratic_time(text: str) -> None:
    began = time.perf_counter()
    loader.parse(text.encode())
    assert time.perf_counter() - began < 5


def test_every_code_is_unique_and_explains_itself() -> None:
    assert len({code.code for code in table.TABLE}) == len(table.TABLE)
    assert all(code.meaning.endswith(".") for code in table.TABLE)
    assert {code.severity for code in table.TABLE} == set(Severity)


FIXTURES = Path(os.environ.get("EXECUTOR_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))
_HIDDEN = ("W102", "W103", "I201", "I202", "I203", "I204", "I207")


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no real task lists in {FIXTURES}: set EXECUTOR_FIXTURES")
def test_every_box_of_real_lists_is_a_task_or_named() -> None:
    with (FIXTURES / "INDEX.tsv").open(encoding="utf-8") as index:
        rows = list(DictReader(index, delimiter="\t"))
    for row in rows:
        tasks = loader.parse((FIXTURES / row["file"]).read_bytes())
        counts = Counter(diagnostic.code for diagnostic in tasks.diagnostics)
        read = sum(len(task.steps) if task.carrier == "heading" else task.carrier == "checkbox" for task in tasks.tasks)
        boxes = read + sum(counts[code] for code in _HIDDEN)
        assert boxes == int(row["ext_checkbox_items"]), row["file"]
