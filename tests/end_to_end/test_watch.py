"""`executor watch`: real saves of every kind of editor, and what becomes of them in the queue."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import make

SYNCS = "SELECT count(*) FROM executor.event WHERE kind = 'list.synced'"


def graph(*tasks: str, **settings: object) -> str:
    """A list whose failures stop nothing and whose tasks may run side by side."""
    return make.document(*tasks, keep_going=True, jobs=4, **settings)


def touch(name: str, **options: object) -> str:
    """A task that leaves a file of its own name."""
    return make.task(id=name, run=f"echo x >> {name.lower()}", **options)


def by_rename(path: Path, content: bytes) -> None:
    """As vim and most libraries for atomic writing."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_bytes(content)
    beside.replace(path)


def by_moving_away(path: Path, content: bytes) -> None:
    """As vim with a backup: for a moment there is no file."""
    path.rename(path.with_name(f"{path.name}~"))
    time.sleep(0.05)
    path.write_bytes(content)


def in_place(path: Path, content: bytes) -> None:
    """As nano, and `>` of a shell."""
    path.write_bytes(content)


def in_pieces(path: Path, content: bytes) -> float:
    """As a slow program: emptied, then in pieces that break lines; the longest pause between them, in seconds.

    A dozen, however long it is: each pause is one in which a busy machine may stand still for longer than a save may.
    """
    size = max(37, len(content) // 12 + 1)
    longest = 0.0
    with path.open("wb", buffering=0) as file:
        written_at = time.monotonic()
        for at in range(0, len(content), size):
            file.write(content[at : at + size])
            longest = max(longest, time.monotonic() - written_at)
            written_at = time.monotonic()
            time.sleep(0.02)
    return longest


def twice(path: Path, content: bytes) -> None:
    """As editors that format what they have saved."""
    path.write_bytes(content.replace(b"\n", b"  \n", 1))
    time.sleep(0.03)
    path.write_bytes(content)


_A_SAVE_MAY_REST = 0.08  # seconds: less than the tenth for which whoever saves is let alone

EDITORS = (by_rename, by_moving_away, in_place, in_pieces, twice)


def settled(desk, *statuses: str) -> Callable[[], bool]:
    """A question: do the tasks of the only list stand like this?"""
    return lambda: tuple(desk.statuses().values()) == statuses


@pytest.mark.parametrize("save", EDITORS)
def test_every_editors_save_is_brought_in_once_and_whole(desk, save):
    path = desk.write(graph(touch("A1")))
    watch = desk.start("watch")
    desk.until(lambda: "[x]" in desk.read(), "A1 is ticked, and its author sees that")
    long = "; ".join(["true"] * 40)
    added = make.task(id="B1", run=f"echo begun >> b1; {long}; echo ended >> b1")
    save(path, f"{desk.read()}\n{added}".encode())
    desk.until(settled(desk, "completed", "completed"))
    assert desk.read("b1") == "begun\nended\n"
    assert desk.read("a1") == "x\n"
    desk.until(lambda: desk.read().count("[x]") == 2, "both are ticked")
    assert desk.value(SYNCS) == 2, "the first, and the save; not the ticks"
    watch.send(signal.SIGINT)
    ended = watch.end()
    assert ended.code == 130
    assert "synced: 1 added" in ended.out
    assert ended.err == ""


def test_ticks_are_not_written_into_the_midst_of_a_save(desk):
    tasks = [touch(f"T{number}") for number in range(1, 31)]
    path = desk.write(graph(*tasks))
    desk.start("watch")
    desk.until_there("t1")
    for _ in range(10):
        if in_pieces(path, graph(*tasks, touch("N1"), "The end.\n").encode()) < _A_SAVE_MAY_REST:
            break  # else this machine stood still in its midst, for longer than a file is let alone: save again
    desk.until_there("n1")
    desk.until(lambda: set(desk.statuses().values()) == {"completed"} and "- [ ]" not in desk.read())
    assert desk.read().endswith("The end.\n")
    assert desk.read().count("[x]") == 31


def test_a_save_through_a_symlink_and_with_other_line_ends_is_followed(desk):
    (desk.folder / "real").mkdir()
    desk.write(graph(touch("A1")).replace("\n", "\r\n"), "real/list.md")
    (desk.folder / "tasks.md").symlink_to("real/list.md")
    desk.start("run", "--watch")
    desk.until_there("real/a1")
    by_rename(desk.folder / "real/list.md", graph(touch("A1"), touch("B1")).replace("\n", "\r\n").encode())
    desk.until_there("real/b1")
    in_place(desk.folder / "tasks.md", graph(touch("A1"), touch("B1"), touch("C1")).replace("\n", "\r\n").encode())
    desk.until_there("real/c1")
    desk.until(lambda: desk.read("real/list.md").count("[x]") == 3)
    assert b"\r\n" in (desk.folder / "real/list.md").read_bytes()


def test_a_folder_is_a_list_whose_files_come_change_and_go(desk):
    def task(name: str, title: str = "Do it") -> str:
        return f"---\nid: {name}\ntitle: {title}\nstatus: To Do\n---\n\n```sh\necho x >> {name}\n```\n"

    folder = desk.folder / "backlog"
    folder.mkdir()
    (folder / "task-1.md").write_text(task("task-1"))
    desk.start("watch", "backlog")
    desk.until_there("backlog/task-1")
    by_rename(folder / "task-2.md", task("task-2").encode())
    desk.until_there("backlog/task-2")
    desk.until(lambda: set(desk.statuses().values()) == {"completed"} and len(desk.statuses()) == 2)
    (folder / "task-1.md").unlink()
    desk.until(lambda: len(desk.statuses()) == 1)


def test_everything_a_save_can_say_takes_effect_while_others_run(desk):
    held = make.task(id="A1", run="echo x >> a1; " + make.wait_for("go"))
    later = [make.task(id=f"T{number}", run=f"echo T{number} >> order") for number in range(1, 5)]
    desk.write(make.document(held, *later, keep_going=True))
    desk.start("watch")
    desk.until_there("a1")
    desk.write(
        make.document(
            held.replace("echo x", "echo y"),  # changed while it runs
            make.task(id="T4", run="echo T4 >> order"),  # moved up
            make.task(id="T3", run="echo changed >> order"),
            make.task(id="T2", mark="x", run="echo T2 >> order"),  # ticked by hand
            make.task(id="N1", priority="P1", run="echo N1 >> order"),
            keep_going=True,  # T1 is gone
        )
    )
    desk.until(lambda: desk.statuses().get("N1"))
    assert desk.status("A1") == "running"
    desk.put("go")
    desk.until(lambda: set(desk.statuses().values()) == {"completed"})
    assert desk.read("order").split() == ["N1", "T4", "changed"]
    assert desk.read("a1") == "x\n", "what runs goes on, and is not run again for a change"
    desk.until(lambda: desk.read().count("[x]") == 5, "all are ticked")
    time.sleep(0.15)  # an emptied box right after our tick, with other changes, would be a save that overtook it
    desk.write(desk.read().replace("- [x] **T4**", "- [ ] **T4**"))
    desk.until(lambda: desk.read("order").split() == ["N1", "T4", "changed", "T4"], "an emptied box runs again")


def test_rerun_changed_runs_a_task_again_whose_text_changed_while_it_ran(desk):
    held = make.task(id="A1", run="echo old >> a1; " + make.wait_for("go"))
    desk.write(graph(held, touch("B1")))
    desk.start("watch", "--rerun-changed")
    desk.until_there("a1", "b1")
    desk.write(graph(held.replace("old", "new"), touch("B1")))
    desk.until(lambda: "task.changed" in desk.kinds("A1"))
    desk.put("go")
    desk.until(lambda: desk.read("a1").split() == ["old", "new"])
    desk.until(settled(desk, "completed", "completed"))
    assert desk.read("b1") == "x\n"


def test_a_running_task_that_leaves_the_file_goes_on_and_its_end_is_recorded(desk):
    desk.write(graph(make.task(id="A1", run=make.wait_for("go")), touch("B1")))
    watch = desk.start("watch")
    desk.until_running("A1")
    desk.write(graph(touch("B1")))
    desk.until(lambda: "A1" not in desk.statuses())
    desk.put("go")
    desk.until(lambda: desk.runs("A1") == ["succeeded"])
    desk.until(lambda: "done   B1" in watch.said())
    assert "[2/1]" not in watch.said(), "what has left the file is not counted"
    desk.write(graph(make.task(id="A1", run="echo again >> again"), touch("B1")))
    desk.until(lambda: desk.status("A1") == "completed", "with its history when its lines come back")
    assert not desk.exists("again")


def test_a_failed_task_that_is_mended_in_the_file_goes_on_at_once(desk):
    desk.write(make.document(make.task(id="A1", run="exit 3"), touch("B1")))
    watch = desk.start("watch")
    desk.until(lambda: "this list stops at that" in watch.said())
    assert desk.status("B1") == "queued"
    desk.write(make.document(make.task(id="A1", run="true"), touch("B1")))
    desk.until(settled(desk, "completed", "completed"))
    desk.until(lambda: "nothing left to do" in watch.said())
    assert desk.do("requeue", "B1").code == 0
    desk.until(lambda: desk.read("b1") == "x\nx\n", "people's other ways work as well")
    desk.do("stop")
    assert watch.end().code in (0, 3)


def test_a_broken_save_changes_nothing_and_says_why_once(desk):
    good = graph(touch("A1"))
    desk.write(good)
    watch = desk.start("watch", "--json")
    desk.until_there("a1")
    broken = graph(touch("A1"), make.task(id="B1", depends_on=["NO-1"]))
    for _ in range(2):
        desk.write(broken)
        desk.until(lambda: "this save has 1 error" in watch.said())
    assert "tasks.md:" in watch.said()
    assert "E0" in watch.said()
    assert "B1" not in desk.statuses()
    doubtful = graph(touch("A1"), touch("B1"), "- [ ]\n")
    desk.write(doubtful)
    desk.until_there("b1")
    desk.until(lambda: "W103" in watch.said(), "a later save's warnings are told")
    desk.write(doubtful + touch("C1"))
    desk.until_there("c1")
    assert watch.said().count("this save has 1 error") == 1
    assert sum("W103" in line for line in watch.err.read_text().splitlines()) == 1, "and told once"
    watch.send(signal.SIGINT)
    kinds = [event["kind"] for event in watch.end().lines]
    assert kinds.count("list.synced") == 3


def test_errors_are_told_for_each_save_and_not_for_our_ticks_in_it(desk):
    tasks = [make.task(id=f"A{n}", run=make.wait_for(f"go{n}")) for n in range(4)]
    desk.write(make.document(*tasks))
    watch = desk.start("watch")
    desk.until_running("A0")
    broken = make.document(*tasks, make.task(id="B1", depends_on=["NO-1"]))
    desk.write(broken)
    desk.until(lambda: "this save has 1 error" in watch.said())
    for n in range(3):
        desk.put(f"go{n}")
        desk.until(lambda n=n: desk.read().count("[x]") == n + 1, "its tick is in the file")
    desk.until(lambda: "start  A3" in watch.said())
    desk.write(desk.read().replace("NO-1", "NO-2"))
    desk.until(lambda: "NO-2" in watch.said(), "another save is told of")
    desk.put("go3")
    desk.until(lambda: desk.read().count("[x]") == 4)
    desk.write(desk.read().replace("NO-2", "NO-1"))
    desk.until(lambda: watch.said().count("this save has 1 error") >= 3, "told again, as it is another save")
    desk.write(desk.read().replace("NO-1", "A0"))
    desk.until(lambda: "B1" in desk.statuses())
    assert watch.said().count("this save has 1 error") == 3
    watch.send(signal.SIGINT)
    watch.end()


def test_a_file_that_goes_is_waited_for(desk):
    path = desk.write(graph(touch("A1")))
    watch = desk.start("watch")
    desk.until_there("a1")
    desk.until(lambda: "[x]" in desk.read())
    content = path.read_bytes()
    path.unlink()
    desk.until(lambda: "the file is gone" in watch.said())
    by_rename(path, content)
    desk.until(lambda: "can be read again" in watch.said())
    shutil.rmtree(desk.folder)
    desk.folder.mkdir()
    desk.until(lambda: watch.said().count("the file is gone") == 2)
    desk.write("- [ ] x (depends on NO-1)\n")
    desk.until(lambda: "this save has 1 error" in watch.said(), "though the folder it was started in is gone")
    desk.write(graph(touch("A1", mark="x"), touch("B1")))
    desk.until(lambda: desk.statuses() == {"A1": "completed", "B1": "completed"})
    assert not desk.exists("a1"), "what was done is not done again"


def test_several_lists_are_watched_by_one(desk):
    desk.write(graph(touch("A1")), "a.md")
    desk.write(make.document(touch("B1"), touch("B2")), "b.md")
    watch = desk.start("watch", "a.md", "b.md", "-j", "2")
    desk.until_there("a1", "b1", "b2")
    desk.write(graph(touch("A1", mark="x"), touch("A2")), "a.md")
    desk.until_there("a2")
    desk.write(graph(touch("A1", mark="x"), make.task(id="A2", mark="x"), "- [ ] x (depends on NO-1)"), "a.md")
    desk.until(lambda: "a.md:" in watch.said() and "1 error" in watch.said())
    desk.write(make.document(touch("B1", mark="x"), touch("B2", mark="x"), touch("B3")), "b.md")
    desk.until_there("b3")
    assert "b.md: synced: " in watch.said()
    desk.do("stop", "a.md")
    desk.write(make.document(touch("B1", mark="x"), touch("B2", mark="x"), touch("B3"), touch("B4")), "b.md")
    desk.until_there("b4")
    desk.do("drain", "--all")
    assert watch.end().code in (0, 3)


def test_settings_and_filters_are_those_of_the_last_save(desk):
    desk.write(graph(touch("A1", words="#now"), touch("B1"), env={"WHO": "one"}))
    desk.start("watch", "--tag", "now", "--timeout", "300ms", "--retries", "1")
    desk.until(settled(desk, "completed", "queued"))
    run = "echo $WHO >> c1; [ -e tried ] || { touch tried; sleep 60; }"
    desk.write(
        graph(
            touch("A1", words="#now"),
            make.task(id="C1", words="#now", run=run),
            env={"WHO": "two"},
            retry_delay="100ms",
        )
    )
    desk.until(lambda: desk.status("C1") == "completed")
    assert desk.read("c1") == "two\ntwo\n", "by the command line's time limit and retries"


def test_dry_run_and_watch_exclude_each_other_and_a_list_nobody_knows_must_be_there(desk):
    desk.write(graph(touch("A1")))
    assert desk.do("run", "--watch", "--dry-run").code == 2
    assert desk.do("watch", "none.md").code == 2
    assert "--only names tasks of one list" in desk.do("watch", "a.md", "b.md", "--only", "A1").err
    assert desk.do("watch", "--only", "A9").code == 2
    assert desk.do("watch", "--section", "Nowhere").code == 2


def test_a_watch_killed_and_started_again_knows_what_was_done(desk):
    tasks = [touch(f"T{number}") for number in range(6)]
    desk.write(graph(*tasks, make.task(id="L1", run=make.wait_for("go"))))
    first = desk.start("watch")
    desk.until(lambda: list(desk.statuses().values()).count("completed") == 6)
    first.send(signal.SIGKILL)
    first.process.wait()
    desk.write(desk.read() + "- [ ] x (depends on NO-1)\n")
    second = desk.start("watch")
    desk.until(lambda: "this save has 1 error" in second.said(), "known lists are served, whatever is in the file")
    desk.put("go")
    desk.until(lambda: desk.status("L1") == "completed")
    desk.write(desk.read().replace("- [ ] x (depends on NO-1)\n", touch("N1")))
    desk.until_there("n1")
    assert all(desk.read(f"t{number}") == "x\n" for number in range(6))


def test_a_list_can_be_paused_before_and_while_it_is_watched(desk):
    desk.write(graph(touch("A1")))
    desk.do("sync")
    desk.do("pause")
    watch = desk.start("watch")
    desk.until(lambda: "paused by" in watch.said())
    desk.write(graph(touch("A1"), touch("B1")))
    desk.until(lambda: desk.statuses() == {"A1": "queued", "B1": "queued"})
    desk.do("resume")
    desk.until_there("a1", "b1")


def test_without_notices_the_file_is_looked_at(desk):
    path = desk.write(graph(touch("A1")))
    desk.start("watch", env={"WATCHFILES_FORCE_POLLING": "1"})
    desk.until_there("a1")
    by_rename(path, graph(touch("A1"), touch("B1")).encode())
    desk.until_there("b1")


def test_a_save_is_in_the_queue_within_moments(desk):
    path = desk.write(graph(*(touch(f"T{number}", mark="x") for number in range(100)), touch("A0")))
    desk.start("watch")
    desk.until_there("a0")
    desk.until(lambda: "- [ ]" not in desk.read(), "our own ticks are behind us")
    took = []
    for number in range(1, 9):
        content = path.read_bytes() + touch(f"A{number}").encode()
        saved = time.time()
        by_rename(path, content)
        desk.until(lambda number=number: f"A{number}" in desk.statuses())
        (at,) = desk.rows("SELECT extract(epoch FROM max(at)) FROM executor.event WHERE kind = 'list.synced'")[0]
        took.append(float(at) - saved)
    print(f"save to list.synced: {', '.join(f'{one * 1000:.0f}' for one in took)} ms")
    assert min(took) < 0.3 * float(os.environ.get("EXECUTOR_TEST_PATIENCE", "1"))
