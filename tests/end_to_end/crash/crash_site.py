"""A place to crash in: a list whose tasks leave a ledger, the program at work on it, and what shows from outside."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

from executor.database.embedded import Home, Server
from tests import bytecode, make

PATIENCE = 60.0

# Each execution of a task holds a lock as long as it lives, so that a second one beside it gives itself away. A killed
# process lets go of its files a moment after it has left the process table: hence the short wait. Only exit status 1
# means that the lock is taken: a flock that was killed itself says nothing.
_ACT = """\
exec 9>>"$LOCKS/$EXECUTOR_TASK_ID"
flock -w 0.05 9 || [ $? != 1 ] || echo "$EXECUTOR_TASK_ID $EXECUTOR_RUN_ID overlap" >>"$LEDGER"
echo "$EXECUTOR_TASK_ID $EXECUTOR_RUN_ID start" >>"$LEDGER"
[ "$1" = 0 ] || sleep "$1"
[ -z "${2-}" ] || until [ -e "$2" ]; do sleep 0.01; done
echo "$EXECUTOR_TASK_ID $EXECUTOR_RUN_ID end" >>"$LEDGER"
"""


def act(seconds: float = 0) -> str:
    """The shell text of a task that takes this long and tells the ledger when it began and that it ended."""
    return f". ./act.sh {seconds:g}"


def act_until(name: str) -> str:
    """The same, but it takes until a file of this name exists in the list's folder."""
    return f". ./act.sh 0 {name}"


@dataclass
class Worker:
    """One `executor run`."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def kill(self) -> None:
        """kill -9, and nobody's zombie."""
        self.process.kill()
        self.process.wait()

    def guard(self) -> int:
        """The pid of its guard, or 0."""
        for child in self._children():
            if any("guard_process.py" in word for word in _command(child)):
                return child.pid
        return 0

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def peak_megabytes(self) -> float:
        """The most memory it ever had."""
        for line in Path(f"/proc/{self.pid}/status").read_text().split("\n"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def _children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return []


@dataclass
class Site:
    """A folder with a list, and the database that its tasks are queued in."""

    folder: Path
    environ: dict[str, str]
    conninfo: str | None = None  # None: the embedded server of `home`
    home: Path | None = None
    started: list[Worker] = field(default_factory=list)
    text: bytes = b""

    @property
    def file(self) -> Path:
        return self.folder / "tasks.md"

    def write(self, *tasks: str, **settings: Any) -> None:
        """The list, every box open."""
        self.write_text(make.document(*tasks, **settings))

    def write_text(self, text: str) -> None:
        self.text = text.encode()
        self.file.write_bytes(self.text)
        (self.folder / "act.sh").write_text(_ACT)
        (self.folder / "locks").mkdir(exist_ok=True)

    def put(self, name: str) -> None:
        """A file that tasks wait for."""
        (self.folder / name).touch()

    def start(self, *options: str, open_files: tuple[int, int] | None = None, **environ: str) -> Worker:
        """Begin `executor run`, with these limits (soft, hard) of open files."""
        return self.begin("run", str(self.file), *options, open_files=open_files, **environ)

    def begin(self, *words: str, open_files: tuple[int, int] | None = None, **environ: str) -> Worker:
        """Begin any command that works at tasks."""

        def limit() -> None:
            if open_files:
                resource.setrlimit(resource.RLIMIT_NOFILE, open_files)

        log = self.folder / f"worker-{len(self.started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "executor", *words],
                env=self.environment(**environ),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=limit,
            )
        self.started.append(Worker(process, log))
        return self.started[-1]

    def run(self, *options: str, seconds: float = PATIENCE, **environ: str) -> int:
        """`executor run` to its end; its exit code."""
        return self.end(self.start(*options, **environ), seconds)

    def end(self, worker: Worker, seconds: float = PATIENCE) -> int:
        """Wait for a worker to leave by itself; its exit code."""
        try:
            code = worker.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds:g} s\n{self.story()}") from None
        assert "Traceback" not in worker.said(), worker.said()
        return code

    def command(self, *words: str) -> str:
        """Another command of the program, which must succeed; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "executor", *words],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def until(self, fact: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Wait for a fact."""
        deadline = time.monotonic() + seconds
        while not fact():
            assert "Traceback" not in self.started[-1].said(), self.story()
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}\n{self.story()}"
            time.sleep(0.01)

    # what can be seen

    def ledger(self) -> list[tuple[str, int, str]]:
        """What tasks wrote: task id, run id, word."""
        path = self.folder / "ledger"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(task_id, int(run_id), word) for task_id, run_id, word in (line.split() for line in lines)]

    def effects(self, task_id: str, word: str = "end") -> int:
        """How often a task got that far."""
        return sum((one, said) == (task_id, word) for one, _, said in self.ledger())

    def begun(self, *task_ids: str) -> None:
        """Wait until these tasks have begun their work."""
        self.until(lambda: all(self.effects(one, "start") for one in task_ids), f"{task_ids} at work")

    def left(self) -> list[int]:
        """Pids of living processes that any task of this site started."""
        mark = f"LEDGER={self.folder}/ledger".encode()
        found = []
        for pid in psutil.pids():
            try:
                environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in environ and any(one.startswith(b"EXECUTOR_RUN_ID=") for one in environ):
                found.append(pid)
        return found

    def oldest(self) -> int:
        """The one of them that was there first; others come and go."""
        since: dict[int, float] = {}
        for pid in self.left():
            with suppress(psutil.NoSuchProcess):
                since[pid] = psutil.Process(pid).create_time()
        return min(since, key=lambda pid: since[pid])

    def none_left(self, seconds: float = 1.0) -> None:
        """Within a second nothing of any task is alive."""
        self.until(lambda: not self.left(), "no process of a task is left", seconds)

    def ticks(self) -> int:
        return self.file.read_bytes().count(b"- [x] ")

    def connect(self) -> psycopg.Connection[Any]:
        """A look into the database. The embedded server is looked at as it is: nothing is started for it."""
        conninfo = self.conninfo or self._embedded_conninfo()
        return psycopg.connect(conninfo, autocommit=True, connect_timeout=5)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def runs(self, task_id: str) -> list[str]:
        """How the runs of a task ended, in order."""
        found = self.rows(
            "SELECT run.status FROM executor.run JOIN executor.task_queue USING (queue_id)"
            " WHERE task_id = %s ORDER BY run.run_id",
            task_id,
        )
        return [status for (status,) in found]

    def server(self) -> Server:
        """The supervisor of the embedded server, as one more user of it."""
        assert self.home is not None
        return Server(Home(self.home))

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """The embedded server runs while the test looks into it."""
        server = self.server()
        server.acquire()
        try:
            yield
        finally:
            server.release()

    def postmaster(self) -> int:
        """The pid of the embedded server, or 0."""
        return self.server().status().pid or 0

    def story(self) -> str:
        """Everything that helps to understand a failure."""
        told = [
            f"--- {worker.log.name} (exit {worker.process.poll()})\n{worker.said()}" for worker in self.started[-4:]
        ]
        try:
            rows = self.rows(
                "SELECT task_id, status, attempts, failures, losses, unmet, run_id, worker_id, last_error"
                " FROM executor.task_queue WHERE status <> 'completed' ORDER BY position LIMIT 40"
            )
            workers = self.rows("SELECT worker_id, pid, lease_until - now() FROM executor.worker")
            sessions = self.rows(
                "SELECT application_name, state, wait_event_type, wait_event, pg_blocking_pids(pid), pid, query"
                " FROM pg_stat_activity WHERE datname = current_database()"
            )
            told.append("--- sessions\n" + "\n".join(str(one)[:200] for one in sessions))
            told.append("--- not completed\n" + "\n".join(map(str, rows)) + f"\n--- workers: {workers}")
        except (psycopg.Error, AssertionError) as error:
            told.append(f"--- no task table: {error}")
        return "\n".join([*told, f"--- left: {self.left()}"])

    # coming and going

    def clear(self) -> None:
        """Whatever happened here, nothing of it runs on; of a test that failed, pytest shows what is printed."""
        for worker in self.started:
            print(f"--- {worker.log.name} (exit {worker.process.poll()})\n{worker.said()[-5000:]}")
            if worker.process.poll() is None:
                worker.kill()
        for pid in self.left():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(Path(make.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
            **bytecode.ENVIRON,
            "LEDGER": f"{self.folder}/ledger",
            "LOCKS": f"{self.folder}/locks",
            **self.environ,
            **changes,
        }

    def _embedded_conninfo(self) -> str:
        assert self.home is not None
        home = Home(self.home)
        data = home.place().newest()
        assert data is not None, "no database yet"
        pid_file = data / "postmaster.pid"
        try:
            lines = pid_file.read_text().split("\n")
        except FileNotFoundError:
            raise AssertionError("the embedded server is not running") from None
        password = home.password.read_text().strip()
        return f"host={lines[4]} port={lines[3]} user=executor dbname=executor password={password} sslmode=disable"


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
