"""How long `up` takes for many small files, beside dbmate and psql on the same server in the same run.

    python tests/benchmarks/migrations.py [FILES ...]        # 500 and 2000 unless told

A server of its own is started with fsync on. dbmate is the one on PATH or in $DBMATE; without one, npm fetches it into
a temporary folder, and without npm its line is left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import conftest

ROUNDS = 3
OURS = (
    "import psycopg, sys; from pathlib import Path; import sql\n"
    "with psycopg.connect(sys.argv[1], autocommit=True) as connection: sql.up(connection, Path(sys.argv[2]))"
)
KINDS = (
    "CREATE TABLE t{0} (id bigint PRIMARY KEY, note text);",
    "ALTER TABLE t{1} ADD COLUMN extra_{0} integer;",
    "CREATE INDEX i{0} ON t{1} (note);",
    "INSERT INTO t{1} (id, note) VALUES ({0}, 'a note');",
    "CREATE FUNCTION f{0}() RETURNS integer LANGUAGE sql AS $$ SELECT {0} $$;",
)


def write(folder: Path, count: int, *, marked: bool) -> None:
    """Tables, columns, indexes, rows and functions; with dbmate's marks or without."""
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        text = KINDS[(number - 1) % 5].format(number, number - (number - 1) % 5)
        body = f"-- migrate:up\n{text}\n\n-- migrate:down\n" if marked else text + "\n"
        (folder / f"{number:014d}_m{number}.sql").write_text(body)


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    with psycopg.connect(f"{server} dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def seconds(command: list[str], environ: dict[str, str] | None = None) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, env=os.environ | (environ or {}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return time.perf_counter() - started


Command = Callable[[str], tuple[list[str], dict[str, str]]]


def measure(server: str, commands: dict[str, Command]) -> dict[str, tuple[float, float]]:
    """Best of some rounds for applying everything, and for finding nothing to do; in turns, as machines have moods."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(ROUNDS):
        for name, command in commands.items():
            with database(server, f"bench_{name}_{number}") as made:
                times[name].append((seconds(*command(made)), seconds(*command(made))))
    return {name: (min(one for one, _ in found), min(two for _, two in found)) for name, found in times.items()}


def dbmate(home: Path) -> str | None:
    found = os.environ.get("DBMATE") or shutil.which("dbmate")
    if found or not shutil.which("npm"):
        return found
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", home, "dbmate"], capture_output=True, check=False
    )
    program = home / "node_modules" / ".bin" / "dbmate"
    native = list(home.glob("node_modules/@dbmate/*/bin/dbmate"))
    return str(native[0] if native else program) if installed.returncode == 0 else None


def compare(server: str, home: Path, count: int, program: str | None) -> None:
    host, port = (word.partition("=")[2] for word in server.split()[:2])
    plain, marked = home / f"plain_{count}", home / f"marked_{count}"
    write(plain, count, marked=False)
    write(marked, count, marked=True)
    commands: dict[str, Command] = {
        "executor": lambda name: ([sys.executable, "-c", OURS, f"{server} dbname={name}", str(plain)], {})
    }
    if program:
        url = f"postgres:///{{}}?socket={host}&port={port}&user=postgres&sslmode=disable"
        commands["dbmate"] = lambda name: (
            [program, "--migrations-dir", str(marked), "--no-dump-schema", "up"],
            {"DATABASE_URL": url.format(name), "PGPORT": port},
        )
    found = measure(server, commands)
    for name, (applied, nothing) in found.items():
        print(f"{count:>5} files   {name:<9} {applied:6.2f} s   nothing to do {nothing:5.2f} s", flush=True)
    if program:
        print(f"{'':>13}   executor / dbmate = {found['executor'][0] / found['dbmate'][0]:.2f}", flush=True)
    if psql := shutil.which("psql"):
        script = home / f"all_{count}.sql"
        script.write_text("".join(path.read_text() for path in sorted(plain.iterdir())))
        with database(server, "bench_psql") as name:
            floor = seconds([psql, "-qX1", "-f", str(script), f"{server} dbname={name}"])
        print(f"{count:>5} files   psql -1   {floor:6.2f} s   (one file, one transaction: the floor)", flush=True)


def main() -> None:
    counts = [int(word) for word in sys.argv[1:]] or [500, 2000]
    with tempfile.TemporaryDirectory(prefix="executor-benchmark-", ignore_cleanup_errors=True) as temporary:
        home = Path(temporary)
        home.chmod(0o755)
        account = conftest._account()
        serving = home / "server"
        serving.mkdir()
        if account:
            shutil.chown(serving, account["user"], account["group"])
        server = conftest._serve(conftest._binaries(), serving, account, "fsync=on")
        conninfo = next(server)
        try:
            program = dbmate(home / "npm")
            for count in counts:
                compare(conninfo, home, count, program)
        finally:
            next(server, None)


if __name__ == "__main__":
    main()
