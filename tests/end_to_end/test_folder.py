"""A folder of files that are one task each, run as one list."""

from __future__ import annotations

import signal

import pytest

from tests import make
from tests.desk import Desk


def put(desk: Desk, id: str, run: str = "true", needs: str = "", status: str = "To Do") -> None:
    (desk.folder / "tasks").mkdir(exist_ok=True)
    text = f"---\nid: {id}\ntitle: Do {id}\nstatus: {status}\ndependencies: [{needs}]\n---\n\n```sh\n{run}\n```\n"
    desk.write(text, f"tasks/{id.lower()} - Do.md")


def shown(desk: Desk, id: str) -> str:
    return desk.read(f"tasks/{id.lower()} - Do.md").split("status: ")[1].split("\n")[0]


def test_a_folder_runs_as_a_list_in_the_order_of_its_dependencies(desk):
    put(desk, "T-2", "pwd > ../where; echo 2 >> ../order", "T-1")
    put(desk, "T-1", "echo 1 >> ../order")
    before = desk.read("tasks/t-2 - Do.md")
    for verb in ("plan", "parse", "check"):
        assert desk.do(verb, "tasks/").code == 0
    answer = desk.do("run", "tasks/")
    assert answer.code == 0, answer.said
    assert desk.read("order") == "1\n2\n"
    assert desk.read("where") == f"{desk.folder / 'tasks'}\n", "tasks are at home in the folder of the list"
    assert desk.read("tasks/t-2 - Do.md") == before.replace("To Do", "Done")
    assert desk.do("status", "tasks", "--json").json["counts"]["completed"] == 2
    assert "2 of 2 tasks done" in desk.do("run", "tasks").said


def test_what_was_done_before_kill_9_is_not_done_again(desk):
    put(desk, "T-1", "echo 1 >> ../order")
    put(desk, "T-2", f"echo 2 >> ../order; {make.wait_for('../go')}", "T-1")
    put(desk, "T-3", "echo 3 >> ../order", "T-2")
    running = desk.start("run", "tasks")
    desk.until(lambda: shown(desk, "T-1") == "Done", "a mark while the rest runs")
    desk.until(lambda: desk.exists("order") and desk.read("order") == "1\n2\n", "the second task at work")
    running.send(signal.SIGKILL)
    running.process.wait()
    desk.put("go")
    answer = desk.do("run", "tasks")
    assert answer.code == 0, answer.said
    assert desk.read("order") == "1\n2\n2\n3\n"
    assert [shown(desk, id) for id in ("T-1", "T-2", "T-3")] == ["Done"] * 3


def test_without_the_database_the_files_tell_what_is_done(desk):
    put(desk, "T-1", "echo 1 >> ../order")
    desk.do("run", "tasks")
    put(desk, "T-2", "echo 2 >> ../order", "T-1")
    desk.change("DELETE FROM executor.executor_state")
    answer = desk.do("run", "tasks")
    assert "does not know the list" in answer.err
    assert desk.read("order") == "1\n2\n"


def test_people_change_one_file_add_one_and_take_one_away(desk):
    for id in ("T-1", "T-2", "T-3"):
        put(desk, id, f"echo {id} >> ../order")
    assert desk.do("run", "tasks").code == 0
    put(desk, "T-1", "echo again >> ../order", status="To Do")
    put(desk, "T-4", "echo T-4 >> ../order")
    (desk.folder / "tasks" / "t-2 - Do.md").unlink(missing_ok=True)
    answer = desk.do("run", "tasks")
    assert answer.code == 0, answer.said
    assert desk.read("order").split() == ["T-1", "T-2", "T-3", "again", "T-4"]
    assert desk.statuses() == {"T-1": "completed", "T-3": "completed", "T-4": "completed"}


def test_a_person_ticks_through_the_command_line(desk):
    put(desk, "T-1")
    desk.write(desk.read("tasks/t-1 - Do.md").split("```")[0], "tasks/t-1 - Do.md")
    assert desk.do("run", "tasks").code == 3
    assert desk.do("done", "T-1", "-f", "tasks").code == 0
    assert shown(desk, "T-1") == "Done"


def test_a_folder_that_goes_away_does_not_stop_the_run(desk):
    put(desk, "T-1", make.wait_for("../go"))
    put(desk, "T-2", needs="T-1")
    running = desk.start("run", "tasks")
    desk.until_running("T-1")
    (desk.folder / "tasks" / "t-2 - Do.md").unlink()
    desk.put("go")
    answer = running.end()
    assert answer.code == 0, answer.said
    assert shown(desk, "T-1") == "Done"
    assert desk.status("T-2") == "completed"


@pytest.mark.parametrize("name", ["nothing.md", None])
def test_a_folder_without_tasks_is_told_what_to_do(desk, name):
    (desk.folder / "tasks").mkdir()
    if name:
        desk.write("# Nothing\n\n- [ ] a\n", f"tasks/{name}")
    answer = desk.do("run", "tasks")
    assert answer.code == 2
    assert "the folder holds no task" in answer.err
    assert "front matter" in answer.err


def test_an_error_in_one_file_names_the_file(desk):
    put(desk, "T-1", needs="T-9")
    answer = desk.do("check", "tasks")
    assert answer.code == 2
    assert "tasks/t-1 - Do.md:5:1: E004" in answer.out


def test_files_up_to_the_size_that_was_asked_for_are_read(desk):
    desk.write(make.document(make.task()) + "x" * 2000)
    refused = desk.do("run", "--max-size", "1k")
    assert refused.code == 2
    assert "--max-size" in refused.err
    assert desk.do("run", "--max-size", "1M").code == 0
    assert "bytes" in desk.do("check", "--max-size", "much").err
