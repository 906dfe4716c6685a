"""What a task keeps for its next attempt, in shell and in Python, through the death of its worker."""

from __future__ import annotations

import os
import signal
import sys

from tests import make

EXECUTOR = f"{sys.executable} -m executor checkpoint"
SHELL = f"""\
if {EXECUTOR} get next > was; then {EXECUTOR} list --json > all; echo "$EXECUTOR_CHECKPOINT" > told; exit; fi
printf 'two\\nlines' | {EXECUTOR} put next -
touch kept
sleep 600
"""
PYTHON = """\
import pathlib, time
from executor.task import checkpoint, progress

assert checkpoint.get("next", "none") == "none", "another task's is not seen"
checkpoint.put("done", "40")
assert checkpoint.all() == {"done": "40"}
progress(40, 100, "files")
pathlib.Path("told").touch()
while not pathlib.Path("go").exists():
    time.sleep(0.01)
"""


def test_what_was_kept_is_there_for_the_next_attempt(desk):
    desk.write(make.document(make.task(id="A-1", run=SHELL)))
    running = desk.start("run")
    desk.until_there("kept")
    os.kill(running.pid, signal.SIGKILL)
    running.process.wait()
    assert desk.do("run").code == 0
    assert desk.read("was") == "two\nlines"
    assert desk.read("all") == '{"next": "two\\nlines"}\n'
    assert desk.read("told") == '{"next": "two\\nlines"}\n'
    assert desk.do("show", "A-1", "--json").json["checkpoint"] == {"next": "two\nlines"}
    late = desk.do("checkpoint", "put", "next", "late", env={"EXECUTOR_RUN_ID": "1"})
    assert late.code == 2, "a run that is over writes over nothing"
    assert "does not hold a task" in late.err
    assert "there is no task here" in desk.do("checkpoint", "list").err


def test_python_keeps_too_and_says_how_far_it_is(desk):
    text = make.task(id="A-1", run=PYTHON, language="python")
    desk.write(make.document(text, languages={"python": sys.executable}))
    running = desk.start("run")
    desk.until_there("told")
    assert "progress 40/100 files" in desk.do("status").out
    desk.put("go")
    assert running.end().code == 0
    assert desk.do("show", "A-1", "--json").json["progress"] is None
    desk.do("requeue", "A-1")
    assert desk.value("SELECT checkpoint FROM executor.task_queue") == {}, "what was completed begins anew"
