"""`executor graph` as people use it: with and without a database, into files, through Graphviz."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import make

NOWHERE = {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}
LIST = make.document(
    make.task("Build", id="A-1"),
    make.task("Break", "exit 1", id="A-2", depends_on=["A-1"]),
    make.task("Ship", id="A-3", depends_on=["A-2"]),
    make.task("Ask", None, id="A-4"),
)


def states(answer):
    return {task["id"]: task["status"] for task in answer.json["tasks"]}


def test_the_statuses_are_those_of_the_queue(desk):
    desk.write(LIST)
    before = desk.do("graph", "--json")
    assert before.json["source"] == "file"
    desk.do("run")
    after = desk.do("graph", "--json")
    assert after.json["source"] == "queue"
    assert states(after) == {"A-1": "completed", "A-2": "failed", "A-3": "skipped", "A-4": "waiting"}
    assert after.json["waves"] == [["A-1", "A-4"], ["A-2"], ["A-3"]]
    assert after.json["edges"][0] == {
        "task": "A-2",
        "depends_on": "A-1",
        "rule": "depends on",
        "line": 8,
        "critical": False,
    }


def test_without_a_database_the_marks_of_the_file_are_shown_and_no_server_is_started(desk):
    desk.write(LIST.replace("[ ] **A-1**", "[x] **A-1**"))
    answer = desk.do("graph", env={"DATABASE_URL": None})
    assert answer.code == 0
    assert "statuses of the file" in answer.out
    assert "[x] A-1" in answer.out
    assert answer.err == ""
    assert not list(desk.home.glob("**/postmaster.pid"))
    assert not list(desk.home.glob("**/data-*"))


def test_a_server_that_was_named_and_is_down_is_told_of_and_costs_no_graph(desk):
    desk.write(LIST)
    answer = desk.do("graph", env=NOWHERE)
    assert answer.code == 0
    assert "statuses are the marks of the file: [DB_UNREACHABLE]" in answer.err
    assert "* the longest chain of 3 tasks: A-1 > A-2 > A-3" in answer.out


@pytest.mark.parametrize(
    ("name", "first"), [("g.mmd", "flowchart TD"), ("g.gv", 'digraph "A list" {'), ("g.txt", "tasks.md: tasks 4")]
)
def test_a_file_is_drawn_as_it_is_named(desk, name, first):
    desk.write(LIST)
    answer = desk.do("graph", "-o", name, env=NOWHERE)
    assert (answer.code, answer.out) == (0, "")
    assert desk.read(name).startswith(first)


def test_the_list_itself_is_never_drawn_over(desk):
    desk.write(LIST)
    answer = desk.do("graph", "-o", "tasks.md", "--format", "dot", env=NOWHERE)
    assert answer.code == 2
    assert "is the task list itself" in answer.err
    assert desk.read() == LIST


def test_without_graphviz_an_svg_tells_what_to_install(desk):
    desk.write(LIST)
    answer = desk.do("graph", "--format", "svg", env=NOWHERE | {"PATH": str(desk.home)})
    assert answer.code == 1
    assert "apt install graphviz" in answer.err
    assert "--format mermaid or dot" in answer.err
    assert answer.out == ""


def test_a_graphviz_that_gives_up_is_quoted(desk):
    desk.write(LIST)
    (desk.home / "dot").write_text("#!/bin/sh\necho 'syntax error' >&2\nexit 3\n")
    (desk.home / "dot").chmod(0o755)
    answer = desk.do("graph", "--format", "svg", env=NOWHERE | {"PATH": f"{desk.home}:/usr/bin:/bin"})
    assert answer.code == 1
    assert "`dot` ended with 3: syntax error" in answer.err


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_every_task(desk):
    desk.write(LIST)
    assert desk.do("graph", "-o", "g.svg", env=NOWHERE).code == 0
    drawn = Path(desk.folder / "g.svg").read_text()
    assert all(f">A-{n}<" in drawn for n in (1, 2, 3, 4))
    assert "depends on, line 8" in drawn


@pytest.mark.parametrize("words", [("--format", "png"), ("no-such.md",)])
def test_what_cannot_be_drawn_is_wrong_usage(desk, words):
    desk.write(LIST)
    answer = desk.do("graph", *words, env=NOWHERE)
    assert answer.code == 2
    assert "hint:" in answer.err


def test_a_cycle_is_shown_instead_of_a_graph(desk):
    desk.write("- [ ] T001 a (after T002)\n- [ ] T002 b (after T001)\n")
    answer = desk.do("graph", env=NOWHERE)
    assert answer.code == 2
    assert "T001 (line 1) → T002 (line 2) → T001 (line 1)" in answer.err
