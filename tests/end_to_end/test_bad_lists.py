"""Lists that cannot run: one clear message with its place, the next command, exit code 2, and nothing changed."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests import make
from tests.desk import ROOT, Answer, Desk

GOOD = make.document(make.task(id="ONE-1", run="true"))


def refused(desk: Desk, answer: Answer, *words: str) -> None:
    """It said so on standard error, in a few lines, and left queue and folder as they were."""
    assert answer.code == 2, answer.said
    assert answer.out == ""
    for word in words:
        assert word in answer.err, (word, answer.err)
    assert len(answer.err.strip().split("\n")) <= 6, answer.err
    assert desk.value("SELECT count(*) FROM executor.event") == 0
    assert desk.value("SELECT count(*) FROM executor.executor_state") == 0


CONTENTS = {
    "binary": (b"\x7fELF\x02\x01\x01\x00\xff\xfe\x00", ("tasks.md:1:", "E001", "not a text file", "hint:")),
    "nul": (b"# L\n\n- [ ] a\x00b\n", ("tasks.md:3:", "E001", "hint:")),
    "empty": (b"", ("tasks.md:1:1: E003", "empty", "- [ ] What to do")),
    "no task": (b"# Notes\n\nProse.\n", ("tasks.md:1:1: E003", "no task", "hint:")),
    "cycle": (
        make.document(make.task(id="ONE-1", depends_on=["TWO-2"]), make.task(id="TWO-2", depends_on=["ONE-1"])),
        ("tasks.md:3:", "E007", "ONE-1", "TWO-2", "hint:"),
    ),
    "self": (make.document(make.task(id="ONE-1", depends_on=["ONE-1"])), ("tasks.md:3:", "E006", "ONE-1", "hint:")),
    "unknown id": (
        make.document(make.task(id="BLD-001"), make.task(id="BLD-002", depends_on=["BLD-01"])),
        ("tasks.md:8:", "E004", "BLD-01", "did you mean 'BLD-001'", "hint:"),
    ),
    "duplicate": (
        make.document(make.task("a", id="BLD-001"), make.task("b", id="BLD-001")),
        ("tasks.md:8:", "E005", "line 3 and line 8", "hint:"),
    ),
    "front matter": ("---\nexecutor: {jobs: 4\n---\n" + GOOD, ("tasks.md:", "E011", "front matter")),
    "bad setting": (make.document(GOOD, jobs="many"), ("tasks.md:2:", "E010", "jobs")),
    "unknown setting": (make.document(GOOD, job=4), ("tasks.md:2:", "E012", "did you mean 'jobs'")),
    "unclosed fence": ("- [ ] a\n\n```sh\ntrue\n- [ ] b\n", ("tasks.md:", "E008", "opened on line 3")),
    "no command": (
        make.document(make.task(run="x", language="cobol"), languages={"tally": "wc"}).replace("cobol", "cobol run"),
        ("tasks.md:", "E101", "cobol", "hint:"),
    ),
    "runner": (
        make.document(make.task(settings={"runner": "agent"})),
        ("tasks.md:3:", "E104", "no agent is named", "hint:"),
    ),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_list_with_errors_is_refused_with_their_places(desk, name):
    content, words = CONTENTS[name]
    path = desk.write(content)
    before = path.read_bytes()
    refused(desk, desk.do("run"), *words, "nothing was changed", "executor check tasks.md")
    assert path.read_bytes() == before


def test_check_and_plan_refuse_what_run_refuses_and_need_no_database(desk):
    content, _ = CONTENTS["cycle"]
    desk.write(content)
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    check = desk.do("check", env=nowhere)
    assert check.code == 2
    assert "E007" in check.out
    assert "error" in check.err
    assert desk.do("plan", env=nowhere).code == 2
    assert desk.do("parse", env=nowhere).code == 2
    desk.write(GOOD, "good.md")
    assert desk.do("check", "good.md", env=nowhere).code == 0
    assert desk.do("check", "good.md", "tasks.md", env=nowhere).code == 2


def test_a_known_list_that_breaks_leaves_its_queue_as_it_was(desk):
    desk.write(GOOD)
    assert desk.do("run").code == 0
    events = desk.value("SELECT count(*) FROM executor.event")
    desk.write(desk.read() + make.task("b", id="ONE-1"))
    answer = desk.do("run")
    assert answer.code == 2
    assert "E005" in answer.err
    assert desk.statuses() == {"ONE-1": "completed"}
    assert desk.value("SELECT count(*) FROM executor.event") == events


def test_the_laxer_readings_are_a_persons_choice(desk):
    desk.write(CONTENTS["duplicate"][0])
    assert desk.do("run", "--on-duplicate", "suffix").code == 0
    assert list(desk.statuses()) == ["BLD-001", "BLD-001#2"]
    desk.write(CONTENTS["unknown id"][0], "other.md")
    answer = desk.do("run", "other.md", "--allow-missing")
    assert answer.code == 0
    assert "W107" in answer.err
    assert desk.do("run", "other.md", "--on-duplicate", "maybe").code == 2


def test_a_file_that_is_too_large_is_refused_unread(desk):
    with (desk.folder / "tasks.md").open("wb") as file:
        file.truncate(20 * 2**20)
    refused(desk, desk.do("run"), "tasks.md", "20 MB", "16 MB", "hint:")


def test_a_folder_without_task_files_names_the_lists_in_it(desk):
    desk.write(GOOD, "sub.md")
    refused(desk, desk.do("run", "."), "the folder holds no task", "sub.md")


def test_a_file_that_is_not_there_is_named_with_its_neighbours(desk):
    desk.write(GOOD, "release.md")
    refused(desk, desk.do("run", "realese.md"), "realese.md does not exist", "release.md")


def test_a_pipe_is_no_list(desk):
    os.mkfifo(desk.folder / "tasks.md")
    refused(desk, desk.do("run"), "tasks.md", "not a regular file")


def test_a_circle_of_links_is_no_list(desk):
    (desk.folder / "a.md").symlink_to("b.md")
    (desk.folder / "b.md").symlink_to("a.md")
    refused(desk, desk.do("run", "a.md"), "a.md", "hint:")


def test_the_home_of_nobody_is_no_folder(desk):
    refused(desk, desk.do("run", "~no-such-user/tasks.md"), "no-such-user", "hint:")


def test_a_name_that_is_no_text_is_refused(desk):
    (desk.folder / os.fsdecode(b"\xff.md")).write_text(GOOD)
    refused(desk, desk.do("run", os.fsdecode(b"\xff.md")), "hint:")


def test_a_folder_without_a_list_says_which_names_it_looked_for(desk):
    refused(desk, desk.do("run"), "no task list in", "tasks.md, TASKS.md, TODO.md", "executor run FILE")


def test_a_folder_with_several_lists_asks_for_one(desk):
    desk.write(GOOD)
    desk.write(GOOD, "TODO.md")
    refused(desk, desk.do("run"), "tasks.md and TODO.md", "executor run FILE")


def test_a_folder_that_is_gone_is_an_error_like_any_other(desk):
    gone = desk.folder / "gone"
    gone.mkdir()
    program = (
        "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, [sys.executable, '-m', 'executor', 'run'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=gone,
        env=desk.environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 2
    assert "hint:" in ended.stderr


def test_what_can_be_refused_without_a_database_is(desk):
    answer = desk.do("run", env={"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert answer.code == 2
    assert "no task list in" in answer.err


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_what_may_not_be_read_is_refused_with_the_way_out(desk, closed):
    """Root can read everything, so as root the test is another user."""
    path = desk.write(GOOD)
    options = {}
    if os.geteuid() == 0:
        options = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        for folder in desk.folder.parents:
            if not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(0o755)
    desk.folder.chmod(0 if closed == "folder" else 0o755)
    path.chmod(0 if closed == "file" else 0o644)
    ended = subprocess.run(
        [interpreter(options), "-m", "executor", "run"],
        cwd=desk.folder,
        env=desk.environment(PYTHONPATH=os.pathsep.join([str(ROOT), *sys.path[1:]])),
        capture_output=True,
        text=True,
        **options,
    )
    desk.folder.chmod(0o755)
    words = {
        "file": ["may not be read by this user", f"chmod u+r {path}"],
        "folder": [f"{desk.folder} may not be entered by this user", "name a list in a folder that may"],
    }
    refused(desk, Answer(ended.returncode, b"", ended.stderr), *words[closed])


def interpreter(options: dict[str, object]) -> str:
    """A Python of this version that the user can execute; the one of this environment may lie under /root."""
    name = f"python3.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        if (
            Path(path).exists()
            and not subprocess.run(["/bin/sh", "-c", '"$0" -c ""', path], capture_output=True, **options).returncode
        ):
            return path
    raise AssertionError(f"no Python 3.{sys.version_info.minor} that this user can execute")


SLIPS = [
    (("run", "--job", "3"), "--job"),
    (("run", "-j", "0"), "-j"),
    (("run", "-j", "many"), "-j"),
    (("run", "--retries", "-1"), "--retries"),
    (("run", "--timeout", "soon"), "--timeout is 'soon'"),
    (("run", "-k", "--fail-fast"), "exclude each other"),
    (("run", "--runner", "magic"), "magic"),
    (("run", "a.md", "b.md"), "b.md"),
    (("rum",), "rum"),
    (("skip",), "ids"),
    (("db", "strat"), "strat"),
    (("list", "--status", "open"), "no status 'open'"),
    (("events", "--since", "-1"), "--since"),
    (("logs", "ONE-1", "--attempt", "0"), "--attempt"),
    (("run", "--dialect", "klingon"), "klingon"),
]


def test_a_slip_of_the_fingers_is_wrong_usage(desk):
    desk.write(GOOD)
    for (words, said), answer in zip(SLIPS, desk.do_all(*(words for words, _ in SLIPS)), strict=True):
        assert answer.code == 2, words
        assert said in answer.err, words
    assert desk.value("SELECT count(*) FROM executor.event") == 0


def test_a_list_that_was_never_run_is_not_in_the_queue(desk):
    desk.write(GOOD)
    words = (
        *((verb,) for verb in ("status", "list", "events", "pause", "resume", "stop")),
        ("show", "X"),
        ("done", "X"),
    )
    for answer in desk.do_all(*words):
        refused(desk, answer, "tasks.md is not in the queue", "executor run tasks.md")


def test_logs_of_a_task_that_never_ran(desk):
    desk.write(make.document(make.task("a", None, id="ASK-1")))
    desk.do("run")
    answer = desk.do("logs", "ASK-1")
    assert answer.code == 2
    assert "has not been run" in answer.err
