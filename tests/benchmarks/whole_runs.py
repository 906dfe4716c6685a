"""Whole commands, from the first import to the last mark in the file: 1,000 tasks `true`, beside other runners.

Run with `make bench`, or alone; prints a Markdown table. Every round runs all of them, one after the other; the median
counts, and beside the time on the wall the processor time of everything that worked on it, the database included, which
says more on a machine that is busy with other things. GNU parallel is Debian's package `parallel`; who is not installed
is left out.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import make
from tests.benchmarks.ground import Ground, ground, machine, middle, peers, rounds, table, versions

TASKS, JOBS, ROUNDS = 1_000, 4, rounds(5)
EXECUTOR = Path(sys.executable).with_name("executor")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds on the wall, and of all processors; commits of the server, where it is known which are its."""

    wall: float
    cpu: float
    commits: int = 0


def measured(command: list[str | Path], folder: Path, on: Ground | None = None, **environ: str) -> Cost:
    """What a command costs; with a server, together with what that did meanwhile."""
    server, commits = (on.cpu(), on.commits()) if on else (0.0, 0)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=os.environ | environ, check=True, capture_output=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, own + (on.cpu() - server if on else 0.0), on.commits() - commits if on else 0)


def executor(on: Ground, folder: Path, command: str) -> Cost:
    """`executor run` of a new list, on the server it shares with nobody."""
    path = folder / f"{time.monotonic_ns()}.md"
    path.write_text(make.document(*(make.task(id=f"T-{number}", run=command) for number in range(TASKS))))
    url = on.fresh("whole", ours=True)
    return measured([EXECUTOR, "run", path, "-j", str(JOBS), "--database-url", url], folder, on)


def embedded(folder: Path) -> Cost:
    """The same with the embedded server, which starts, works and stops with the command, as on a laptop."""
    path = folder / f"{time.monotonic_ns()}.md"
    path.write_text(make.document(*(make.task(id=f"T-{number}") for number in range(TASKS))))
    return measured([EXECUTOR, "run", path, "-j", str(JOBS)], folder, EXECUTOR_HOME=str(folder / "home"))


def parallel(folder: Path) -> Cost:
    """GNU parallel as a durable runner: with a job log to resume from."""
    (folder / "numbers").write_text("".join(f"{number}\n" for number in range(TASKS)))
    (folder / "joblog").unlink(missing_ok=True)
    command = ["parallel", "--will-cite", f"-j{JOBS}", "--joblog", "joblog", "--resume", "true", "::::", "numbers"]
    return measured(command, folder)


def gnu_make(folder: Path) -> Cost:
    """make remembers nothing of phony targets: the floor, not a peer."""
    names = " ".join(f"t{number}" for number in range(TASKS))
    (folder / "Makefile").write_text(f".PHONY: all {names}\nall: {names}\n{names}:\n\t@true\n")
    return measured(["make", "-s", f"-j{JOBS}", "-k", "all"], folder)


def doit(folder: Path, python: Path) -> Cost:
    """doit with its database of what is done."""
    (folder / ".doit.db").unlink(missing_ok=True)
    (folder / "dodo.py").write_text(
        "def task_t():\n"
        f"    for number in range({TASKS}):\n"
        "        yield {'name': str(number), 'actions': ['true']}\n"
    )
    return measured([python.with_name("doit"), "-n", str(JOBS), "-P", "thread"], folder)


def snakemake(folder: Path, python: Path) -> Cost:
    """Snakemake, which keeps what is done as files: a few of the tasks, their time multiplied."""
    shutil.rmtree(folder / "done", ignore_errors=True)
    shutil.rmtree(folder / ".snakemake", ignore_errors=True)
    (folder / "Snakefile").write_text(
        f"rule all:\n    input: expand('done/{{n}}', n=range({TASKS // 20}))\n"
        "rule one:\n    output: touch('done/{n}')\n    shell: 'true'\n"
    )
    command: list[str | Path] = [python.with_name("snakemake"), "-q", "all", "-j", str(JOBS)]
    cost = measured(command, folder, PATH=f"{python.parent}:{os.environ['PATH']}")
    return Cost(cost.wall * 20, cost.cpu * 20)


def runners(on: Ground, folder: Path, python: Path | None) -> dict[str, Callable[[], Cost]]:
    """Who takes part, by name."""
    taking: dict[str, Callable[[], Cost]] = {
        "executor": lambda: executor(on, folder, "true"),
        "executor, tasks that need a shell": lambda: executor(on, folder, "true; true"),
        "executor, with the embedded server's start and stop": lambda: embedded(folder),
    }
    if shutil.which("parallel"):
        taking["GNU parallel --joblog --resume"] = lambda: parallel(folder)
    else:
        print("no GNU parallel here (apt-get install parallel), left out", file=sys.stderr)
    taking["make"] = lambda: gnu_make(folder)
    if python:
        taking |= {"doit": lambda: doit(folder, python), "Snakemake": lambda: snakemake(folder, python)}
    return taking


def main() -> None:
    python = peers()
    with ground() as on, tempfile.TemporaryDirectory(prefix="executor-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        embedded(folder)  # the server's first start makes its files
        taking = runners(on, folder, python)
        costs: dict[str, list[Cost]] = {name: [] for name in taking}
        for _ in range(ROUNDS):
            for name, run in taking.items():
                costs[name].append(run())
                print(f"{name}: {costs[name][-1]}", file=sys.stderr)
    said = subprocess.run(["parallel", "--version"], check=False, capture_output=True, text=True).stdout.split("\n")[0]
    named = versions(python, "doit", "snakemake") if python else ""
    print(f"{machine()}; {'; '.join(filter(None, [said, named]))}. Median of {ROUNDS} rounds, -j {JOBS}.\n")
    base = costs["executor"]
    table(
        [f"{TASKS:,} tasks `true`", "seconds", "processor seconds", "times ours", "commits"],
        [
            [
                name,
                f"{middle([one.wall for one in found]):.2f}",
                f"{middle([one.cpu for one in found]):.2f}",
                f"{middle([one.wall / own.wall for one, own in zip(found, base, strict=True)]):.1f}",
                f"{middle([one.commits for one in found]):.0f}" if any(one.commits for one in found) else "",
            ]
            for name, found in costs.items()
        ],
    )


if __name__ == "__main__":
    main()
