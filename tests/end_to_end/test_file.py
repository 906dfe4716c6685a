"""The file beside the queue: what is written into it, and what becomes of edits, renames, removals and its loss."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest

from tests import make
from tests.desk import Desk


def test_only_the_marks_change_whatever_else_is_in_the_file(desk):
    source = (
        b"\xef\xbb\xbf# List \xe2\x80\x94 with a BOM\r\n\r\n"
        b"* [ ]\t**ONE-1** tab, and blanks at the end   \r\n  ```sh\r\n  true\r\n  ```\r\n"
        b"\r\n<!-- a comment [ ] -->\r\n"
        b"1. [ ] **TWO-2** \xf0\x9f\x8d\x95\x0c\r\n   ```sh\r\n   true\r\n   ```"
    )
    desk.write(source)
    answer = desk.do("run")
    assert answer.code == 0, answer.said
    assert (desk.folder / "tasks.md").read_bytes() == source.replace(b"* [ ]", b"* [x]").replace(b"1. [ ]", b"1. [x]")


def test_the_file_keeps_its_mode_and_is_written_through_a_link(desk):
    path = desk.write(make.document(make.task()), "real.md")
    path.chmod(0o640)
    (desk.folder / "tasks.md").symlink_to("real.md")
    assert desk.do("run").code == 0
    assert "[x]" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert (desk.folder / "tasks.md").is_symlink()


def test_a_table_is_marked_in_its_own_words(desk):
    desk.write("| ID | Task | Status |\n|---|---|---|\n| T-1 | Write | todo |\n| T-2 | Read | done |\n\n")
    assert desk.do("run").code == 3
    desk.do("done", "T-1")
    assert "| T-1 | Write | done |" in desk.read()


def test_running_tasks_are_marked_only_when_asked_for(desk):
    desk.write(make.document(make.task(id="LNG-1", run=make.wait_for("go"))))
    running = desk.start("run", "--mark-running")
    desk.until(lambda: "[ ]" not in desk.read(), "a mark of a task in progress")
    desk.put("go")
    assert running.end().code == 0
    assert "[x]" in desk.read()


def test_a_file_that_is_not_to_be_written_stays_as_it_was(desk):
    path = desk.write(make.document(make.task(), make.task("another")))
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert desk.do("run", "--no-write-back").code == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    again = desk.do("run")
    assert again.code == 0
    assert path.read_text().count("[x]") == 2, "what the file still lacks is written by the next run"


def test_a_read_only_file_is_one_warning_and_the_run_goes_on(desk):
    path = desk.write(make.document(*(make.task(f"Part {n}", "sleep 0.4") for n in range(4))))
    path.chmod(0o444)
    answer = desk.do("run")
    assert answer.code == 0
    assert answer.said.count("read-only") == 1
    assert "[x]" not in path.read_text()


def test_a_file_deleted_while_it_runs_does_not_stop_the_run(desk):
    path = desk.write(make.document(make.task(id="LNG-1", run=make.wait_for("go")), make.task(id="TWO-2")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    path.unlink()
    desk.put("go")
    answer = running.end()
    assert answer.code == 0
    assert "the file is gone" in answer.said
    assert set(desk.statuses().values()) == {"completed"}
    assert not path.exists()
    assert desk.do("status", "tasks.md").code == 0
    again = desk.do("run", "tasks.md")
    assert again.code == 0
    assert "is gone; going on from the queue" in again.err


def test_an_edit_made_while_it_runs_is_kept(desk):
    desk.write(make.document(make.task(id="LNG-1", run=make.wait_for("go")), make.task(id="TWO-2")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    desk.write(desk.read().replace("# A list", "# Another title") + make.task("New", "touch new", id="NEW-3"))
    desk.put("go")
    assert running.end().code == 0
    assert "# Another title" in desk.read()
    assert desk.read().count("[x]") == 2
    assert desk.do("run").code == 0
    assert desk.exists("new")
    assert desk.read().count("[x]") == 3


def test_an_edited_failed_task_is_queued_again_and_a_completed_one_only_when_asked_for(desk):
    desk.write(make.document(make.task(id="ONE-1", run="echo a >> log"), make.task(id="BAD-2", run="false")))
    assert desk.do("run").code == 1
    desk.write(desk.read().replace("false", "echo b >> log").replace("echo a", "echo A"))
    assert desk.do("run").code == 0
    assert desk.read("log") == "a\nb\n"
    assert "[x] **ONE-1**" in desk.read()

    desk.write(desk.read().replace("echo A", "echo AA"))
    assert desk.do("run", "--rerun-changed").code == 0
    assert desk.read("log") == "a\nb\nAA\n"


def test_a_renamed_task_keeps_its_history(desk):
    desk.write(make.document(make.task("Write the first chapter", "false"), make.task("Something else entirely")))
    desk.do("run", "-k")
    desk.write(desk.read().replace("first chapter", "first chapters"))
    desk.do("run", "-k")
    assert desk.value("SELECT count(*) FROM executor.task_queue") == 2
    assert desk.value("SELECT count(*) FROM executor.run") == 3
    assert desk.value("SELECT attempts FROM executor.task_queue WHERE title LIKE 'Write%%'") == 2


def test_a_removed_task_is_forgotten_until_it_comes_back_with_its_history(desk):
    one, two = make.task(id="ONE-1", run="echo 1 >> log"), make.task(id="TWO-2", run="echo 2 >> log")
    desk.write(make.document(one, two))
    desk.do("run")
    desk.write(make.document(two.replace("[ ]", "[x]")))
    assert desk.do("run").code == 0
    assert desk.statuses() == {"TWO-2": "completed"}
    assert "ONE-1" not in desk.do("list").out
    desk.write(make.document(one.replace("[ ]", "[x]"), two.replace("[ ]", "[x]")))
    assert desk.do("run").code == 0
    assert desk.read("log") == "1\n2\n"
    assert desk.kinds("ONE-1")[-2:] == ["task.removed", "task.changed"]


def test_a_removed_dependency_no_longer_holds_anybody_up(desk):
    desk.write(make.document(make.task("Ask", None, id="ASK-1"), make.task(id="TWO-2", depends_on=["ASK-1"])))
    assert desk.do("run").code == 3
    desk.write(make.document(make.task(id="TWO-2")))
    assert desk.do("run").code == 0


def test_a_new_dependency_holds_up_a_queued_task(desk):
    desk.write(make.document(make.task("Ask", None, id="ASK-1"), make.task("Ask on", None, id="ASK-2")))
    assert desk.do("run").code == 3
    desk.write(make.document(make.task("Ask", None, id="ASK-1"), make.task(id="ASK-2", depends_on=["ASK-1"])))
    assert desk.do("run").code == 3
    assert desk.do("status", "--json").json["tasks"][1]["blocked_by"] == ["ASK-1"]


def test_a_lost_database_is_rebuilt_from_the_marks_of_the_file(lone_desk, server):
    lone_desk.write(
        make.document(
            make.task(id="ONE-1", run="echo 1 >> log"), make.task(id="TWO-2", run="test -e ok; echo 2 >> log")
        )
    )
    assert lone_desk.do("run").code == 1
    name = psycopg.conninfo.conninfo_to_dict(lone_desk.database)["dbname"]
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    lone_desk.put("ok")
    answer = lone_desk.do("run")
    assert answer.code == 0
    assert "1 task ticked in tasks.md count" in answer.err
    assert lone_desk.read("log") == "1\n2\n"


@pytest.mark.parametrize("name", ["a list.md", "Ünïcödé–☃.md", 'it\'s "quoted" $HOME.md', "-.md", "new\nline.md"])
def test_a_list_may_have_any_name(desk, name):
    desk.write(make.document(make.task(id="ONE-1", run='test -f "$EXECUTOR_LIST"')), name)
    assert desk.do("run", "--", name).code == 0
    assert desk.do("status", "--json", "--", name).json["list"]["path"] == str(desk.folder / name)
    assert desk.do("requeue", "ONE-1", "--file", name).code == 0


def test_the_same_list_typed_in_another_way_is_the_same_list(desk):
    desk.write(make.document(make.task(run="echo 1 >> log")))
    (desk.folder / "sub").mkdir()
    assert desk.do("run").code == 0
    assert desk.do("run", "../tasks.md", cwd=desk.folder / "sub").code == 0
    assert desk.do("run", str(desk.folder / "sub" / ".." / "tasks.md")).code == 0
    assert desk.read("log") == "1\n"
    assert desk.value("SELECT count(*) FROM executor.executor_state") == 1


def test_two_lists_in_one_database_do_not_know_each_other(desk):
    desk.write(make.document(make.task(id="ONE-1", run="echo a >> log")), "a.md")
    desk.write(make.document(make.task(id="ONE-1", run="echo b >> log"), make.task(id="TWO-2", run="false")), "b.md")
    assert desk.do("run", "a.md").code == 0
    assert desk.do("run", "b.md").code == 1
    assert desk.do("status", "a.md", "--json").json["counts"]["total"] == 1
    assert desk.do("events", "a.md", "--json").lines[-1]["kind"] == "list.finished"
    assert desk.do("show", "TWO-2", "-f", "a.md").code == 2


def test_a_killed_executor_leaves_no_half_written_file(desk: Desk):
    desk.write(make.document(*(make.task(id=f"T{n:02}", run="true") for n in range(40))))
    running = desk.start("run", "-j", "2")
    desk.until(lambda: "[x]" in desk.read())
    os.kill(running.pid, signal.SIGKILL)
    running.process.wait()
    assert desk.read().count("[ ]") + desk.read().count("[x]") == 40
    assert desk.do("run", "-j", "2").code == 0
    assert desk.read().count("[x]") == 40
    assert [one.name for one in desk.folder.iterdir()] == ["tasks.md"]


def test_a_list_elsewhere_is_named_in_every_next_command(desk):
    path = "two of them/b list.md"
    (desk.folder / path).parent.mkdir()
    desk.write(make.document(make.task(id="A", run="false")), path)
    unknown = desk.do("status", path)
    assert f"executor run '{path}'" in unknown.err
    desk.do("run", path)
    told = desk.do("status", path).out
    assert f"executor logs A --file '{path}'" in told
    assert f"executor run '{path}' --retry-failed" in told


def test_a_list_elsewhere_is_named_where_it_is_paused_and_where_a_task_is_not_found(desk):
    desk.write(make.document(make.task(id="A"), make.task(id="B", settings={"gate": "human"})), "other.md")
    unknown = "see them with `executor graph other.md`"
    assert unknown in desk.do("plan", "other.md", "--only", "Z").err
    assert unknown in desk.do("plan", "other.md", "--tag", "none").err
    desk.do("sync", "other.md")
    known = "see them with `executor list other.md`"
    assert known in desk.do("run", "other.md", "--only", "Z").err
    assert known in desk.do("run", "other.md", "--tag", "none").err
    assert known in desk.do("show", "Z", "--file", "other.md").err
    for said in ("paused", "already paused"):
        assert desk.do("pause", "other.md").out == f"{said}; `executor resume other.md` goes on\n"
    assert "go on with `executor resume other.md`" in desk.do("run", "other.md").err
    assert "`executor resume other.md` lets workers begin" in desk.do("sync", "other.md").err
    assert "start one with `executor run other.md`" in desk.do("resume", "other.md").out
    desk.do("run", "other.md")
    assert "executor approve B --file other.md" in desk.do("show", "B", "--file", "other.md").out


def test_why_an_approval_failed_is_where_status_says(desk):
    desk.write(make.document(make.task(id="A", settings={"gate": "human"})), "other.md")
    desk.do("run", "other.md")
    desk.do("reject", "A", "-m", "not now", "--file", "other.md")
    told = desk.do("status", "other.md").out
    assert "see why: executor show A --file other.md" in told
    assert "not now" in desk.do("show", "A", "--file", "other.md").out
    assert desk.do("logs", "A", "--file", "other.md").code != 0, "there is none"


def test_a_watch_names_what_it_stops_at_and_its_list(desk):
    desk.write(make.document(make.task(id="A", run="false"), make.task(id="B")), "other.md")
    watch = desk.start("watch", "other.md")
    desk.until(
        lambda: (
            (
                "A failed and this list stops at that: mend it in the file, or `executor requeue A --file other.md`,"
                " or `executor skip A --file other.md`"
            )
            in watch.said()
        )
    )
    desk.do("pause", "other.md")
    desk.until(lambda: "`executor resume other.md` goes on" in watch.said())
    desk.do("stop", "other.md")
    watch.end()


def test_control_characters_of_a_file_do_not_reach_the_terminal(desk):
    desk.write("# Odd \x1b[31mtitle\x07 👩\u200d👧\n\n- [ ] <!-- id: A --> Do it (depends on Z\x1b[31m)\n")
    assert "\x1b" not in desk.do("check").said
    desk.write("# Odd \x1b[31mtitle\x07 👩\u200d👧\n\n- [ ] <!-- id: A --> Do it\n")
    desk.do("sync")
    told = desk.do("status").out
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "👩\u200d👧" in told, "what joins the parts of an emoji is no harm"


def test_a_worker_for_a_list_that_is_not_there_yet_says_so(desk):
    worker = desk.start("worker", "--list", "later on.md")
    desk.until(lambda: "'later on.md' is not in the queue yet" in worker.said())
    worker.process.terminate()
    worker.end()
