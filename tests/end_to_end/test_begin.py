"""`executor init` and `executor id`: a list begun, and ids that cost no history."""

from __future__ import annotations

import os
import re

import pytest

from tests import make

NOWHERE = {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}
PLAIN = make.document(
    make.task("Wash up", "echo wash >> log"), make.task("Dry up", "echo dry >> log"), title="Chores"
).replace("\n", "\r\n")
COMMENT = re.compile(rb" <!-- id: [0-9a-f]{10} -->")


def test_the_starter_is_a_list_without_warnings_that_runs_as_it_is(desk):
    assert desk.do("init").code == 0
    assert desk.do("check", "--strict").code == 0
    answer = desk.do("run")
    assert answer.code == 0, answer.said
    assert set(desk.statuses().values()) == {"completed"}
    assert desk.read("greetings/all.txt") == "Hello, world\nHello, moon\n"
    assert desk.read().count("[x]") == 4


@pytest.mark.parametrize("words", [(), ("tasks.md",), ("-o", "tasks.md"), ("other.md", "--from", "tasks.md")])
def test_nothing_is_written_over(desk, words):
    desk.write(PLAIN)
    desk.write("mine", "other.md")
    answer = desk.do("init", *words)
    assert answer.code == 2
    assert "is not written over" in answer.err
    assert (desk.read(), desk.read("other.md")) == (PLAIN.replace("\r\n", "\n"), "mine")


def test_a_second_usual_name_is_not_begun_beside_the_first(desk):
    desk.write(PLAIN, "TODO.md")
    answer = desk.do("init")
    assert answer.code == 2
    assert "executor init --from TODO.md" in answer.err
    assert not desk.exists("tasks.md")


def test_a_plain_list_is_made_ready_in_place(desk):
    path = desk.folder / "tasks.md"
    path.write_bytes(PLAIN.encode())
    answer = desk.do("init", "--from", "tasks.md", env=NOWHERE)
    assert answer.code == 0, answer.said
    front = b"---\r\nexecutor: {jobs: 1}\r\n---\r\n"
    assert path.read_bytes().startswith(front)
    assert COMMENT.sub(b"", path.read_bytes().removeprefix(front)) == PLAIN.encode()
    again = path.read_bytes()
    assert desk.do("init", "--from", "tasks.md", env=NOWHERE).code == 0
    assert path.read_bytes() == again


def test_a_plain_list_is_made_ready_beside_itself(desk):
    path = desk.folder / "plain.md"
    path.write_bytes(PLAIN.encode())
    assert desk.do("init", "tasks.md", "--from", "plain.md", env=NOWHERE).code == 0
    assert path.read_bytes() == PLAIN.encode()
    assert b"executor: {jobs: 1}" in (desk.folder / "tasks.md").read_bytes()


def test_ids_are_shown_before_they_are_written(desk):
    desk.write(PLAIN)
    before = (desk.folder / "tasks.md").read_bytes()
    shown = desk.do("id", env=NOWHERE)
    assert shown.code == 0
    assert [line.split(": ")[0] for line in shown.out.splitlines()] == ["tasks.md:3", "tasks.md:8"]
    assert (desk.folder / "tasks.md").read_bytes() == before
    seen = desk.do("id", "--json", env=NOWHERE).json
    assert [one["line"] for one in seen["added"]] == [3, 8]
    assert (seen["written"], seen["refused"]) == (False, [])


def test_ids_written_after_a_run_repeat_nothing_and_keep_the_history(desk):
    path = desk.folder / "tasks.md"
    path.write_bytes(PLAIN.replace("echo dry", "test -e towel && echo dry").encode())
    assert desk.do("run").code == 1
    rows = "SELECT queue_id, task_id, attempts FROM executor.task_queue ORDER BY position"
    before, runs = desk.rows(rows), desk.rows("SELECT run_id, queue_id, status FROM executor.run")
    ticked = path.read_bytes()

    assert desk.do("id", "--write").code == 0
    assert COMMENT.sub(b"", path.read_bytes()) == ticked
    (desk.folder / "towel").touch()
    answer = desk.do("run", "--retry-failed")

    assert answer.code == 0, answer.said
    assert desk.read("log") == "wash\ndry\n"
    after = desk.rows(rows)
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert [row[2] for row in after] == [1, 2]
    assert desk.rows("SELECT run_id, queue_id, status FROM executor.run ORDER BY run_id")[: len(runs)] == runs
    assert not {"task.added", "task.removed"} & set(desk.kinds(before[0][1])[1:])
    assert path.read_bytes().count(b"[x]") == 2


def test_a_written_id_keeps_the_history_of_a_title_that_changes_altogether(desk):
    desk.write(make.document(make.task("Sing", "echo sang >> log")))
    desk.do("run")
    desk.do("id", "--write")
    desk.write(desk.read().replace("Sing", "Perform the second movement"))
    assert desk.do("run").code == 0
    assert desk.read("log") == "sang\n"
    assert desk.value("SELECT count(*) FROM executor.task_queue") == 1


def test_what_shows_its_ids_elsewhere_says_where(desk):
    desk.write("| ID | Task | Status |\n|---|---|---|\n| A-1 | one | todo |\n| | two | todo |\n")
    answer = desk.do("id", "--write", env=NOWHERE)
    assert answer.code == 0
    assert "add one named ID" in answer.err
    assert "<!--" not in desk.read()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_list_that_may_not_be_written_is_told_of(desk):
    desk.write(PLAIN)
    (desk.folder / "tasks.md").chmod(0o444)
    answer = desk.do("id", "--write", env=NOWHERE)
    assert answer.code == 2
    assert "read-only" in answer.err


def test_a_list_with_errors_gets_no_ids(desk):
    desk.write("- [ ] one (depends on NO-1)\n")
    answer = desk.do("id", "--write", env=NOWHERE)
    assert answer.code == 2
    assert desk.read() == "- [ ] one (depends on NO-1)\n"
