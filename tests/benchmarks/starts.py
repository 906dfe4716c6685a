"""What a person waits for: the version, a run of one task, a list's first sync, the same file again, a whole restore.

Run with `make bench`, or alone; prints a Markdown table. Commands are measured against the bare interpreter in turns;
the rest is one call each, in a process of its own, on a fresh database. Memory is the peak of a worker with so many
tasks queued.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from tests import make
from tests.benchmarks.ground import Ground, ground, machine, middle, rounds, table

ROUNDS = rounds(7)
SIZES = (1_000, 10_000, 100_000)
REPEATS = {1_000: 3, 10_000: 3, 100_000: 1}
EXECUTOR = Path(sys.executable).with_name("executor")
LOAD = """
import resource, sys, time
from pathlib import Path
import psycopg
from executor.operations import files, load
path = Path(sys.argv[2])
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    for _ in range(2):
        began = time.perf_counter()
        load.load(connection, path, actor="bench", reading=files.Reading(str(path)))
        print(time.perf_counter() - began)
"""


def seconds(command: list[str | Path], folder: Path, **environ: str) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=os.environ | environ, check=True, capture_output=True)
    return time.perf_counter() - began


def above_bare(folder: Path) -> list[list[str]]:
    """Commands, as what they take above `python -c pass` of the same moment."""
    home = str(folder / "home")
    (folder / "one.md").write_text(make.document(make.task(id="T-1")))
    subprocess.run([EXECUTOR, "db", "start"], env=os.environ | {"EXECUTOR_HOME": home}, check=True, capture_output=True)
    try:
        seconds([EXECUTOR, "run", "one.md"], folder, EXECUTOR_HOME=home)
        version, again = [], []
        for _ in range(ROUNDS):
            bare = seconds([sys.executable, "-c", "pass"], folder)
            version.append(seconds([EXECUTOR, "--version"], folder) - bare)
            (folder / "one.md").write_text(make.document(make.task(id=f"T-{time.monotonic_ns()}")))
            again.append(seconds([EXECUTOR, "run", "one.md"], folder, EXECUTOR_HOME=home) - bare)
    finally:
        stop = [EXECUTOR, "db", "stop"]
        subprocess.run(stop, env=os.environ | {"EXECUTOR_HOME": home}, check=True, capture_output=True)
    return [
        ["`executor --version`, above the bare interpreter", "", f"{middle(version):.3f} s", "0.120 s"],
        ["a second `executor run` of one task, above it", "1", f"{middle(again):.3f} s", "0.400 s"],
    ]


def synced(on: Ground, folder: Path, tasks: int, mark: str) -> tuple[float, float]:
    """Seconds of a list's first sync, reading included, and of the same again."""
    path = folder / "list.md"
    path.write_text(make.document(*(make.task(id=f"T-{number}", mark=mark) for number in range(tasks))))
    url = on.fresh("synced", ours=True)
    said = subprocess.run([sys.executable, "-c", LOAD, url, path], check=True, capture_output=True, text=True).stdout
    first, again = said.split()
    return float(first), float(again)


def killed(on: Ground, folder: Path, tasks: int) -> tuple[float, float]:
    """Seconds from the death of a worker to the first task claimed again, start of the program included; peak MB."""
    path = folder / "list.md"
    path.write_text(make.document(*(make.task(id=f"T-{number}", run="sleep 60") for number in range(tasks))))
    url = on.fresh("killed", ours=True)
    command = [EXECUTOR, "run", path, "-j", "4", "--database-url", url]
    with psycopg.connect(url, autocommit=True) as connection:
        worker = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _until_running(connection, worker.pid)
        worker.send_signal(signal.SIGKILL)
        began = time.perf_counter()
        worker.wait()
        worker = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        _until_running(connection, worker.pid)
        took = time.perf_counter() - began
        status = Path(f"/proc/{worker.pid}/status").read_text()
        worker.send_signal(signal.SIGTERM)
        worker.wait()
    return took, int(status.split("VmHWM:")[1].split()[0]) / 1024


def _until_running(connection: psycopg.Connection[tuple[object, ...]], pid: int) -> None:
    """Wait until this process has begun a run."""
    query = "SELECT FROM executor.worker JOIN executor.task_queue USING (worker_id) WHERE pid = %s LIMIT 1"
    while not connection.execute(query, [pid]).fetchall():
        time.sleep(0.005)


def main() -> None:
    with ground() as on, tempfile.TemporaryDirectory(prefix="executor-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        rows = above_bare(folder)
        for tasks in SIZES:
            figures = [synced(on, folder, tasks, " ") for _ in range(REPEATS[tasks])]
            first, again = middle([one for one, _ in figures]), middle([one for _, one in figures])
            rows.append(["first sync, reading included", f"{tasks:,}", f"{first:.2f} s", "1.50 s at 10,000"])
            rows.append(["the same file again", f"{tasks:,}", f"{again:.3f} s", "0.150 s at 10,000"])
        restored = synced(on, folder, SIZES[-1], "x")[0]
        rows.append(
            ["first sync of a file of ticked boxes, the database lost", f"{SIZES[-1]:,}", f"{restored:.2f} s", ""]
        )
        for tasks in SIZES:
            took, memory = killed(on, folder, tasks)
            rows.append(["kill -9 to the first task claimed again", f"{tasks:,}", f"{took:.2f} s", "0.50 s at 100,000"])
            rows.append(["memory of that worker", f"{tasks:,}", f"{memory:.0f} MB", "80 MB at 100,000"])
    print(f"{machine()}.\n")
    table(["what", "tasks", "measured", "bound"], rows)


if __name__ == "__main__":
    main()
