"""`executor check` for programs: many files, each form of answer, each exit code."""

from __future__ import annotations

import json

import pytest

from tests import make

GOOD = make.document(make.task(id="A-1"))
WARNS = "- [q] odd mark\n"
BAD = "- [ ] a (depends on NO-1)\n"


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [(GOOD, (), 0), (GOOD, ("--strict",), 0), (WARNS, (), 0), (WARNS, ("--strict",), 2), (BAD, (), 2)],
)
def test_errors_fail_and_warnings_only_when_asked(desk, content, words, code):
    desk.write(content)
    for form in ("text", "json", "github", "sarif"):
        assert desk.do("check", "--format", form, *words).code == code


def test_a_file_that_cannot_be_read_does_not_hide_the_others(desk):
    desk.write(BAD, "bad.md")
    desk.write(GOOD, "good.md")
    answer = desk.do("check", "gone.md", "bad.md", "good.md")
    assert answer.code == 2
    assert "gone.md:1:1: E103" in answer.out
    assert "does not exist" in answer.out
    assert "bad.md:1:1: E004" in answer.out
    assert "good.md: 1 task" in answer.err
    assert answer.err.endswith("2 errors, 0 warnings\n")


def test_json_is_one_object_a_line_by_either_name(desk):
    desk.write(BAD)
    assert desk.do("check", "--json").lines == desk.do("check", "--format", "json").lines


def test_github_is_told_where_in_the_repository(desk):
    (desk.folder / "docs").mkdir()
    desk.write(BAD, "docs/tasks.md")
    answer = desk.do("check", "--format", "github", "docs/tasks.md", env={"GITHUB_WORKSPACE": str(desk.folder)})
    assert answer.out.startswith("::error title=E004,file=docs/tasks.md,line=1,col=1::docs/tasks.md:1:1: E004 ")
    assert answer.out.count("\n") == 1


def test_sarif_is_one_log_for_all_files(desk):
    desk.write(BAD, "one.md")
    desk.write(BAD, "two.md")
    answer = desk.do("check", "--format", "sarif", "one.md", "two.md", env={"GITHUB_WORKSPACE": str(desk.folder)})
    (run,) = json.loads(answer.out)["runs"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert places == ["one.md", "two.md"]


def test_an_unknown_form_is_wrong_usage(desk):
    desk.write(GOOD)
    answer = desk.do("check", "--format", "xml")
    assert answer.code == 2
    assert "one of text, json, github, sarif" in answer.err
