"""A desk to work at: a folder, a database and the real program, as one person has them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests import bytecode

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it said."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode("utf-8", "replace")

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        """The one value on standard output."""
        return json.loads(self.raw)

    @property
    def lines(self) -> list[Any]:
        """The values on standard output, one a line."""
        return [json.loads(line) for line in self.raw.splitlines()]


@dataclass
class Running:
    """A command that is still at work."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)

    def said(self) -> str:
        return self.out.read_text(errors="replace") + self.err.read_text(errors="replace")

    def end(self, seconds: float = PATIENCE) -> Answer:
        """Wait for its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s:\n{self.said()}") from None
        return Answer(code, self.out.read_bytes(), self.err.read_text(errors="replace"))


@dataclass
class Desk:
    """Everything a command needs. `folder` is where lists lie and where commands are typed."""

    folder: Path
    home: Path
    database: str
    started: list[Running] = field(default_factory=list)

    def environment(self, **changes: str | None) -> dict[str, str]:
        """The whole environment of a command; None takes a variable away."""
        environ: dict[str, str | None] = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH"),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            **bytecode.ENVIRON,
            "EXECUTOR_HOME": str(self.home / "executor"),
            "DATABASE_URL": self.database,
        }
        return {name: value for name, value in (environ | changes).items() if value is not None}

    def write(self, text: str | bytes, name: str = "tasks.md") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def read(self, name: str = "tasks.md") -> str:
        return (self.folder / name).read_text()

    def exists(self, name: str) -> bool:
        return (self.folder / name).exists()

    def put(self, name: str, text: str = "") -> None:
        """A file that tasks wait for."""
        (self.folder / name).write_text(text)

    def do(
        self,
        *arguments: str | Path,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        seconds: float = PATIENCE,
        **options: Any,
    ) -> Answer:
        """Run a command to its end. Whatever it was given, it must not show a traceback."""
        ended = subprocess.run(
            [sys.executable, "-m", "executor", *arguments],
            env=self.environment(**(env or {})),
            cwd=cwd or self.folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            **options,
        )
        answer = Answer(ended.returncode, ended.stdout, ended.stderr.decode("utf-8", "replace"))
        assert "Traceback" not in answer.err, answer.err
        return answer

    def do_all(self, *commands: Sequence[str], env: Mapping[str, str | None] | None = None) -> list[Answer]:
        """Run commands that have nothing to do with each other, side by side."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda words: self.do(*words, env=env), commands))

    def start(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> Running:
        """Start a command and go on."""
        stem = self.home / f"command-{len(self.started)}"
        out, err = stem.with_suffix(".out"), stem.with_suffix(".err")
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [sys.executable, "-m", "executor", *arguments],
                env=self.environment(**(env or {})),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                start_new_session=True,
            )
        self.started.append(Running(process, out, err))
        return self.started[-1]

    def clear(self) -> None:
        """End what still runs; the guard of a killed worker ends its tasks."""
        for running in self.started:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def change(self, statement: str) -> None:
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(statement.encode())

    def value(self, query: str, *parameters: object) -> Any:
        return self.rows(query, *parameters)[0][0]

    def statuses(self) -> dict[str, str]:
        """Task id to status, in file order."""
        return dict(
            self.rows("SELECT task_id, status FROM executor.task_queue WHERE removed_at IS NULL ORDER BY position")
        )

    def status(self, task_id: str) -> str:
        return self.statuses().get(task_id, "unknown")

    def kinds(self, task_id: str | None = None) -> list[str]:
        """Kinds of events, oldest first, of one task or of the list itself."""
        query = """
            SELECT kind FROM executor.event LEFT JOIN executor.task_queue USING (queue_id)
            WHERE task_id IS NOT DISTINCT FROM %s AND kind <> 'task.output' ORDER BY event_id
        """
        return [kind for (kind,) in self.rows(query, task_id)]

    def runs(self, task_id: str) -> list[str]:
        """How the runs of a task ended, oldest first."""
        query = """
            SELECT run.status FROM executor.run JOIN executor.task_queue USING (queue_id)
            WHERE task_id = %s ORDER BY run.run_id
        """
        return [status for (status,) in self.rows(query, task_id)]

    def until(self, question: Callable[[], object], what: str = "", seconds: float = PATIENCE) -> None:
        """Wait for a fact."""
        deadline = time.monotonic() + seconds
        while not question():
            if time.monotonic() >= deadline:
                told = "\n".join(running.said() for running in self.started)
                raise AssertionError(f"{what or 'it'} did not come true within {seconds} s\n{told}")
            time.sleep(0.01)

    def until_running(self, *task_ids: str) -> None:
        self.until(lambda: all(self.status(one) == "running" for one in task_ids), f"running: {task_ids}")

    def until_there(self, *names: str) -> None:
        self.until(lambda: all(self.exists(name) for name in names), f"files: {names}")
