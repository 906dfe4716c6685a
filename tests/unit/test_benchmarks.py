"""What `make bench` writes goes between the marks of its subject, and nowhere else."""

from __future__ import annotations

from tests.benchmarks.__main__ import PAGE, placed

MARKED = "before\n<!-- measured: a -->\nold\n<!-- end of a -->\nafter\n"


def test_a_measurement_takes_the_place_of_the_last_one() -> None:
    once = placed(MARKED, "a", "| new |")

    assert once == "before\n<!-- measured: a -->\n\n| new |\n\n<!-- end of a -->\nafter\n"
    assert placed(once, "a", "| new |") == once


def test_a_backslash_in_a_measurement_is_only_that() -> None:
    assert "\\1" in placed(MARKED, "a", "\\1")


def test_a_subject_without_marks_leaves_the_page_as_it_is() -> None:
    assert placed(MARKED, "b", "| new |") == MARKED


def test_the_page_has_room_for_what_is_measured_here() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert all(f"<!-- measured: {one} -->" in page for one in ("queue_core", "whole_runs", "starts"))
