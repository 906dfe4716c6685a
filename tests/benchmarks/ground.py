"""Where benchmarks run: a private PostgreSQL as it comes, with fsync, and an environment for the peers."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psycopg

from executor.database import schema
from tests import conftest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "build" / "benchmark-peers"
PACKAGES = ("procrastinate", "pgqueuer[asyncpg]", "dbos", "doit", "snakemake")


@dataclass(frozen=True, slots=True)
class Ground:
    """A server for one benchmark."""

    conninfo: str
    data: Path
    binaries: Path

    def fresh(self, name: str, *, ours: bool = False) -> str:
        """A new database, with our schema in it or empty; its URL."""
        with psycopg.connect(f"{self.conninfo} dbname=postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
            connection.execute("CHECKPOINT")
        if ours:
            with psycopg.connect(f"{self.conninfo} dbname={name}", autocommit=True) as connection:
                schema.ensure(connection)
        with psycopg.connect(f"{self.conninfo} dbname={name}") as connection:
            info = connection.info
            return f"postgresql://postgres@127.0.0.1:{info.port}/{name}"

    def cpu(self) -> float:
        """Seconds of processor time the server has taken so far."""
        postmaster = int((self.data / "postmaster.pid").read_text().split("\n")[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        ticks = sum(_ticks(postmaster)[:4]) + sum(sum(_ticks(int(child))[:2]) for child in children)
        return ticks / os.sysconf("SC_CLK_TCK")

    def commits(self) -> int:
        """How many transactions have written something so far, by the numbers that the server gave them."""
        with psycopg.connect(f"{self.conninfo} dbname=postgres", autocommit=True) as connection:
            row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
            assert row is not None, "one row"
            return int(row[0])


def _ticks(pid: int) -> list[int]:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:  # ended meanwhile: the postmaster has its time
        return [0, 0, 0, 0]
    return [int(field) for field in fields[11:15]]


@contextmanager
def ground() -> Iterator[Ground]:
    """A server that is gone afterwards; everything in its configuration as PostgreSQL has it."""
    # What is installed is compiled; where nothing compiled may be kept, each start of ours would compile it all again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    account = conftest._account()
    binaries = conftest._binaries()
    with tempfile.TemporaryDirectory(prefix="executor-bench-", ignore_cleanup_errors=True) as home:
        if account:
            shutil.chown(home, account["user"], account["group"])
        for conninfo in conftest._serve(binaries, Path(home), account, "listen_addresses=127.0.0.1", "fsync=on"):
            yield Ground(conninfo, Path(home) / "data", binaries)


def peers() -> Path | None:
    """The environment of the peers, made once; None, said so, where they cannot be installed."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        print("installing the peers ...", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", PEERS], check=False).returncode == 0
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        if not made or subprocess.run(pip, check=False).returncode:
            print("the peers cannot be installed here, and are left out", file=sys.stderr)
            shutil.rmtree(PEERS, ignore_errors=True)
            return None
    return python


def versions(python: Path, *names: str) -> str:
    """Names and versions of packages in the peers' environment."""
    ask = f"from importlib.metadata import version as v; print(', '.join(f'{{n}} {{v(n)}}' for n in {names!r}))"
    return subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()


def machine() -> str:
    """What was measured on, in a sentence."""
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"Measured {time.strftime('%Y-%m-%d')} on {cores} cores ({platform.machine()}, {platform.system()}), load"
        f" {load:.1f}; Python {platform.python_version()}, psycopg {version('psycopg')}"
    )


def rounds(usual: int) -> int:
    """How often everything is measured: BENCH_ROUNDS where somebody has less time, or more."""
    return int(os.environ.get("BENCH_ROUNDS", usual))


def middle(figures: Sequence[float]) -> float:
    """The median, of which a busy moment changes little."""
    return median(figures)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table: the first column is text, the others are figures."""
    print(f"| {' | '.join(head)} |\n|---|{'---:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
