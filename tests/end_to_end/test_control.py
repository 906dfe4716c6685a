"""Pause, resume, stop and Ctrl-C: what a running executor obeys, and when."""

from __future__ import annotations

import signal

import psutil
import pytest

from tests import make


@pytest.fixture
def busy(desk):
    """A hundred short tasks of which many are still to come."""
    desk.write(make.document(*(make.task(id=f"T{n:03}", run="sleep 0.02") for n in range(400))))
    return desk


def test_a_pause_from_another_terminal_stops_new_claims_within_a_tenth_of_a_second(busy):
    running = busy.start("run", "-j", "2")
    busy.until(lambda: list(busy.statuses().values()).count("completed") >= 10, "ten are done")

    answer = busy.do("pause")

    assert answer.code == 0
    assert "executor resume" in answer.out
    busy.until(lambda: "running" not in busy.statuses().values(), "what ran has ended")
    late = busy.value(
        """
        SELECT coalesce(extract(epoch FROM max(run.started_at) - min(event.at)), 0) FROM executor.run, executor.event
        WHERE event.kind = 'list.paused' AND run.started_at > event.at
        """
    )
    assert late < 0.1
    assert busy.do("status", "--json").json["list"]["status"] == "paused"
    claims = busy.value("SELECT count(*) FROM executor.run")
    assert busy.do("resume").code == 0
    busy.until(lambda: busy.value("SELECT count(*) FROM executor.run") > claims, "it goes on")
    running.send(signal.SIGTERM)
    assert running.end().code == 130


def test_a_paused_list_stays_paused_through_kill_9_and_says_so(busy):
    running = busy.start("run")
    busy.until(lambda: "completed" in busy.statuses().values())
    assert busy.do("pause").code == 0
    running.send(signal.SIGKILL)
    running.process.wait()

    again = busy.do("run")

    assert again.code == 3
    assert "paused" in again.err
    assert "executor resume" in again.err
    assert busy.value("SELECT status FROM executor.executor_state") == "paused"
    assert "running" not in busy.statuses().values(), "what the dead executor ran is queued again"
    assert busy.do("pause").out.startswith("already paused")
    assert "start one with `executor run`" in busy.do("resume").out
    assert busy.do("resume").out == "not paused\n"


def test_stop_lets_running_tasks_finish(desk):
    desk.write(make.document(make.task(id="LNG-1", run=make.wait_for("go")), make.task(id="TWO-2")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    assert desk.do("stop").out == "stopping 1 executor\n"
    desk.until(lambda: "stopped by" in running.said(), "it heard")
    assert desk.status("LNG-1") == "running"
    desk.put("go")
    answer = running.end()
    assert answer.code == 3
    assert "go on with `executor run`" in answer.out
    assert desk.statuses() == {"LNG-1": "completed", "TWO-2": "queued"}
    assert desk.do("run").code == 0


def test_stop_now_queues_running_tasks_again_at_no_cost(desk):
    desk.write(make.document(make.task(id="LNG-1", run=f"sleep 888 & {make.wait_for('go')}")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    assert desk.do("stop", "--now").code == 0
    assert running.end().code == 3
    assert desk.statuses() == {"LNG-1": "queued"}
    assert desk.value("SELECT attempts FROM executor.task_queue") == 0
    assert not [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "888"]]
    desk.put("go")
    assert desk.do("run").code == 0


def test_status_tells_of_a_failure_where_a_run_failed_not_where_somebody_ended_it(desk):
    desk.write(make.document(make.task(id="LNG-1", run=f"test -e good || exit 1; {make.wait_for('go')}")))

    def told_after_an_end(*how: str) -> str:
        running = desk.start("run")
        desk.until_running("LNG-1")
        if how:
            assert desk.do(*how).code == 0
        else:
            running.send(signal.SIGINT)
            desk.until(lambda: "Ctrl-C again" in running.said())
            running.send(signal.SIGINT)
        running.end()
        assert desk.statuses() == {"LNG-1": "queued"}
        return desk.do("status").out

    assert desk.do("run").code == 1
    desk.do("requeue", "LNG-1")
    assert "(failed before, 1 attempt)" in desk.do("status").out
    desk.put("good")
    assert "(failed before, 1 attempt)" in told_after_an_end("stop", "--now")
    desk.put("go")
    assert desk.do("run").code == 0
    desk.do("requeue", "LNG-1")
    (desk.folder / "go").unlink()
    assert "failed before" not in told_after_an_end("stop", "--now")
    assert "failed before" not in told_after_an_end()


def test_a_paused_executor_can_be_stopped(desk):
    desk.write(make.document(make.task(id="LNG-1", run=make.wait_for("go")), make.task(id="TWO-2")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    desk.do("pause")
    desk.put("go")
    desk.until(lambda: desk.status("LNG-1") == "completed")
    assert desk.do("stop").code == 0
    assert running.end().code == 3
    assert desk.value("SELECT status FROM executor.executor_state") == "paused", "stop lifts no pause"


def test_stop_without_an_executor_says_so(desk):
    desk.write(make.document(make.task()))
    desk.do("run")
    assert desk.do("stop").out == "stopped; no executor was at work\n"


def test_the_first_ctrl_c_finishes_what_runs_and_starts_nothing_new(desk):
    desk.write(make.document(make.task(id="LNG-1", run=make.wait_for("go")), make.task(id="TWO-2")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    running.send(signal.SIGINT)
    desk.until(lambda: "Ctrl-C again" in running.said(), "it says so")
    desk.put("go")
    answer = running.end()
    assert answer.code == 130
    assert desk.statuses() == {"LNG-1": "completed", "TWO-2": "queued"}
    assert "[x] **LNG-1**" in desk.read()


def test_the_second_ctrl_c_stops_what_runs_and_queues_it_again(desk):
    desk.write(make.document(make.task(id="LNG-1", run="sleep 600")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    running.send(signal.SIGINT)
    desk.until(lambda: "Ctrl-C again" in running.said())
    running.send(signal.SIGINT)
    assert running.end().code == 130
    assert desk.statuses() == {"LNG-1": "queued"}
    assert desk.runs("LNG-1") == ["cancelled"]
    assert desk.value("SELECT count(*) FROM executor.worker") == 0


def test_the_third_ctrl_c_leaves_at_once_and_loses_nothing(desk):
    desk.write(make.document(make.task(id="LNG-1", run=f"trap '' TERM; touch began; {make.wait_for('go')}")))
    running = desk.start("run")
    desk.until_there("began")
    for words in ("Ctrl-C again", "stopping the running task"):
        running.send(signal.SIGINT)
        desk.until(lambda: words in running.said(), words)  # noqa: B023 - asked at once
    running.send(signal.SIGINT)
    assert running.end(2).code == 130
    desk.put("go")
    assert desk.do("run").code == 0
    assert desk.runs("LNG-1") == ["lost", "succeeded"]


def test_a_sigterm_stops_what_runs_at_once(desk):
    desk.write(make.document(make.task(id="LNG-1", run="sleep 600")))
    running = desk.start("run")
    desk.until_running("LNG-1")
    running.send(signal.SIGTERM)
    assert running.end().code == 130
    assert desk.statuses() == {"LNG-1": "queued"}


def test_ctrl_c_while_nothing_runs_leaves(desk):
    desk.write(make.document(make.task(id="BAD-1", run="false", settings={"retries": 3, "retry_delay": "60s"})))
    running = desk.start("run")
    desk.until(lambda: desk.runs("BAD-1") == ["failed"] and desk.status("BAD-1") == "queued")
    running.send(signal.SIGINT)
    assert running.end().code == 130


def test_status_does_not_count_an_executor_that_was_killed(desk):
    desk.write(make.document(make.task(id="SLW-1", run="sleep 600")))
    running = desk.start("run")
    desk.until_running("SLW-1")
    assert desk.do("status", "--json").json["list"]["workers"] == 1
    running.send(signal.SIGKILL)
    running.end()
    seen = desk.do("status", "--json").json["list"]
    assert (seen["workers"], seen["status"]) == (0, "stopped"), "its lease still runs, but its process is gone"


def test_the_next_command_names_a_file_that_is_not_found_by_itself(desk):
    desk.write(make.document(make.task(id="BAD-1", run="false"), make.task(id="NXT-2")), name="my list.md")
    told = desk.do("run", "my list.md").out
    assert "executor logs BAD-1 --file 'my list.md'" in told
    assert "executor run 'my list.md' --retry-failed" in told
    assert desk.do("logs", "BAD-1", "--file", "my list.md").code == 0
