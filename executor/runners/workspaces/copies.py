"""A copy of the list's folder for each attempt: nothing in it comes back by itself."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from msgspec.structs import replace

from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Runner, Surroundings
from executor.runners.workspaces import places
from executor.states import RunStatus


def carry(run: Runner, claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
    """Run in a fresh copy, which is removed after success and kept after anything else, until the next attempt."""
    name = Path(places.slug(Path(surroundings.list_path).stem)) / places.slug(claimed.task_id)
    copy = surroundings.folder / places.FOLDER / "copies" / name
    try:
        shutil.rmtree(copy, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        ignored = surroundings.folder / places.FOLDER / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        _copy(surroundings.folder, copy)
    except (OSError, shutil.Error) as error:
        return Outcome(RunStatus.FAILED, f"the copy of the list's folder could not be made: {error}")
    ended = run(claimed, io, replace(surroundings, folder=copy))
    if ended.status is RunStatus.SUCCEEDED:
        shutil.rmtree(copy, ignore_errors=True)
        return ended
    sentence, _, rest = ended.error.partition("\n")
    return replace(ended, error=f"{sentence}\n{rest}\nits copy is kept: {copy}".replace("\n\n", "\n"))


def _copy(folder: Path, copy: Path) -> None:
    """Copy what is there. Others are at work in it: what goes away between listing and copying was no part of it."""
    try:
        shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(places.FOLDER))
    except shutil.Error as error:
        if not all(why.startswith(f"[Errno {errno.ENOENT}]") for _, _, why in error.args[0]):
            raise
