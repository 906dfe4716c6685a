"""`executor worker`, `workers`, `drain` and `sync`: many lists, many workers, one database."""

from __future__ import annotations

import signal

from tests import make


def graph(*tasks: str, **settings: object) -> str:
    """A list whose failures stop nothing and whose tasks may run side by side."""
    return make.document(*tasks, keep_going=True, jobs=8, **settings)


def test_a_worker_carries_out_every_list_that_somebody_synced(desk):
    desk.write(graph(make.task(id="A1", run="touch a1"), make.task(id="A2", run="touch a2")), "a.md")
    desk.write(graph(make.task(id="B1", run="touch b1")), "b.md")
    assert desk.do("sync", "a.md", "b.md").out == "a.md: 2 added\nb.md: 1 added\n"
    worker = desk.start("worker", "-j", "2")
    desk.until_there("a1", "a2", "b1")
    desk.until(lambda: "- [x]" in desk.read("b.md") and "- [ ]" not in desk.read("a.md"), "the files are ticked")
    desk.write(graph(make.task(id="C1", run="touch c1")), "c.md")
    assert desk.do("sync", "c.md").code == 0
    desk.until_there("c1")
    desk.until(lambda: not desk.rows("SELECT 1 FROM executor.worker_list"), "it lets go of lists that are over")
    assert set(desk.statuses().values()) == {"completed"}
    worker.send(signal.SIGINT)
    assert worker.end().code == 130
    assert desk.rows("SELECT 1 FROM executor.worker") == []


def test_a_sequence_stays_one_with_many_workers(desk):
    script = "mkdir alone && sleep 0.05 && rmdir alone"
    desk.write(make.document(*(make.task(id=f"T{number}", run=script) for number in range(12))))
    assert desk.do("sync").code == 0
    for _ in range(3):
        desk.start("worker", "-j", "4")
    desk.until(lambda: set(desk.statuses().values()) == {"completed"}, "one after the other, none met another")
    order = [
        task_id
        for (task_id,) in desk.rows(
            "SELECT task_id FROM executor.run JOIN executor.task_queue USING (queue_id) ORDER BY run.run_id"
        )
    ]
    assert order == [f"T{number}" for number in range(12)]


def test_a_list_that_failed_or_that_a_person_stopped_is_left_alone(desk):
    desk.write(make.document(make.task(id="F", run="false"), make.task(id="G", run="touch g")), "failed.md")
    desk.write(graph(make.task(id="S", run="touch s")), "stopped.md")
    desk.do("sync", "failed.md", "stopped.md")
    desk.do("stop", "stopped.md")
    assert "resume" in desk.do("sync", "stopped.md").err
    desk.start("worker")
    desk.until(lambda: desk.status("F") == "failed")
    desk.write(graph(make.task(id="E", run="touch e")), "else.md")
    desk.do("sync", "else.md")
    desk.until_there("e")
    assert (desk.status("G"), desk.status("S")) == ("queued", "queued")
    assert desk.value("SELECT count(*) FROM executor.event WHERE kind = 'list.started'") == 2, "no coming and going"
    desk.do("resume", "stopped.md")
    desk.until_there("s")


def test_labels_tags_and_names_choose_what_a_worker_takes(desk):
    desk.write(
        graph(
            make.task(id="GPU", settings={"needs": "gpu"}, run="touch gpu"),
            make.task(words="#docs", id="DOC", run="touch doc"),
            make.task(words="@ann", id="ANN", run="touch ann"),
        )
    )
    alone = desk.do("run", "--as", "bob", "--tag", "docs")
    assert alone.code == 0
    assert desk.statuses() == {"GPU": "queued", "DOC": "completed", "ANN": "queued"}
    unfit = desk.do("run", "--as", "bob")
    assert unfit.code == 3
    assert "other workers" in unfit.out
    desk.start("worker", "--label", "gpu", "--as", "bob")
    desk.until_there("gpu")
    desk.start("worker", "--as", "ann")
    desk.until_there("ann")


def test_a_list_whose_folder_is_not_here_is_left_alone_until_it_is(desk):
    there, away = desk.folder / "there", desk.folder / "away"
    there.mkdir()
    desk.write(graph(make.task(id="T1", run="touch ran")), "there/tasks.md")
    desk.write(graph(make.task(id="H1", run="touch here")), "here.md")
    assert desk.do("sync", "there/tasks.md", "here.md").code == 0
    there.rename(away)
    worker = desk.start("worker")
    desk.until_there("here")
    desk.write(graph(make.task(id="L1", run="touch later")), "later.md")
    assert desk.do("sync", "later.md").code == 0
    desk.until_there("later")
    assert worker.said().count(f"{there}/tasks.md is left to others") == 1, "it has looked more than once by now"
    assert desk.status("T1") == "queued"
    away.rename(there)
    desk.until_there("there/ran")


def test_drain_lets_a_worker_finish_and_leave(desk):
    desk.write(
        graph(
            make.task(id="A", run=make.wait_for("go") + "; touch a"), make.task(id="B", depends_on=["A"], run="touch b")
        )
    )
    desk.do("sync")
    worker = desk.start("worker")
    desk.until_running("A")
    (shown,) = desk.do("workers", "--json").json["workers"]
    assert (shown["running"], shown["draining"], shown["lists"]) == (1, False, [str(desk.folder / "tasks.md")])
    assert desk.do("drain", str(shown["id"])).code == 0
    assert desk.do("workers", "--json").json["workers"][0]["draining"]
    assert "leaving" in desk.do("workers").out
    desk.put("go")
    assert worker.end().code == 0
    assert desk.statuses() == {"A": "completed", "B": "queued"}
    assert desk.do("workers").out.startswith("no worker is at work")
    assert desk.do("drain", "nobody").code == 2


def test_a_killed_worker_costs_nothing_but_its_runs(desk):
    desk.write(graph(*(make.task(id=f"T{number:02}", run=f"echo x >> t{number}") for number in range(40))))
    desk.do("sync")
    first, second = desk.start("worker", "-j", "3"), desk.start("worker", "-j", "3")
    desk.until(lambda: list(desk.statuses().values()).count("completed") > 3)
    first.send(signal.SIGKILL)
    desk.until(lambda: set(desk.statuses().values()) == {"completed"}, "the other one does the rest")
    assert second.process.poll() is None
    done = "SELECT count(*) FROM executor.run WHERE status = 'succeeded' GROUP BY queue_id HAVING count(*) > 1"
    assert desk.rows(done) == []
