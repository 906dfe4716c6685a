"""A person's word on tasks: skip, requeue, done, approve, and boxes ticked by hand."""

from __future__ import annotations

import pytest

from tests import make


def test_a_manual_task_waits_for_a_person_and_done_ticks_it(desk):
    desk.write(make.document(make.task("Ask legal", None, id="LEG-1"), make.task(id="REL-2", depends_on=["LEG-1"])))

    waiting = desk.do("run")

    assert waiting.code == 3
    assert "wait   LEG-1  Ask legal  (executor done LEG-1)" in waiting.out
    assert "executor waiting" in waiting.out
    assert "executor done LEG-1" in desk.do("status").out
    assert desk.do("status", "--json").json["counts"]["waiting"] == 1
    done = desk.do("done", "LEG-1")
    assert done.code == 0
    assert "[x] **LEG-1**" in desk.read()
    assert desk.do("run").code == 0
    assert desk.statuses() == {"LEG-1": "completed", "REL-2": "completed"}


def test_done_lets_the_checks_of_a_manual_task_have_the_last_word(desk):
    desk.write(
        make.document(make.task("Sign", None, id="SGN-1", verify="test -e signature"), make.task("Ship", id="SHP-2"))
    )
    assert desk.do("run").code == 3
    answer = desk.do("done", "SGN-1")
    assert answer.code == 0
    assert "checks" in answer.out
    assert desk.status("SGN-1") == "queued"
    assert desk.do("run").code == 1
    assert desk.status("SGN-1") == "failed"
    desk.put("signature")
    assert desk.do("requeue", "SGN-1").code == 0
    assert desk.do("run").code == 3, "a task that is queued again waits for its person again"
    desk.do("done", "SGN-1")
    assert desk.do("run").code == 0
    assert desk.runs("SGN-1") == ["failed", "succeeded"]


def test_done_on_a_manual_task_whose_checks_failed_runs_them_again(desk):
    desk.write(make.document(make.task("Sign", None, id="SGN-1", verify="test -e signature")))
    desk.do("run")
    desk.do("done", "SGN-1")
    assert desk.do("run").code == 1
    assert "checks" in desk.do("done", "SGN-1").out
    assert desk.do("run").code == 1, "a person's word alone does not make it so"
    desk.put("signature")
    desk.do("done", "SGN-1")
    assert desk.do("run").code == 0
    assert desk.runs("SGN-1") == ["failed", "failed", "succeeded"]


def test_a_task_with_a_gate_waits_for_approval(desk):
    desk.write(make.document(make.task(id="DEP-1", run="touch deployed", settings={"gate": "approval"})))
    answer = desk.do("run")
    assert answer.code == 3
    assert not desk.exists("deployed")
    assert "executor approve DEP-1" in desk.do("status").out
    assert desk.do("approve", "DEP-1").code == 0
    assert desk.do("run").code == 0
    assert desk.exists("deployed")
    assert "task.approved" in desk.kinds("DEP-1")


def test_a_running_executor_goes_on_as_soon_as_a_person_is_done(desk):
    desk.write(
        make.document(
            make.task("Ask", None, id="ASK-1"),
            make.task(id="AFT-2", depends_on=["ASK-1"], run="touch after"),
            make.task(id="LNG-3", run=make.wait_for("after")),
        )
    )
    running = desk.start("run")
    desk.until_running("LNG-3")
    assert desk.do("done", "ASK-1").code == 0
    desk.write(make.document(make.task("x")), "other.md")
    answer = desk.start("run", "-j", "2").end()
    assert answer.code == 0, answer.said
    assert running.end().code == 0


def test_a_box_ticked_by_hand_completes_its_task_and_an_unticked_one_queues_it_again(desk):
    desk.write(
        make.document(make.task(id="ONE-1", run="echo one >> log"), make.task(id="TWO-2", run="echo two >> log"))
    )
    desk.write(desk.read().replace("[ ] **ONE-1**", "[x] **ONE-1**"))
    assert desk.do("run").code == 0
    assert desk.read("log") == "two\n"

    desk.write(desk.read().replace("[x]", "[ ]"))
    assert desk.do("run").code == 0

    assert desk.read("log") == "two\none\ntwo\n"
    assert desk.read().count("[x]") == 2
    assert "task.requeued" in desk.kinds("ONE-1")


def test_a_tick_between_two_runs_is_a_persons_word(desk):
    desk.write(make.document(make.task(id="BAD-1", run="false"), make.task(id="TWO-2", depends_on=["BAD-1"])))
    assert desk.do("run").code == 1
    desk.write(desk.read().replace("[ ] **BAD-1**", "[x] **BAD-1**"))
    answer = desk.do("run")
    assert answer.code == 0, answer.said
    assert desk.statuses() == {"BAD-1": "completed", "TWO-2": "completed"}


def test_skipping_a_queued_task_lets_those_behind_it_run(desk):
    desk.write(make.document(make.task("Ask", None, id="ASK-1"), make.task(id="TWO-2", depends_on=["ASK-1"])))
    assert desk.do("run").code == 3
    answer = desk.do("skip", "ASK-1")
    assert answer.code == 0
    assert answer.out == "ASK-1  skipped (was queued)\n"
    assert desk.do("run").code == 0
    assert desk.statuses() == {"ASK-1": "skipped", "TWO-2": "completed"}
    assert "[ ] **ASK-1**" in desk.read()


def test_skipping_a_failed_task_brings_back_what_was_skipped_for_it(desk):
    desk.write(make.document(make.task(id="BAD-1", run="false"), make.task(id="TWO-2", depends_on=["BAD-1"])))
    desk.do("run")
    assert desk.status("TWO-2") == "skipped"
    assert desk.do("skip", "BAD-1").out == "BAD-1  skipped (was failed)\n"
    assert desk.statuses() == {"BAD-1": "skipped", "TWO-2": "queued"}
    assert desk.do("run").code == 0


def test_skipping_a_running_task_ends_it(desk):
    desk.write(make.document(make.task(id="LNG-1", run="sleep 600"), make.task(id="TWO-2", depends_on=["LNG-1"])))
    running = desk.start("run")
    desk.until_running("LNG-1")
    answer = desk.do("skip", "LNG-1")
    assert (answer.code, answer.out) == (0, "LNG-1  runs; it is being ended\n")
    assert running.end().code == 0
    assert desk.statuses() == {"LNG-1": "skipped", "TWO-2": "completed"}
    assert desk.runs("LNG-1") == ["cancelled"]


def test_requeue_of_the_cause_un_skips_what_depends_on_it(desk):
    desk.write(
        make.document(
            make.task(id="BAD-1", run="test -e ok"),
            make.task(id="TWO-2", depends_on=["BAD-1"]),
            make.task(id="TRE-3", depends_on=["TWO-2"]),
        )
    )
    desk.do("run")
    desk.put("ok")
    assert desk.do("requeue", "BAD-1").out == "BAD-1  queued (was failed)\n"
    assert set(desk.statuses().values()) == {"queued"}
    assert desk.do("run").code == 0


def test_requeue_with_dependents_runs_all_of_it_again(desk):
    desk.write(
        make.document(
            make.task(id="ONE-1", run="echo 1 >> log"),
            make.task(id="TWO-2", run="echo 2 >> log", depends_on=["ONE-1"]),
            make.task(id="OTH-3", run="echo 3 >> log"),
        )
    )
    desk.do("run")
    assert desk.do("requeue", "ONE-1", "--with-dependents").code == 0
    assert desk.statuses() == {"ONE-1": "queued", "TWO-2": "queued", "OTH-3": "completed"}
    assert desk.read().count("[x]") == 1
    assert desk.do("run").code == 0
    assert desk.read("log").split() == ["1", "2", "3", "1", "2"] or desk.read("log").split() == [
        "1",
        "3",
        "2",
        "1",
        "2",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("skip", "ONE-1"), 2, "is completed already"),
        (("done", "ONE-1"), 0, "was completed already"),
        (("approve", "ONE-1"), 2, "is completed"),
        (("requeue", "LNG-2"), 2, "runs; `executor stop --now`"),
        (("done", "LNG-2"), 2, "runs; `executor skip`"),
    ],
)
def test_a_word_that_comes_too_late_says_so(desk_with_a_running_list, words, code, said):
    answer = desk_with_a_running_list.do(*words)
    assert said in answer.out
    assert answer.code == code


@pytest.fixture
def desk_with_a_running_list(desk):
    desk.write(make.document(make.task(id="ONE-1"), make.task(id="LNG-2", run="sleep 600")))
    desk.start("run")
    desk.until_running("LNG-2")
    return desk


def test_ids_may_be_shortened_as_long_as_one_task_is_meant(desk):
    desk.write(
        make.document(
            make.task("a", None, id="BLD-001"), make.task("b", None, id="BLD-002"), make.task("c", None, id="REL-1")
        )
    )
    assert desk.do("run").code == 3
    assert desk.do("done", "rel").out == "REL-1  completed (was queued)\n"

    ambiguous = desk.do("done", "BLD")
    assert ambiguous.code == 2
    assert "BLD-001, BLD-002" in ambiguous.err

    unknown = desk.do("skip", "BLE-001")
    assert unknown.code == 2
    assert "did you mean 'BLD-001'" in unknown.err
    assert desk.statuses() == {"BLD-001": "queued", "BLD-002": "queued", "REL-1": "completed"}


def test_of_several_ids_with_one_unknown_none_is_touched(desk):
    desk.write(make.document(make.task("a", None, id="BLD-001"), make.task("b", None, id="BLD-002")))
    desk.do("run")
    assert desk.do("done", "BLD-001", "nonsense").code == 2
    assert desk.status("BLD-001") == "queued"


def test_a_task_marked_as_blocked_in_the_file_waits_until_its_mark_is_changed(desk):
    desk.write(make.document(make.task(id="BLK-1", mark="!")))
    answer = desk.do("run")
    assert answer.code == 3
    assert "change its mark" in desk.do("status").out
    desk.write(desk.read().replace("[!]", "[ ]"))
    assert desk.do("run").code == 0


def test_a_priority_counts_from_the_next_claim_on_until_the_file_says_something_else(desk):
    def text(last, extra=""):
        first = make.task("First", f"echo first >> order; {make.wait_for('go')}{extra}", id="T1")
        rest = [make.task(run=f"echo {name} >> order", id=name, priority=urgent) for name, urgent in last]
        return make.document(first, *rest)

    desk.write(text([("T2", None), ("T3", None), ("T4", None)]))
    running = desk.start("run")
    desk.until_running("T1")
    assert desk.do("prioritize", "T4", "p1").out == "T4  P1 (was P3)\n"
    assert desk.do("prioritize", "T3", "P5").code == 2
    desk.put("go")
    assert running.end().code == 0
    assert desk.read("order").split() == ["first", "T4", "T2", "T3"]

    shown = {task["id"]: (task["priority"], task["file_priority"]) for task in desk.do("list", "--json").json}
    assert shown == {"T1": ("P3", None), "T2": ("P3", None), "T3": ("P3", None), "T4": ("P1", "P3")}
    assert "P1 (file: P3)" in desk.do("list").out
    assert "P1, as a person said; P3 in the file" in desk.do("show", "T4").out
    (event,) = [one for one in desk.do("events", "--json").lines if one["kind"] == "task.changed"]
    assert event["detail"] == {"what": ["priority"], "priority": "P1", "was": "P3"}

    desk.write(text([("T2", None), ("T3", None), ("T4", None)], extra="; true"))
    assert desk.do("sync").code == 0
    assert desk.rows("SELECT own_rank, file_rank FROM executor.task_queue WHERE task_id = 'T4'") == [(1, 3)]
    desk.write(text([("T2", None), ("T3", None), ("T4", "P2")]))
    assert desk.do("sync").code == 0
    assert desk.rows("SELECT own_rank, file_rank FROM executor.task_queue WHERE task_id = 'T4'") == [(2, None)]
    assert desk.do("prioritize", "T4", "P4").code == 0
    assert desk.do("prioritize", "T4", "P2").out == "T4  P2 (was P4)\n"
    assert desk.do("list", "--json").json[3]["file_priority"] is None, "the same as the file says takes it back"
