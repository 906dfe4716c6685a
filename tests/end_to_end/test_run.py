"""Lists that are run: what runs, in which order, how many at a time, and what a task sees."""

from __future__ import annotations

import time

import psutil
import pytest

from tests import make


def test_a_list_without_dependencies_runs_in_order_and_every_box_is_ticked(desk):
    desk.write(make.document(*(make.task(f"Write {n}", f"echo {n} >> log", id=f"T{n}") for n in (1, 2, 3))))

    answer = desk.do("run")

    assert answer.code == 0, answer.said
    assert desk.read("log") == "1\n2\n3\n"
    assert desk.read().count("[x]") == 3
    assert desk.statuses() == {"T1": "completed", "T2": "completed", "T3": "completed"}
    assert desk.kinds("T1") == ["task.added", "task.started", "task.completed"]
    assert desk.kinds() == ["list.synced", "list.started", "list.finished"]


def test_what_holds_up_an_urgent_task_runs_first_and_keeps_its_own_priority(desk):
    desk.write(
        make.document(
            make.task("other", "echo other >> log", id="T1", priority="P2"),
            make.task("base", "echo base >> log", id="T2", priority="P4"),
            make.task("urgent", "echo urgent >> log", id="T3", priority="P1", depends_on=["T2"]),
        )
    )

    assert desk.do("run").code == 0

    assert desk.read("log") == "base\nurgent\nother\n"
    assert [(task["id"], task["priority"]) for task in desk.do("list", "--json").json] == [
        ("T1", "P2"),
        ("T2", "P4"),
        ("T3", "P1"),
    ]


def test_what_becomes_ready_further_up_runs_before_what_is_ready_further_down(desk):
    needs = {"T2": ["T4"], "T6": ["T7"]}
    ids = [f"T{number}" for number in range(1, 9)]
    desk.write(
        make.document(*(make.task(id=one, run=f"echo {one} >> log", depends_on=needs.get(one, ())) for one in ids))
    )

    assert desk.do("run", "-j", "1").code == 0

    assert desk.read("log").split() == ["T1", "T3", "T4", "T2", "T5", "T7", "T6", "T8"]


def test_a_second_run_has_nothing_to_do(desk):
    desk.write(make.document(make.task(run="echo once >> log")))
    desk.do("run")
    again = desk.do("run")
    assert again.code == 0
    assert desk.read("log") == "once\n"


def test_a_failure_stops_a_sequence(desk):
    desk.write(make.document(make.task(id="A"), make.task(id="B", run="exit 7"), make.task(id="C")))

    answer = desk.do("run")

    assert answer.code == 1
    assert desk.statuses() == {"A": "completed", "B": "failed", "C": "queued"}
    assert "exit status 7" in answer.out
    assert "executor requeue B" in answer.out
    assert "stopped at B" in answer.out


def test_the_same_command_does_not_walk_past_a_failure_until_it_is_asked_to(desk):
    desk.write(make.document(make.task(id="A", run="test -e ok"), make.task(id="B")))
    assert desk.do("run").code == 1
    assert desk.do("run").code == 1
    assert desk.runs("A") == ["failed"]
    desk.put("ok")
    assert desk.do("run", "--retry-failed").code == 0
    assert desk.runs("A") == ["failed", "succeeded"]
    assert desk.statuses() == {"A": "completed", "B": "completed"}


def test_keep_going_walks_past_a_failure_and_still_tells_of_it(desk):
    desk.write(make.document(make.task(id="A", run="false"), make.task(id="B")))
    answer = desk.do("run", "-k")
    assert answer.code == 1
    assert desk.statuses() == {"A": "failed", "B": "completed"}


def test_a_failure_in_a_graph_skips_what_depends_on_it_and_nothing_else(desk):
    desk.write(
        make.document(
            make.task(id="A", run="false"),
            make.task(id="B", depends_on=["A"]),
            make.task(id="C", depends_on=["B"]),
            make.task(id="D"),
        )
    )

    answer = desk.do("run")

    assert answer.code == 1
    assert desk.statuses() == {"A": "failed", "B": "skipped", "C": "skipped", "D": "completed"}
    assert "depends on A, which failed" in answer.out
    assert desk.do("list").out.count("skipped") == 2


def test_fail_fast_stops_a_graph_too(desk):
    tasks = (
        make.task(id="A", run="false"),
        make.task(id="B", depends_on=["A"]),
        *(make.task(id=f"N{n}") for n in range(5)),
    )
    desk.write(make.document(*tasks))
    answer = desk.do("run", "--fail-fast")
    assert answer.code == 1
    assert desk.statuses()["N4"] == "queued"


def test_the_settings_of_the_list_choose_as_the_options_do(desk):
    desk.write(make.document(make.task(id="A", run="false"), make.task(id="B"), keep_going=True))
    assert desk.do("run").code == 1
    assert desk.status("B") == "completed"


def test_dependencies_run_first_and_side_by_side_where_they_can(desk):
    meet = "touch $EXECUTOR_TASK_ID; until [ -e B ] && [ -e C ]; do sleep 0.01; done"
    desk.write(
        make.document(
            make.task(id="D", depends_on=["B", "C"], run="test -e B && test -e C"),
            make.task(id="B", depends_on=["A"], run=meet),
            make.task(id="C", depends_on=["A"], run=meet),
            make.task(id="A", run="test ! -e B"),
        )
    )
    assert desk.do("run", "-j", "2").code == 0


def test_the_most_urgent_runs_first_and_then_the_one_that_stands_first(desk):
    urgent = (("low", "P4"), ("b", None), ("now", "P1"), ("c", None), ("soon", "P2"), ("zero", "P0"))
    desk.write(
        make.document(
            *(make.task(id=f"X-{n}", priority=p, run=f"echo {word} >> log") for n, (word, p) in enumerate(urgent))
        )
    )
    assert desk.do("run").code == 0
    assert desk.read("log").split() == ["zero", "now", "soon", "b", "c", "low"]


def test_as_many_run_at_a_time_as_asked_for_and_never_more(desk):
    """All three must meet to go on; each then counts who is there."""
    run = "mkdir here.$EXECUTOR_TASK_ID; echo here.* | wc -w >> seen; sleep 0.05; rmdir here.$EXECUTOR_TASK_ID"
    desk.write(make.document(*(make.task(id=f"T{n}", run=run) for n in range(12)), make.task(id="Z", run="true")))
    assert desk.do("run", "-j", "3").code == 0
    query = """
        SELECT max(together) FROM (
            SELECT count(*) AS together FROM executor.run AS one JOIN executor.run AS other
            ON other.started_at <= one.started_at AND other.ended_at > one.started_at GROUP BY one.run_id
        ) AS counted
    """
    assert desk.value(query) == 3
    assert max(map(int, desk.read("seen").split())) == 3


def test_a_failed_task_is_tried_again_after_a_pause_that_doubles(desk):
    run = 'echo $EXECUTOR_ATTEMPT >> tries; [ "$EXECUTOR_ATTEMPT" = 3 ]'
    desk.write(make.document(make.task(id="A", run=run, settings={"retries": 2, "retry_delay": "0.2s"})))

    answer = desk.do("run")

    assert answer.code == 0, answer.said
    assert desk.read("tries").split() == ["1", "2", "3"]
    assert desk.runs("A") == ["failed", "failed", "succeeded"]
    assert desk.kinds("A")[1:] == [
        "task.started",
        "task.retried",
        "task.started",
        "task.retried",
        "task.started",
        "task.completed",
    ]
    gaps = desk.rows(
        "SELECT extract(epoch FROM started_at - lag(ended_at) OVER (ORDER BY run_id)) FROM executor.run ORDER BY run_id"
    )
    assert 0.15 < gaps[1][0] < 0.6
    assert 0.30 < gaps[2][0] < 1.0


def test_a_task_fails_for_good_when_its_retries_are_used_up(desk):
    desk.write(make.document(make.task(id="A", run="false"), retries=1, retry_delay="10ms"))
    assert desk.do("run").code == 1
    assert desk.runs("A") == ["failed", "failed"]


def test_the_command_line_gives_retries_and_timeouts_to_tasks_that_name_none(desk):
    desk.write(
        make.document(
            make.task(id="A", run="sleep 60"),
            make.task(id="B", run="false", settings={"retries": 0}),
            retry_delay="10ms",
        )
    )
    assert desk.do("run", "-k", "--timeout", "0.2s", "--retries", "1").code == 1
    assert desk.runs("A") == ["timed_out", "timed_out"]
    assert desk.runs("B") == ["failed"]


def test_a_task_that_takes_too_long_is_ended_with_everything_it_started(desk):
    run = "setsid sleep 777 & sleep 778 & echo $$ > pid; wait"
    desk.write(make.document(make.task(id="A", run=run, settings={"timeout": "0.5s"})))

    answer = desk.do("run")

    assert answer.code == 1
    assert desk.runs("A") == ["timed_out"]
    assert "timeout of 0.5 s" in answer.out
    assert not [
        one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] in (["sleep", "777"], ["sleep", "778"])
    ]


def test_a_block_may_have_a_timeout_of_its_own(desk):
    desk.write("- [ ] <!-- id: A --> a\n  ```sh {timeout=0.2s}\n  sleep 60\n  ```\n")
    assert desk.do("run").code == 1
    assert desk.runs("A") == ["timed_out"]


def test_output_is_kept_whole_and_in_order(desk):
    script = r"""
import os, sys
for number in range(1000):
    os.write(1 + number % 2, b"%d " % number)
os.write(1, bytes(range(256)) * 4)
sys.stdout.buffer.write(b"\xf0\x9f\x8d\x95" * (5 * 2**20 // 4))
sys.stdout.buffer.write(b"the end, without a newline")
"""
    desk.write(make.document(make.task(id="A", run=script, language="python")))
    assert desk.do("run").code == 0

    raw = desk.do("logs", "A").raw

    expected = b"".join(b"%d " % number for number in range(1000)) + bytes(range(256)) * 4
    expected += "🍕".encode() * (5 * 2**20 // 4) + b"the end, without a newline"
    assert raw == expected
    assert desk.value("SELECT max(length(content)) FROM executor.run_output") <= 64 * 1024
    events = desk.do("events", "--json")
    assert events.code == 0
    assert len([one for one in events.lines if one["kind"] == "task.output"]) == desk.value(
        "SELECT count(*) FROM executor.run_output"
    )


def test_a_task_sees_its_folder_its_variables_and_no_input(desk):
    run = """
pwd > where
echo "$EXECUTOR_LIST|$EXECUTOR_TASK_ID|$EXECUTOR_ATTEMPT|$EXECUTOR_RUN_ID|$GREETING|$OURS|$BOTH" > seen
wc -c > input
"""
    text = make.document(
        make.task(id="A", run=run, settings={"dir": "sub", "env": "GREETING='good day' BOTH=task"}),
        env={"OURS": "list", "BOTH": "list"},
    )
    desk.write(text)
    (desk.folder / "sub").mkdir()

    assert desk.do("run", env={"BOTH": "shell"}).code == 0

    assert desk.read("sub/where").strip() == str(desk.folder / "sub")
    run_id = desk.value("SELECT run_id FROM executor.run")
    assert desk.read("sub/seen").strip() == f"{desk.folder / 'tasks.md'}|A|1|{run_id}|good day|list|task"
    assert desk.read("sub/input").strip() == "0"


def test_a_retry_sees_the_error_of_the_attempt_before(desk):
    run = 'echo "$EXECUTOR_LAST_ERROR" > last; echo the oven is cold; [ "$EXECUTOR_ATTEMPT" = 2 ]'
    desk.write(make.document(make.task(run=run), retries=1, retry_delay="10ms"))
    assert desk.do("run").code == 0
    assert "exit status 1" in desk.read("last")
    assert "the oven is cold" in desk.read("last")


def test_shell_blocks_stop_at_the_first_command_that_fails(desk):
    desk.write(
        make.document(make.task(id="A", run="false | true\ntouch reached"), make.task(id="B", run="echo $nothing\n"))
    )
    assert desk.do("run", "-k").code == 1
    assert desk.statuses() == {"A": "failed", "B": "failed"}
    assert not desk.exists("reached")


def test_the_blocks_of_a_task_run_one_after_the_other(desk):
    desk.write(
        "- [ ] <!-- id: A --> a\n  ```sh\n  echo 1 >> log\n  ```\n"
        "  ```python\n  print(2, file=open('log', 'a'))\n  ```\n"
        "  ```sh no-run\n  echo never >> log\n  ```\n  ```sh\n  exit 3\n  ```\n  ```sh\n  echo never >> log\n  ```\n"
    )
    answer = desk.do("run")
    assert answer.code == 1
    assert desk.read("log") == "1\n2\n"
    assert "block 3 of 4 (sh) ended with exit status 3" in answer.out


def test_a_task_is_completed_only_when_its_check_passes(desk):
    desk.write(
        make.document(
            make.task(id="A", run="touch made", verify="test -e made"), make.task(id="B", verify="echo not yet; false")
        )
    )
    answer = desk.do("run")
    assert answer.code == 1
    assert desk.statuses() == {"A": "completed", "B": "failed"}
    assert "check 2 of 2" in answer.out
    assert "| not yet" in answer.out


def test_a_block_in_a_language_of_ones_own(desk):
    desk.write(make.document(make.task(run="x 1", language="tally"), languages={"tally": "wc -w"}))
    answer = desk.do("run")
    assert answer.code == 0, answer.said


def test_a_command_that_cannot_be_started_fails_its_task_with_its_name(desk):
    desk.write(make.document(make.task(id="A", run="x", language="tally"), languages={"tally": "no-such-program"}))
    answer = desk.do("run")
    assert answer.code == 1
    assert "no-such-program" in answer.out
    assert "could not be started" in answer.out


def test_a_folder_that_is_not_there_fails_its_task_with_its_name(desk):
    desk.write(make.document(make.task(id="A", settings={"dir": "nowhere"})))
    answer = desk.do("run")
    assert answer.code == 1
    assert "nowhere" in answer.out


def test_a_parent_is_completed_and_ticked_with_its_last_child(desk):
    children = (make.task("one", "true"), make.task("two", "echo two > log"))
    desk.write(
        make.document(make.task("Both", None, id="P1-1", children=children), make.task("After", "cat log", id="Z"))
    )
    answer = desk.do("run")
    assert answer.code == 0, answer.said
    assert desk.read().count("[x]") == 4
    assert desk.status("P1-1") == "completed"


def test_only_some_tasks_run_by_id_section_tag_or_priority(desk):
    text = (
        "# L\n\n## Build\n\n"
        + make.task(id="A", words="#fast")
        + make.task(id="B", priority="P1")
        + "\n## Ship it\n\n"
        + make.task(id="C", words="#fast")
        + make.task(id="D", priority="P2")
        + make.task(id="E")
    )
    desk.write(text)

    def completed():
        return [one for one, status in desk.statuses().items() if status == "completed"]

    assert desk.do("run", "--section", "ship", "--tag", "fast").code == 0
    assert completed() == ["C"]
    assert desk.do("run", "--min-priority", "P1").code == 0
    assert completed() == ["B", "C"]
    assert desk.do("run", "--tag", "fast").code == 0
    assert completed() == ["A", "B", "C"]
    assert desk.do("run", "--only", "E").code == 0
    assert completed() == ["A", "B", "C", "E"]
    assert desk.do("run").code == 0


def test_asking_for_one_task_is_about_that_task(desk):
    """What failed elsewhere in a graph is no failure of what was asked for, and a task that waits did not run."""
    desk.write(
        make.document(
            make.task(id="A", run="false"), make.task(id="B"), make.task(id="C", depends_on=["B"]), make.task(id="D")
        )
    )
    blocked = desk.do("run", "--only", "C")
    assert blocked.code == 3, blocked.said
    assert "not asked for" in blocked.out
    assert desk.do("run", "--only", "A").code == 1
    one = desk.do("run", "--only", "D")
    assert one.code == 0, one.said


def test_asking_for_one_task_of_a_sequence_passes_by_a_failure_of_another(desk):
    desk.write(make.document(make.task(id="A", run="false"), make.task(id="B"), make.task(id="C", run="false")))
    assert desk.do("run").code == 1
    assert desk.do("run", "--only", "B").code == 0
    assert desk.do("run", "--only", "C").code == 1
    assert desk.statuses() == {"A": "failed", "B": "completed", "C": "failed"}


@pytest.mark.parametrize("words", [("run", "--only", "T3", "--only", "T6"), ("worker", "--tag", "mine")])
def test_parents_are_completed_with_the_last_of_their_children_in_whichever_run(desk, words):
    inner = make.task("Inner", None, id="T2", children=[make.task(id="T3", words="#mine")])
    more = [make.task(id="T5"), make.task(id="T6", words="#mine")]
    desk.write(
        make.document(
            make.task("Outer", None, id="T1", children=[inner]), make.task("Other", None, id="T4", children=more)
        )
    )
    desk.do("sync")
    chosen = desk.start(*words)
    desk.until(lambda: [desk.status(one) for one in ("T1", "T2", "T3", "T6")] == ["completed"] * 4)
    desk.until(lambda: desk.read().count("[x]") == 4, "the file says what the queue says")
    assert (desk.status("T4"), desk.status("T5")) == ("queued", "queued")
    if "run" in words:
        answer = chosen.end()
        assert answer.code == 0, answer.said
        assert "2 tasks: 2 completed" in answer.out
        assert "T2" not in answer.out
        assert desk.do("run", "--only", "T6").code == 0
        assert desk.read().count("[x]") == 4, "no tick is taken back"


def test_what_was_asked_for_and_skipped_for_a_failure_is_not_done(desk):
    desk.write(
        make.document(
            make.task(id="A", run="false"), make.task(id="B", depends_on=["A"]), make.task(id="C"), make.task(id="D")
        )
    )
    assert desk.do("run").code == 1
    skipped = desk.do("run", "--only", "B")
    assert skipped.code == 1, skipped.said
    assert "resuming: 0 of 1 task done, 1 skipped\n" in skipped.out
    assert "depends on tasks that failed" in skipped.out
    assert desk.do("run", "--only", "D").code == 0
    assert "resuming: 2 of 4 tasks done, 1 skipped\n" in desk.do("run").out
    assert desk.do("skip", "B").code == 0
    assert desk.do("run", "--only", "B").code == 0, "a person's word is as good as its being done"


def test_failed_tasks_are_queued_again_only_where_they_were_chosen(desk):
    desk.write(make.document(*(make.task(id=f"{one}", run="false", words=f"#{one}") for one in "ABC"), keep_going=True))
    assert desk.do("run").code == 1
    assert desk.do("run", "--retry-failed", "--only", "A").code == 1
    assert desk.do("run", "--retry-failed", "--tag", "B").code == 1
    assert desk.do("run", "--retry-failed", "--section", "nowhere").code == 2
    assert {one: len(desk.runs(one)) for one in "ABC"} == {"A": 2, "B": 2, "C": 1}
    assert set(desk.statuses().values()) == {"failed"}
    assert desk.do("run", "--retry-failed").code == 1
    assert [len(desk.runs(one)) for one in "ABC"] == [3, 3, 2]


@pytest.mark.parametrize(
    "options", [("--only", "B"), ("--section", "nowhere"), ("--tag", "none"), ("--min-priority", "P9")]
)
def test_a_filter_that_leaves_nothing_is_wrong_usage(desk, options):
    desk.write(make.document(make.task(id="A")))
    answer = desk.do("run", *options)
    assert answer.code == 2
    assert "hint:" in answer.err
    assert desk.statuses() == {"A": "queued"}


def test_a_dry_run_shows_the_plan_and_touches_nothing(desk):
    desk.write(make.document(make.task(id="A", run="touch made")))
    before = desk.read()
    answer = desk.do("run", "--dry-run", env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert answer.code == 0
    assert "A" in answer.out
    assert not desk.exists("made")
    assert desk.read() == before


def test_two_runs_of_one_list_share_the_work(desk):
    run = f"echo $EXECUTOR_TASK_ID >> log; {make.wait_for('go')}"
    desk.write(
        make.document(*(make.task(id=f"T{n:02}", run=run) for n in range(2)), make.task(id="Z", run="echo Z >> log"))
    )
    first, second = desk.start("run"), desk.start("run")
    desk.until(lambda: desk.exists("log") and len(desk.read("log").split()) == 2, "each has a task")
    assert desk.value("SELECT count(DISTINCT worker_id) FROM executor.run") == 2
    desk.put("go")
    assert first.end().code == 0
    assert second.end().code == 0
    assert sorted(desk.read("log").split()) == ["T00", "T01", "Z"]
    assert desk.value("SELECT status FROM executor.executor_state") == "stopped"


def test_a_task_that_starts_something_in_the_background_does_not_keep_the_run_waiting(desk):
    desk.write(make.document(make.task(run="sleep 779 & echo started")))
    began = time.monotonic()
    assert desk.do("run").code == 0
    assert time.monotonic() - began < 15
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "779"]]


@pytest.mark.parametrize(
    ("options", "held_up"),
    [
        (("--only", "B", "--only", "C"), []),
        (("--section", "later"), ["D"]),
        (("--tag", "fast"), ["D"]),
        (("--min-priority", "P2"), ["D"]),
    ],
)
def test_a_dry_run_with_filters_shows_what_the_run_then_does(desk, options, held_up):
    run = "echo $EXECUTOR_TASK_ID >> log"
    desk.write(
        make.document(
            make.task(id="A", run=run),
            "## Later\n",
            make.task(id="C", priority="P1", words="#fast", depends_on=["B"], run=run),
            make.task(id="B", priority="P2", words="#fast", run=run),
            make.task(id="D", priority="P2", words="#fast", depends_on=["A"], run=run),
        )
    )
    plan = desk.do("run", "--dry-run", "--json", *options).json
    shown = desk.do("plan", *options).out
    assert not desk.exists("log")
    assert plan["waves"] == [["B"], ["C"]]
    assert [one["id"] for one in plan["held_up"]] == held_up
    assert ("wait for what was not chosen" in shown) is bool(held_up)
    answer = desk.do("run", *options)
    assert desk.read("log").split() == ["B", "C"]
    assert answer.code == (3 if held_up else 0), answer


def test_a_program_without_an_interpreter_line_is_run_by_the_shell_and_once(desk):
    program = desk.folder / "program"
    program.write_text("echo ran >> log\n")
    program.chmod(0o755)
    desk.write(make.document(make.task(id="A", run=str(program))))
    assert desk.do("run").code == 0
    assert desk.read("log") == "ran\n"
