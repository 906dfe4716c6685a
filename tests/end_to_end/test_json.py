"""JSON for other programs: every key of every shape, its type, and nothing else on standard output."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import Any

import pytest

from executor.events import Kind
from tests import make

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NUMBER = (int, float)


def check(value: Any, shape: Any, place: str = "$") -> None:
    """A type, a tuple of types, `TIME`, a list with one shape for all, or a mapping with a shape for each key."""
    if shape is TIME:
        assert isinstance(value, str), place
        assert TIME.fullmatch(value), (place, value)
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for at, one in enumerate(value):
            check(one, shape[0], f"{place}[{at}]")
    elif isinstance(shape, dict):
        assert isinstance(value, dict), place
        assert set(value) >= set(shape), (place, set(shape) - set(value))
        for key, one in shape.items():
            check(value[key], one, f"{place}.{key}")
    elif isinstance(shape, Maybe):
        if value is not None:
            check(value, shape.shape, place)
    else:
        assert isinstance(value, shape), (place, value)
        assert shape is not int or not isinstance(value, bool), place


class Maybe:
    """Null, or this."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


TASK = {
    "id": str,
    "title": str,
    "priority": str,
    "section": [str],
    "status": str,
    "position": int,
    "dependencies": [str],
    "blocked_by": [str],
    "assignee": Maybe(str),
    "agent": Maybe(str),
    "attempts": int,
    "last_error": Maybe(str),
    "queued_at": TIME,
    "started_at": Maybe(TIME),
    "completed_at": Maybe(TIME),
}
STATUS = {
    "list": {"path": str, "title": str, "status": str, "workers": int, "synced_at": TIME},
    "counts": dict.fromkeys(
        ("total", "queued", "running", "completed", "failed", "skipped", "blocked", "waiting"), int
    ),
    "eta_seconds": Maybe(int),
    "workers": [
        {"id": int, "name": str, "host": str, "pid": int, "slots": int, "since": TIME, "lease_seconds": NUMBER}
    ],
    "tasks": [TASK],
}
RUN = {
    "run_id": int,
    "attempt": int,
    "status": str,
    "worker": str,
    "started_at": TIME,
    "ended_at": Maybe(TIME),
    "exit_code": Maybe(int),
    "signal": Maybe(int),
    "error": Maybe(str),
    "cpu_seconds": Maybe(NUMBER),
    "memory_bytes": Maybe(int),
    "output_bytes": int,
}
EVENT = {"id": int, "at": TIME, "kind": str, "list": str, "task": Maybe(str), "attempt": Maybe(int), "detail": dict}
PARTS = [{"carrier": str, "reason": str, "section": [str], "lines": [int], "tasks": int}]
PARSED = {
    "title": str,
    "dialect": str,
    "dialect_reason": str,
    "parts": PARTS,
    "settings": dict,
    "tasks": [
        {
            "id": str,
            "title": str,
            "priority": str,
            "section": [str],
            "mark": str,
            "status": str,
            "dependencies": [str],
            "parallel": bool,
            "optional": bool,
            "assignee": Maybe(str),
            "agent": Maybe(str),
            "tags": [str],
            "settings": dict,
            "file": str,
            "lines": [int],
            "position": int,
            "body": str,
            "blocks": [{"lang": str, "role": str, "attributes": dict, "content": str, "line": int}],
        }
    ],
    "diagnostics": [{"code": str, "severity": str, "file": str, "line": int, "column": int, "message": str}],
}
LINE = {
    "file": str,
    "line": int,
    "look": str,
    "text": str,
    "verdict": str,
    "task": Maybe(str),
    "code": Maybe(str),
    "reason": str,
}
EXPLAINED = {"dialect": str, "dialect_reason": str, "parts": PARTS, "lines": [LINE]}

LIST = make.document(
    "## Build\n",
    make.task("Build it", "echo built", id="BLD-1", priority="P1", words="@ann #fast"),
    make.task("Break it", "echo broken; exit 9", id="BLD-2"),
    make.task("Mend it", id="BLD-3", depends_on=["BLD-2"]),
    make.task("Ask", None, id="ASK-4"),
    make.task("Go on", id="ASK-5", depends_on=["ASK-4"]),
    title="A release",
)


def test_status_has_every_key_with_its_type(desk):
    desk.write(LIST)
    assert desk.do("run").code == 1

    seen = desk.do("status", "--json").json

    check(seen, STATUS)
    assert seen["list"] == seen["list"] | {
        "path": str(desk.folder / "tasks.md"),
        "title": "A release",
        "status": "stopped",
        "workers": 0,
    }
    assert seen["counts"] == {
        "total": 5,
        "queued": 2,
        "running": 0,
        "completed": 1,
        "failed": 1,
        "skipped": 1,
        "blocked": 1,
        "waiting": 1,
    }
    tasks = {task["id"]: task for task in seen["tasks"]}
    assert list(tasks) == ["BLD-1", "BLD-2", "BLD-3", "ASK-4", "ASK-5"]
    assert tasks["BLD-1"] == tasks["BLD-1"] | {
        "title": "Build it",
        "priority": "P1",
        "section": ["Build"],
        "status": "completed",
        "position": 1,
        "dependencies": [],
        "blocked_by": [],
        "assignee": "ann",
        "attempts": 1,
        "last_error": None,
    }
    assert tasks["BLD-2"]["last_error"].endswith("broken")
    assert tasks["ASK-5"]["blocked_by"] == ["ASK-4"]
    assert desk.do("list", "--json").json == seen["tasks"]


def test_show_has_the_task_with_all_its_runs(desk):
    desk.write(LIST)
    desk.do("run")
    shown = desk.do("show", "BLD-2", "--json").json
    check(shown, TASK | {"description": str, "runs": [RUN]})
    (run,) = shown["runs"]
    assert run == run | {"attempt": 1, "status": "failed", "exit_code": 9, "signal": None, "output_bytes": 7}


def test_a_running_list_says_so_and_guesses_its_end(desk):
    desk.write(make.document(make.task(id="ONE-1"), make.task(id="LNG-2", run=make.wait_for("go"))))
    desk.start("run")
    desk.until_running("LNG-2")
    seen = desk.do("status", "--json").json
    check(seen, STATUS)
    assert seen["list"]["status"] == "running"
    assert seen["list"]["workers"] == 1
    assert seen["counts"]["running"] == 1
    assert isinstance(seen["eta_seconds"], int)
    assert [worker["slots"] for worker in seen["workers"]] == [1]
    assert "1 of 1 slot on" in desk.do("status").out


def test_run_is_one_event_a_line_with_growing_ids_up_to_the_end_of_the_list(desk):
    desk.write(make.document(*(make.task(id=f"T{n}", run=f"echo {n}") for n in range(5))))
    answer = desk.do("run", "--json", "-j", "2")
    assert answer.code == 0
    for line in answer.lines:
        check(line, EVENT)
        assert line["kind"] in set(Kind)
        assert line["list"] == str(desk.folder / "tasks.md")
    ids = [line["id"] for line in answer.lines]
    assert ids == sorted(set(ids))
    kinds = [line["kind"] for line in answer.lines]
    assert kinds[-1] == "list.finished"
    assert kinds.count("task.completed") == 5
    assert [
        line["detail"]["text"] for line in answer.lines if line["kind"] == "task.output" and line["task"] == "T3"
    ] == ["3\n"]
    assert desk.do("events", "--json").lines == answer.lines
    again = desk.do("run", "--json").lines
    assert [line["kind"] for line in again] == ["list.started", "list.finished"]
    assert again[0]["id"] > ids[-1]


def test_the_stream_of_a_run_that_fails_ends_with_the_end_of_the_run(desk):
    desk.write(LIST)
    answer = desk.do("run", "--json")
    assert answer.code == 1
    assert answer.lines[-1]["kind"] == "list.stopped"
    assert answer.lines[-1]["detail"]["failed"] == 1


def test_events_since_an_id_and_as_they_come(desk):
    desk.write(make.document(make.task(id="ONE-1"), make.task(id="LNG-2", run=make.wait_for("go"))))
    running = desk.start("run")
    desk.until_running("LNG-2")
    before = desk.do("events", "--json").lines
    following = desk.start("events", "-f", "--json", "--since", str(before[-1]["id"]))
    desk.put("go")
    assert running.end().code == 0
    desk.until(lambda: "list.finished" in following.said())
    following.send(signal.SIGINT)
    answer = following.end()
    assert answer.code == 130
    assert "Traceback" not in answer.err
    assert before + answer.lines == desk.do("events", "--json").lines


def test_events_of_every_list_come_in_one_stream(desk):
    desk.write(make.document(make.task(id="ONE-1")), "one.md")
    desk.write(make.document(make.task(id="TWO-1")), "two.md")
    following = desk.start("events", "-f", "--json", "--all")
    for name in ("one.md", "two.md"):
        assert desk.do("run", name).code == 0
    desk.until(lambda: following.said().count("list.finished") == 2)
    following.send(signal.SIGINT)
    lines = following.end().lines
    assert {line["list"].rpartition("/")[2] for line in lines} == {"one.md", "two.md"}
    assert lines == desk.do("events", "--json").lines, "where no list lies, all are meant"
    assert [line for line in lines if line["list"].endswith("one.md")] == desk.do("events", "one.md", "--json").lines
    assert desk.do("events", "one.md", "--all").code == 2


def test_a_reader_that_follows_survives_a_broken_connection(desk):
    desk.write(make.document(make.task(id="ONE-1", run=f"echo before; {make.wait_for('go')}; echo after")))
    running = desk.start("run")
    desk.until_running("ONE-1")
    following = [desk.start("events", "-f", "--json"), desk.start("logs", "ONE-1", "-f")]
    desk.until(lambda: all("before" in one.said() for one in following))
    desk.change("""
        SELECT pg_terminate_backend(pid)
        FROM pg_stat_activity
        WHERE application_name = 'executor follow' AND datname = current_database()
    """)
    desk.until(lambda: all("the database is back" in one.said() for one in following))
    desk.put("go")
    assert running.end().code == 0
    assert following[1].end().out == "before\nafter\n"
    desk.until(lambda: "list.finished" in following[0].said())
    following[0].send(signal.SIGINT)
    assert following[0].end().lines == desk.do("events", "--json").lines


def test_a_quiet_reader_is_let_go_when_nobody_reads_it(desk):
    desk.write(make.document(make.task(id="ONE-1")))
    assert desk.do("run").code == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "executor", "events", "-f"],
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    while b"list.finished" not in process.stdout.readline():
        continue
    process.stdout.close()
    assert process.wait(20) == 0, "nothing happens any more, so nothing is written that could fail"
    assert process.stderr.read() == b""
    process.stderr.close()


def test_logs_follow_a_task_through_its_attempts(desk):
    run = f"echo attempt $EXECUTOR_ATTEMPT; {make.wait_for('go-$EXECUTOR_ATTEMPT')}; [ $EXECUTOR_ATTEMPT = 2 ]"
    desk.write(make.document(make.task(id="LOG-1", run=run), retries=1, retry_delay="10ms"))
    running = desk.start("run")
    desk.until(lambda: desk.runs("LOG-1") == ["running"])
    first, both = desk.start("logs", "LOG-1", "-f", "--attempt", "1"), desk.start("logs", "LOG-1", "-f")
    desk.until(lambda: all("attempt 1" in one.said() for one in (first, both)))
    desk.put("go-1")
    assert first.end().out == "attempt 1\n"
    desk.put("go-2")
    assert running.end().code == 0
    answer = both.end()
    assert answer.out == "attempt 1\nattempt 2\n"
    assert answer.err == "attempt 2\n"


def test_logs_can_be_followed_and_asked_for_by_attempt(desk):
    run = f"echo attempt $EXECUTOR_ATTEMPT; [ $EXECUTOR_ATTEMPT = 2 ]; {make.wait_for('go')}; printf 'the end'"
    desk.write(make.document(make.task(id="LOG-1", run=run), retries=1, retry_delay="10ms"))
    running = desk.start("run")
    desk.until(lambda: desk.runs("LOG-1") == ["failed", "running"])
    following = desk.start("logs", "LOG-1", "-f")
    desk.until(lambda: "attempt 2" in following.said())
    desk.put("go")
    assert following.end().raw == b"attempt 2\nthe end"
    assert running.end().code == 0
    assert desk.do("logs", "LOG-1", "--attempt", "1").out == "attempt 1\n"
    missing = desk.do("logs", "LOG-1", "--attempt", "3")
    assert missing.code == 2
    assert "attempts so far: 1, 2" in missing.err


def test_parse_has_every_key_with_its_type_and_needs_no_database(desk):
    desk.write(LIST + "- [q] odd\n")
    for words in (("parse",), ("parse", "--json")):
        answer = desk.do(*words, env={"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
        assert answer.code == 0
        check(answer.json, PARSED)
    assert answer.json["tasks"][0]["blocks"] == [
        {"lang": "sh", "role": "run", "attributes": {}, "content": "echo built\n", "line": 6}
    ]
    assert answer.json["diagnostics"][0]["code"] == "W101"


MIXED = """# List

## Boxes

- [ ] t001 first
- [ ] t002 second

## Table

| ID | Task | Status |
|----|------|--------|
| t003 | third | todo |

## Notes

- [ ] a note
"""


def test_every_line_like_a_task_is_explained(desk):
    desk.write(MIXED)
    seen = desk.do("parse", "--explain", "--json").json
    check(seen, EXPLAINED)
    assert [(one["line"], one["verdict"]) for one in seen["lines"]] == [
        (5, "task"),
        (6, "task"),
        (10, "rule"),
        (12, "task"),
        (16, "diagnostic"),
    ]
    told = desk.do("parse", "--explain").out
    assert "read as aidevops: task ids such as t001 (line 5)" in told
    assert "lines 5-6, Boxes: 2 tasks, list items with a box" in told
    assert "I201 not a task: section 'Notes'" in told
    assert "5 lines like a task: 3 tasks, 1 named by a diagnostic, 1 left out by a rule" in told


def test_plan_says_how_the_list_was_read_and_why(desk):
    desk.write(MIXED)
    seen = desk.do("plan", "--json", "--dialect", "plain").json
    check(seen["parts"], PARTS)
    assert [part["carrier"] for part in seen["parts"]] == ["checkbox", "table"]
    assert seen["dialect_reason"] == "--dialect; by its signs it is aidevops: task ids such as t001 (line 5)"
    told = desk.do("plan").out
    assert "lines 12-12, Table: 1 task, rows of a table with columns such as ID, Task, Status" in told
    desk.write("---\nexecutor: {dialect: kiro}\n---\n- [ ] a\n")
    assert "read as kiro: `dialect` in the front matter\ntasks are list items with a box" in desk.do("plan").out


def test_an_unknown_dialect_is_told_the_known_ones(desk):
    desk.write(MIXED)
    for verb in ("plan", "parse", "check", "run"):
        answer = desk.do(verb, "--dialect", "speckit")
        assert answer.code == 2
        assert "no dialect 'speckit' (did you mean 'spec-kit'?)" in answer.err
        assert "openspec" in answer.err
    desk.write("---\nexecutor: {dialect: speckit}\n---\n- [ ] a\n")
    assert "did you mean 'spec-kit'?" in desk.do("check").out


def test_plan_as_json_has_the_waves_and_why(desk):
    desk.write(LIST)
    seen = desk.do("plan", "--json", env={"DATABASE_URL": "postgresql://127.0.0.1:1/none"}).json
    assert seen["waves"] == [["BLD-1", "BLD-2", "ASK-4"], ["BLD-3", "ASK-5"]]
    assert seen["sequential"] is False
    tasks = {task["id"]: task for task in seen["tasks"]}
    assert tasks["BLD-3"]["waits_for"][0]["id"] == "BLD-2"
    assert desk.do("run", "--dry-run", "--json").json == seen


def test_check_as_json_is_one_diagnostic_a_line(desk):
    desk.write("- [ ] a (depends on NO-1)\n- [q] b\n")
    answer = desk.do("check", "--json")
    assert answer.code == 2
    assert [(line["code"], line["line"], line["severity"]) for line in answer.lines] == [
        ("E004", 1, "error"),
        ("W101", 2, "warning"),
    ]


@pytest.mark.parametrize("words", [("db", "status", "--json"), ("doctor", "--json")])
def test_what_is_told_of_the_machine_is_json_too(desk, words):
    answer = desk.do(*words)
    assert answer.json
    if words[0] == "doctor":
        assert {one["subject"] for one in answer.json} >= {"executor", "python", "server", "durability", "schema"}
        assert answer.code == 1, "the server of the tests runs without fsync, and doctor says so"
        assert [one["subject"] for one in answer.json if not one["well"]] == ["durability"]
    else:
        assert answer.code == 0
        assert answer.json["kind"] == "server"


def test_a_reader_that_stands_still_holds_no_task_up_and_misses_nothing(desk):
    printed = 30_000  # bytes a task, so that a pipe of 64 KB is full after two
    desk.write(
        make.document(*(make.task(id=f"T{n}", run=f"head -c {printed} /dev/zero | tr '\\0' x") for n in range(8)))
    )
    command = [sys.executable, "-m", "executor", "run", "--json"]
    run = subprocess.Popen(command, cwd=desk.folder, env=desk.environment(), stdout=subprocess.PIPE)
    try:
        desk.until(lambda: set(desk.statuses().values()) == {"completed"}, "while nobody reads")
        assert run.poll() is None, "it waits to be read"
        out, _ = run.communicate(timeout=20)
    finally:
        run.kill()
    assert run.returncode == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["kind"] for event in events].count("task.completed") == 8
    assert events[-1]["kind"] == "list.finished"
    assert len({event["id"] for event in events}) == len(events)
    assert sum(len(event["detail"].get("text", "")) for event in events) == 8 * printed
