"""What people see: help, plain lines in a pipe, a live view on a terminal, and a terminal as it was afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import textwrap
import time

import executor
from executor.cli.app import VERBS
from tests import make

GROUPS = {
    "checkpoint": ("put", "get", "list"),
    "db": (
        *("start", "stop", "status", "url", "psql", "prune"),
        *("backup", "backups", "verify-backup", "restore", "prune-backups", "move", "upgrade"),
    ),
    "docs": ("schema",),
    "migrate": (
        *(
            "new",
            "up",
            "down",
            "redo",
            "status",
            "plan",
            "verify",
            "check",
            "baseline",
            "resolve",
            "renumber",
            "squash",
        ),
        *("dump", "import", "testdb"),
    ),
    "report": ("costs",),
}


def test_the_help_of_every_verb_fits_a_screen_and_has_an_example(desk):
    verbs = [(verb,) for verb in VERBS if verb not in GROUPS]
    verbs += [(group, verb) for group, members in GROUPS.items() for verb in members]
    answers = desk.do_all(*((*words, "--help") for words in verbs), env={"COLUMNS": "100"})
    for words, answer in zip(verbs, answers, strict=True):
        assert answer.code == 0, words
        lines = answer.out.rstrip().split("\n")
        assert len(lines) <= 45, words
        assert max(map(len, lines)) <= 100, words
        assert re.search(rf"Example: .*executor {' '.join(words)}", answer.out), words


def test_the_help_of_the_program_names_every_verb(desk):
    for words in (("--help",), ("-h",), ()):
        answer = desk.do(*words)
        for verb in VERBS:
            assert re.search(rf"^  {verb} ", answer.said, re.MULTILINE), (words, verb)
        assert "executor run tasks.md" in answer.said
        assert answer.code in (0, 2)


def test_the_version_is_told_in_three_ways(desk):
    for word in ("version", "--version", "-V"):
        assert desk.do(word).out == f"executor {executor.__version__}\n"


def test_in_a_pipe_there_are_plain_lines(desk):
    desk.write(
        make.document(
            make.task("Good", id="GUD-1"),
            make.task("Bad \x1b[31m", "printf 'one\\033[2Jtwo\\n'; exit 3", id="BAD-2"),
            make.task("Later", id="LTR-3", depends_on=["BAD-2"]),
        )
    )
    answer = desk.do("run", env={"TERM": "xterm-256color"})
    assert "\x1b" not in answer.said
    lines = answer.out.split("\n")
    assert lines[0] == "start  GUD-1  Good"
    assert re.fullmatch(r"done   GUD-1  \d\.\d s  \[1/3\]", lines[1])
    assert any(line.startswith("FAILED BAD-2  block 1 of 1 (sh) ended with exit status 3") for line in lines)
    assert "       | one\N{REPLACEMENT CHARACTER}[2Jtwo" in lines
    assert "       all of it: executor logs BAD-2    try again: executor requeue BAD-2" in lines
    assert "skip   LTR-3  depends on BAD-2, which failed" in lines
    assert any(line.startswith("3 tasks: 1 completed, 1 failed, 1 skipped; ") for line in lines)


def test_status_list_and_show_read_well(desk):
    desk.write(
        make.document(
            make.task("Good", id="GUD-1"),
            make.task("Bad", "echo oh; exit 3", id="BAD-2"),
            make.task("Later", id="LTR-3", depends_on=["BAD-2"]),
            make.task("Ask", None, id="ASK-4", words="@ann"),
            make.task("Then", id="THN-5", depends_on=["ASK-4"]),
        )
    )
    desk.do("run")
    status = desk.do("status").out
    for words in (
        "A list  stopped",
        "1 of 5 completed",
        "1 failed",
        "THN-5  waits for ASK-4",
        "BAD-2  block 1 of 1 (sh) ended with exit status 3",
        "LTR-3  depends on BAD-2, which failed",
        "ASK-4  @ann  Ask  (executor done ASK-4)",
        "executor logs BAD-2",
    ):
        assert words in status, words
    assert len(desk.do("list").out.strip().split("\n")) == 5
    shown = desk.do("show", "BAD-2").out
    for words in ("BAD-2  Bad", "attempt 1: failed", "ended with exit status 3", "    oh"):
        assert words in shown, words
    assert desk.do("logs", "BAD-2").out == "oh\n"
    events = desk.do("events").out.strip().split("\n")
    assert any("task.failed  BAD-2" in line for line in events)


def test_plan_tells_order_and_reasons(desk):
    desk.write(make.chain("ONE-1", "TWO-2", "TRE-3"))
    out = desk.do("plan").out
    assert "3 tasks, 3 to run" in out
    assert "waits for ONE-1" in out
    assert "longest chain: ONE-1 > TWO-2 > TRE-3" in out
    desk.write(make.document(make.task("a"), make.task("b")))
    assert "a sequence" in desk.do("plan").out


def test_plan_tells_which_task_lends_its_urgency(desk):
    desk.write(make.document(make.task(id="T1", priority="P4"), make.task(id="T2", priority="P1", depends_on=["T1"])))
    out = desk.do("plan").out
    assert "T1  P4  Do it\n      goes as P1: T2 waits for it\n" in out
    assert out.count("goes as") == 1


def test_plan_tells_what_a_task_waits_for_that_is_no_task(desk):
    desk.write(
        make.document(
            make.task(id="A", mark="!"),
            make.task(id="B", settings={"gate": "human"}),
            make.task(id="C", settings={"gate": "human after @ann"}),
            make.task(id="D", settings={"needs": "gpu"}, words="@bob"),
            make.task(id="E"),
            make.task(id="F", run=None, settings={"needs": "gpu"}, words="@bob"),
        ),
        "other.md",
    )
    runs = {one["id"]: one["runs"].partition("; ")[2] for one in desk.do("plan", "other.md", "--json").json["tasks"]}
    assert runs == {
        "A": "waits, marked as blocked in the file: change its mark there",
        "B": "waits for an approval before (`executor approve B --file other.md`)",
        "C": "waits for an approval after (`executor approve C --file other.md`)",
        "D": "only on a worker with --label gpu",
        "E": "",
        "F": "",
    }
    told = desk.do("run", "other.md", "--dry-run", "--label", "gpu", "--as", "ann").out
    assert "runs sh; left to @bob\n" in told
    assert "waits for a person (`executor done F --file other.md`)" in told
    waits = [line for line in desk.do("run", "other.md", "-k").out.splitlines() if line.startswith("wait ")]
    assert [line.split()[1] for line in waits] == ["A", "B", "F", "C"], "as the run has it too"


def test_a_plan_of_what_is_done_says_so(desk):
    desk.write(make.document(make.task(id="A", mark="x"), make.task(id="B")))
    assert "2 tasks, 0 to run: what was chosen is done already\n" in desk.do("plan", "--only", "A").out
    assert "2 tasks, 1 to run\n" in desk.do("plan").out


def test_plan_explains_the_edges_that_nobody_wrote(desk):
    desk.write(make.document(make.task(id="T1", run=None, children=[make.task(id="T2")])))
    assert "waits for T2: parent: it is one of its children (line 4)" in desk.do("plan").out


def test_a_run_goes_on_when_nobody_reads_it_any_more(desk):
    desk.write(
        make.document(make.task(id="ONE-1"), *(make.task(id=f"T{n}", run=make.wait_for("go")) for n in range(5)))
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "executor", "run"],
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    desk.put("go")
    assert process.wait(20) == 0
    assert set(desk.statuses().values()) == {"completed"}


def test_a_reader_that_leaves_early_is_no_error(desk):
    desk.write(make.document(*(make.task(id=f"T{n}") for n in range(300))))
    desk.do("run", "-j", "4")
    process = subprocess.Popen(
        [sys.executable, "-m", "executor", "events", "--json"],
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) == 0


class Terminal:
    """A command on a pseudo-terminal, as a person sees it."""

    def __init__(self, desk, *arguments):
        self.ours, theirs = pty.openpty()
        self.resize(24, 80)
        self.before = termios.tcgetattr(self.ours)
        self.shown = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "executor", *arguments],
            cwd=desk.folder,
            env=desk.environment(TERM="xterm-256color"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)

    def resize(self, rows, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.ours, text)

    def read(self):
        """Take what is there; False at the end."""
        if select.select([self.ours], [], [], 0.05)[0]:
            try:
                content = os.read(self.ours, 65536)
            except OSError:  # Linux says so when the last writer is gone
                return False
            self.shown += content
            return bool(content)
        return True

    def until(self, pattern, after=0):
        deadline = time.monotonic() + 20
        while not re.search(pattern, self.shown[after:]):
            assert self.read(), self.shown.decode(errors="replace")
            assert time.monotonic() < deadline, self.shown.decode(errors="replace")
        return len(self.shown)

    def end(self):
        while self.read():
            pass
        code = self.process.wait(20)
        after = termios.tcgetattr(self.ours)
        os.close(self.ours)
        assert b"Traceback" not in self.shown, self.shown.decode(errors="replace")
        assert after == self.before, "the terminal is as it was"
        hidden, shown = self.shown.rfind(b"\x1b[?25l"), self.shown.rfind(b"\x1b[?25h")
        assert hidden <= shown, "the cursor is back"
        return code


def test_a_terminal_shows_what_runs_and_survives_a_resize(desk):
    desk.write(
        make.document(
            make.task("Quick", id="QCK-1"),
            make.task("A long one", f"echo warming up; {make.wait_for('go')}", id="LNG-2"),
            make.task("Another", make.wait_for("go"), id="LNG-3"),
        )
    )
    terminal = Terminal(desk, "run", "-j", "3")
    seen = terminal.until(rb"(?s)LNG-2.*warming up")
    terminal.until(rb"1/3")
    for rows, columns, shown in ((5, 20, rb"1 of 3"), (2, 10, rb"\x1b\[2K"), (60, 200, rb"LNG"), (24, 80, rb"LNG")):
        terminal.resize(rows, columns)
        seen = terminal.until(shown, after=seen)
    desk.put("go")
    assert terminal.end() == 0
    assert b"3 completed" in terminal.shown


def test_a_terminal_shows_how_far_a_task_says_it_is(desk):
    block = """\
        import pathlib, time
        from executor.task import progress

        print("copying", flush=True)
        progress(40, 100, "files")
        while not pathlib.Path("go").exists():
            time.sleep(0.01)
        """
    task = make.task("Copy", textwrap.dedent(block), id="CPY-1", language="python")
    desk.write(make.document(task, languages={"python": sys.executable}))
    terminal = Terminal(desk, "run")
    terminal.until(rb"(?s)CPY-1.*Copy.*40/100 files  copying")
    desk.put("go")
    assert terminal.end() == 0


def frames(shown):
    """What was drawn at once each time, as lines without their colours and movements."""
    drawn = re.findall(rb"(?s)\x1b\[\?2026h(.*?)\x1b\[\?2026l", shown)
    plain = (re.sub(rb"\x1b\[[?0-9;]*[a-zA-Z]|\r", b"", one).decode(errors="replace") for one in drawn)
    return [one.split("\n") for one in plain]


def test_a_hundred_running_tasks_are_drawn_whole_at_any_size_and_not_too_often(desk):
    desk.write(make.document(*(make.task(f"Long {n}", f"echo warm {n}; sleep 600", id=f"LNG-{n}") for n in range(100))))
    terminal = Terminal(desk, "run", "-j", "100")
    terminal.until(rb"and 79 more")
    for rows, columns in ((60, 200), (12, 40), (130, 100), (24, 80)):
        terminal.resize(rows, columns)
        before, began = len(terminal.shown), time.monotonic()
        while (
            len(pictures := [one for one in frames(terminal.shown[before:]) if any("0/100" in line for line in one)])
            < 7
        ):
            terminal.read()
            assert time.monotonic() < began + 60
        assert time.monotonic() - began > 0.9, "five frames a second at most"
        for picture in pictures[2:]:
            assert len(picture) <= rows
            assert max(map(len, picture)) <= columns
        assert sum("LNG-" in line for line in pictures[-1]) == min(100, rows - 3)
    for told in (rb"Ctrl-C again", rb"stopping 100 running tasks"):
        terminal.type(b"\x03")
        terminal.until(told)
    assert terminal.end() == 130
    assert set(desk.statuses().values()) == {"queued"}


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(desk):
    desk.write(make.document(make.task("A long one", "sleep 600", id="LNG-1"), make.task("Next", id="NXT-2")))
    terminal = Terminal(desk, "run")
    terminal.until(rb"LNG-1")
    desk.until_running("LNG-1")
    terminal.type(b"\x03")
    terminal.until(rb"Ctrl-C again stops them now")
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert desk.statuses() == {"LNG-1": "queued", "NXT-2": "queued"}


def test_the_third_ctrl_c_on_a_terminal_leaves_it_as_it_was_too(desk):
    desk.write(make.document(make.task("A long one", f"trap '' TERM; touch on; {make.wait_for('go')}", id="LNG-1")))
    terminal = Terminal(desk, "run")
    desk.until_there("on")
    terminal.until(rb"LNG-1")
    terminal.type(b"\x03")
    terminal.until(rb"Ctrl-C again")
    terminal.type(b"\x03")
    terminal.until(rb"stopping the running task")
    terminal.type(b"\x03")
    assert terminal.end() == 130


def test_colours_are_for_terminals_and_go_where_nobody_wants_them(desk):
    desk.write(make.document(make.task("Good", id="GUD-1")))
    desk.do("run")
    terminal = Terminal(desk, "list")
    assert terminal.end() == 0
    assert b"\x1b[" in terminal.shown
    desk_environment = desk.environment
    desk.environment = lambda **changes: desk_environment(NO_COLOR="1", **changes)
    terminal = Terminal(desk, "list")
    assert terminal.end() == 0
    assert b"\x1b[" not in terminal.shown


def test_a_hung_up_terminal_stops_what_runs(desk):
    desk.write(make.document(make.task("A long one", "sleep 600", id="LNG-1")))
    terminal = Terminal(desk, "run")
    desk.until_running("LNG-1")
    os.close(terminal.ours)
    assert terminal.process.wait(20) == 130
    assert desk.statuses() == {"LNG-1": "queued"}
