"""What people answer: approvals before and after the work, refusals, notes, whose word counts, and answers too late."""

from __future__ import annotations

import signal

from tests import make

WORK = 'echo "$EXECUTOR_ATTEMPT: $EXECUTOR_LAST_ERROR, $EXECUTOR_NOTES" >> log'


def wants(desk, *words):
    return [(one["id"], one["wants"], one["asked"]) for one in desk.do("waiting", *words, "--json").json["waiting"]]


def test_work_waits_for_a_review_whose_no_is_told_to_the_next_attempt(desk):
    desk.write(
        make.document(
            make.task("Write it", WORK, id="WRK-1", settings={"gate": "human after @ann"}),
            make.task("Ship it", id="SHP-2", depends_on=["WRK-1"]),
        )
    )
    killed = desk.do("run", env={"EXECUTOR_FAULT": "exited-not-settled:kill"})
    assert killed.code == -signal.SIGKILL
    first = desk.do("run")
    assert first.code == 3
    assert "done   WRK-1" in first.out
    assert "wait   WRK-1  @ann  Write it  (executor approve WRK-1, or executor reject WRK-1 -m WHY)" in first.out
    assert desk.status("WRK-1") == "queued"
    assert wants(desk) == [("WRK-1", "review", "ann")]

    assert "waits for @ann" in desk.do("approve", "WRK-1", "--as", "bob").out
    assert desk.status("WRK-1") == "queued"
    assert desk.do("note", "WRK-1", "-m", "in British English", "--as", "bob").code == 0
    refused = desk.do("reject", "WRK-1", "-m", "too short", "--as", "@ann")
    assert (refused.code, refused.out) == (0, "WRK-1  queued to be done again\n")
    assert desk.do("run").code == 3
    assert desk.read("log").splitlines()[-1] == "3: rejected by ann: too short, bob: in British English"
    assert desk.runs("WRK-1") == ["lost", "succeeded", "succeeded"]

    approved = desk.do("approve", "WRK-1", "--as", "ann")
    assert (approved.code, approved.out) == (0, "WRK-1  completed (its work is approved)\n")
    assert "[x] **WRK-1**" in desk.read()
    assert desk.do("run").code == 0
    assert desk.statuses() == {"WRK-1": "completed", "SHP-2": "completed"}
    kinds = desk.kinds("WRK-1")
    assert [kind for kind in kinds if kind not in ("task.added", "task.started", "task.lost")] == [
        "task.done", "task.waiting", "task.noted", "task.rejected", "task.done", "task.waiting", "task.completed",
    ]  # fmt: skip


def test_a_task_that_is_refused_before_it_began_has_failed_and_takes_what_waits_for_it_along(desk):
    desk.write(
        make.document(
            make.task(id="DEP-1", run="touch deployed", settings={"gate": "human"}, words="@ops"),
            make.task(id="AFT-2", depends_on=["DEP-1"]),
            make.task("Ask legal", None, id="LEG-3"),
            make.task(id="REV-4", run="true", settings={"gate": "after"}),
        )
    )
    assert desk.do("run").code == 3
    assert wants(desk, "--as", "ann") == [("LEG-3", "work", None), ("REV-4", "review", None)]
    assert wants(desk, "--all")[0] == ("DEP-1", "approval", "ops")
    said = desk.do("waiting").out
    assert "DEP-1  to approve  @ops  Do it" in said
    assert "what it did: executor logs REV-4" in said
    refused = desk.do("reject", "DEP-1", "LEG-3", "AFT-2", "-m", "not today")
    assert refused.code == 2, "one of them waits for nobody"
    assert "AFT-2  waits for nobody's word" in refused.out.splitlines()
    assert desk.do("reject", "REV-4", "--final", "-m", "no use").code == 0
    assert desk.statuses() == {"DEP-1": "failed", "AFT-2": "skipped", "LEG-3": "failed", "REV-4": "failed"}
    assert not desk.exists("deployed")
    assert ": not today" in desk.do("show", "DEP-1", "--json").json["last_error"]


def test_no_answer_in_time_is_a_no(desk):
    """Whoever looks first finds it: a worker at work, or the answer that comes too late."""
    desk.write(
        make.document(
            make.task(id="SLW-1", run="true", settings={"gate": "human", "gate_timeout": "2h"}),
            make.task(id="LAT-2", run="true", settings={"gate": "after", "gate_timeout": "2h"}),
            make.task(id="OTH-3", run="true", settings={"gate": "human"}),
            keep_going=True,
        )
    )
    assert desk.do("run").code == 3
    assert desk.do("waiting", "--json").json["waiting"][0]["answer_until"] is not None
    earlier = "UPDATE executor.task_queue SET asked_at = asked_at - interval '1 h'"
    desk.change(f"{earlier}, queued_at = queued_at - interval '5h'")
    assert desk.do("approve", "OTH-3").code == 0
    desk.change(f"{earlier} WHERE task_id = 'LAT-2'")
    assert "is failed" in desk.do("approve", "LAT-2").out
    desk.change(f"{earlier} WHERE task_id = 'SLW-1'")
    answer = desk.do("run")
    assert answer.code == 1, answer.said
    assert "SLW-1: nobody answered since" in answer.out
    assert desk.statuses() == {"SLW-1": "failed", "LAT-2": "failed", "OTH-3": "completed"}


def test_who_was_not_asked_to_do_a_task_neither_tells_of_it_nor_lets_its_time_run_out(desk):
    gate = {"gate": "human", "gate_timeout": "2h"}
    desk.write(
        make.document(
            make.task(id="ONE-1", words="#mine"),
            make.task(id="GAT-2", settings=gate),
            make.task(id="AFT-3", depends_on=["GAT-2"]),
            make.task(id="ANN-4", words="@ann #mine", settings=gate),
            keep_going=True,
        )
    )
    only = desk.do("run", "--only", "ONE-1")
    assert (only.code, "GAT-2" in only.out) == (0, False), only.said
    assert desk.rows("SELECT 1 FROM executor.task_queue WHERE asked_at IS NOT NULL") == [], "its time has not begun"
    assert desk.do("run").code == 3
    desk.change("UPDATE executor.task_queue SET asked_at = now() - interval '3h', queued_at = now() - interval '5h'")

    desk.do("requeue", "ONE-1")
    assert desk.do("run", "--only", "ONE-1").code == 0
    desk.do("requeue", "ONE-1")
    worker = desk.start("worker", "--tag", "mine", "--as", "bob")
    desk.until(lambda: desk.status("ONE-1") == "completed")
    desk.until(lambda: not desk.rows("SELECT 1 FROM executor.worker_list"), "it looked at what waits, and left")
    assert "GAT-2" not in worker.said()
    assert desk.statuses() == {"ONE-1": "completed", "GAT-2": "queued", "AFT-3": "queued", "ANN-4": "queued"}

    chosen = desk.do("run", "--only", "GAT-2")
    assert chosen.code == 1
    assert "GAT-2: nobody answered since" in chosen.out
    assert desk.statuses() == {"ONE-1": "completed", "GAT-2": "failed", "AFT-3": "skipped", "ANN-4": "queued"}
