"""A stand-in for a coding agent: a real process that does what the title of its task says, mostly not what it should.

Speaks JSON lines, as the profile in `profile` reads them. What it used, it also writes into a ledger of its own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

TOKEN_OF_ENVIRONMENT = "correct-horse-battery"
TOKEN_OF_SHAPE = "ghp_" + "a1B2c3D4e5F6" * 3

PROFILE = """
[agents.standin]
command = ["{python}", "-I", "-S", "{script}"]
environment = ["STANDIN_*"]
login = "run `standin login`"
grace = 0.3

[agents.standin.session]
start = ["--session", "{{session}}"]
resume = ["--resume", "{{session}}"]

[agents.standin.output]
format = "json"
usage = "last"
cost = "session"
noise = "still at it"

[[agents.standin.output.rules]]
when = {{ type = "begin" }}
session = "session"

[[agents.standin.output.rules]]
when = {{ type = "end" }}
ended = true
answer = "answer"
input = ["tokens.in"]
output = ["tokens.out"]
counted = ["tokens.counted"]
cost = "dollars"
denied = "denied"
fails = {{ ok = false }}
message = ["problem"]

[[agents.standin.problems]]
kind = "session"
text = "no such session"
[[agents.standin.problems]]
kind = "limit"
text = "usage limit"
[[agents.standin.problems]]
kind = "login"
text = "not logged in"
"""


def profile(**changes: str) -> str:
    """The text of an executor.toml that describes this file as an agent."""
    text = PROFILE.format(python=sys.executable, script=Path(__file__).resolve())
    for old, new in changes.items():
        text = re.sub(rf"^{old} = .*$", f"{old} = {new}", text, flags=re.M)
    return text


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)


class Standin:
    def __init__(self) -> None:
        self.task = os.environ["EXECUTOR_TASK_ID"]
        self.prompt = sys.stdin.read()
        self.words = re.search(rf"^# {re.escape(self.task)}: (.*)$", self.prompt, re.M)[1].split()  # type: ignore[index]
        self.list = Path(os.environ["EXECUTOR_LIST"])
        self.home = self.list.parent / "standin"
        self.home.mkdir(exist_ok=True)
        self.resumed = sys.argv[1] == "--resume"
        self.session = sys.argv[2]
        seen = self.home / f"{self.task}.runs"
        self.number = len(seen.read_text().splitlines()) + 1 if seen.exists() else 1
        with seen.open("a") as file:
            file.write(f"{self.session} {'resumed' if self.resumed else 'begun'}\n")

    def work(self) -> None:
        """Do it: that is what the check looks for."""
        (self.list.parent / f"{self.task}.done").write_text(self.task)

    def end(self, answer: str = "I did it. Everything works.", **more: object) -> None:
        """Say that it went well, and what it cost: the dollars of the whole session, the tokens of this run."""
        with (self.home / "ledger").open("a") as file:
            file.write("0.25 1000 50\n")
        spent = self.home / f"{self.session}.spent"
        runs = int(spent.read_text()) + 1 if spent.exists() else 1
        spent.write_text(str(runs))
        tokens = {"in": 1000, "out": 50, "counted": 1000 * runs}
        say(**{"type": "end", "ok": True, "answer": answer, "tokens": tokens, "dollars": 0.25 * runs, **more})

    def first(self) -> bool:
        return self.number == 1

    def run(self) -> None:
        say(type="begin", session=self.session)
        getattr(self, self.words[0].lower())()

    # -- what the first word of a title asks for

    def honest(self) -> None:
        self.work()
        self.end()

    def lies(self) -> None:
        if not self.first() and "## The last attempt" not in self.prompt and "did not get through" not in self.prompt:
            raise SystemExit("it was not told what was wrong")
        if not self.first():
            self.work()
        self.end()

    def never(self) -> None:
        self.end("All 312 tests pass now.")

    def empty(self) -> None:
        self.work()
        self.end("" if self.first() else "done")

    def error(self) -> None:
        self.work()
        if self.first():
            self.end(ok=False, problem="something broke")
        else:
            self.end()

    def ticks(self) -> None:
        text = self.list.read_text()
        self.list.write_text(text.replace("- [ ]", "- [x]"))
        self.lies()

    def late(self) -> None:
        """Ticks, when it is told to go."""
        while not (self.list.parent / "go").exists():
            time.sleep(0.05)
        self.ticks()

    def edits(self) -> None:
        if self.first():
            text = self.list.read_text().replace("Honest", "Easier")
            self.list.write_text(f"{text}\n- [ ] **BAD-1** Mine\n  ```sh\n  touch pwned\n  ```\n")
        self.work()
        self.end()

    def removes(self) -> None:
        if self.first():
            self.list.unlink()
        self.work()
        self.end()

    def outside(self) -> None:
        if self.first():
            (self.list.parent.parent / "precious" / "kept.txt").write_text("spoiled")
            (self.list.parent / "tests" / "check.sh").unlink()
            (self.list.parent / "tests" / "new.sh").write_text("exit 0")
        self.work()
        self.end()

    def hangs(self) -> None:
        if not self.first():
            self.honest()
            return
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        (self.home / f"{self.task}.helper").write_text(str(helper.pid))
        while True:
            print("still at it", flush=True)
            time.sleep(0.1)

    def leaves(self) -> None:
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        (self.home / f"{self.task}.helper").write_text(str(helper.pid))
        self.honest()

    def limit(self) -> None:
        if self.first():
            say(type="end", ok=False, problem="usage limit reached, try again in 1 seconds", tokens={}, dollars=0)
            raise SystemExit(1)
        self.honest()

    def crash(self) -> None:
        if self.first():
            os.kill(os.getpid(), signal.SIGKILL)
        if not self.resumed:
            raise SystemExit("not the same session")
        self.honest()

    def forgets(self) -> None:
        if self.first():
            raise SystemExit(7)
        if self.resumed:
            raise SystemExit("no such session")
        self.honest()

    def blocked(self) -> None:
        self.end("I looked.\nBLOCKED: there is no manual")

    def login(self) -> None:
        if (self.home / "logged-in").exists():
            self.honest()
        else:
            say(type="end", ok=False, problem="you are not logged in", tokens={}, dollars=0)
            raise SystemExit(1)

    def denied(self) -> None:
        self.work()
        self.end(denied=["Bash"])

    def waits(self) -> None:
        while not (self.list.parent / "go").exists():
            print("still at it", flush=True)
            time.sleep(0.05)
        self.honest()

    def tells(self) -> None:
        """Secrets, in one piece, in two, and in the answer."""
        print(f"{TOKEN_OF_ENVIRONMENT} {TOKEN_OF_SHAPE}", flush=True)
        sys.stdout.write(TOKEN_OF_ENVIRONMENT[:9])
        sys.stdout.flush()
        time.sleep(0.4)
        print(f"{TOKEN_OF_ENVIRONMENT[9:]} postgresql://me:{TOKEN_OF_ENVIRONMENT}@db/x", flush=True)
        print(f"from standard error: {TOKEN_OF_SHAPE}", file=sys.stderr, flush=True)
        if self.first():
            raise SystemExit(f"key {TOKEN_OF_ENVIRONMENT} is wrong")
        self.work()
        self.end(f"I used {TOKEN_OF_SHAPE} and {TOKEN_OF_ENVIRONMENT}")


if __name__ == "__main__":
    Standin().run()
