"""What agents must not change, kept as it was and put back: the list itself, and the paths that the list protects.

The first agent at work in a folder has its bytes remembered, the last one lets go of them. In between every end of a
run looks whether they are the same, but for marks that the record bears out.
"""

from __future__ import annotations

import glob
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from loader.model import Status, TaskList

_DIFF_LINES_MAX = 200
_BYTES_MAX = 256 * 2**20

Read = Callable[[bytes], TaskList]
Record = Callable[[], Mapping[str, str]]  # how tasks stand, by id


class TooMuch(Exception):
    """More is protected than can be kept; the message says how much."""


class Changes(Struct, frozen=True):
    """What an agent changed, and what was put back. `ticked` are tasks whose boxes say what nobody has recorded."""

    ticked: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()  # protected ones, the list among them where more than its marks was changed
    diff: str = ""
    failure: str = ""  # why something could not be put back
    unknown: str = ""  # why nobody can tell what was changed


class _Kept(Struct):
    runs: int = 0
    files: dict[Path, bytes] = field(default_factory=dict)


class Keeper:
    """For one list. Called by the threads of its runs, hence the lock."""

    def __init__(self, path: Path, read: Read, folder: Path, *, ticks: bool) -> None:
        """`folder` is where the tasks of the list work unless they work apart; `ticks` says whether the list is ticked
        as they are completed."""
        self._path = path
        self._folder = folder
        self._read = read
        self._ticks = ticks
        self._lock = threading.Lock()
        self._kept: dict[Path, _Kept] = {}  # by the folder in which an agent works

    def enter(self, folder: Path, patterns: Sequence[str]) -> None:
        """An agent begins to work in a folder. Raises TooMuch, and OSError where something cannot be read."""
        with self._lock:
            kept = self._kept.get(folder) or _Kept(files=self._take(folder, patterns))
            kept.runs += 1
            self._kept[folder] = kept

    def leave(self, folder: Path, patterns: Sequence[str], record: Record) -> Changes:
        """An agent is through: put back what it changed."""
        with self._lock:
            kept = self._kept[folder]
            kept.runs -= 1
            if not kept.runs:
                del self._kept[folder]
            return self._compare(folder, patterns, kept.files, record)

    def _take(self, folder: Path, patterns: Sequence[str]) -> dict[Path, bytes]:
        files: dict[Path, bytes] = {}
        size = 0
        for path in self._protected(folder, patterns):
            files[path] = path.read_bytes()
            size += len(files[path])
            if size > _BYTES_MAX:
                raise TooMuch(f"`protect:` covers more than {_BYTES_MAX // 2**20} MB")
        return files

    def _protected(self, folder: Path, patterns: Sequence[str]) -> list[Path]:
        # An agent that works apart, in a worktree or a copy, has no business with the list: what changes in it is a
        # person's.
        found = {self._path} if folder == self._folder and self._path.is_file() else set()
        for pattern in [*patterns, self._path.name]:  # a copy of the list in the agent's own tree is no list
            for name in _matching(folder, pattern):
                path = folder / name
                below = path.rglob("*") if path.is_dir() else [path]
                found |= {one for one in below if one.is_file()}
        return sorted(found)

    def _compare(self, folder: Path, patterns: Sequence[str], files: Mapping[Path, bytes], record: Record) -> Changes:
        ticked: tuple[str, ...] = ()
        paths, diffs, failures = [], [], []
        for path in sorted({*files, *self._protected(folder, patterns)}):
            before, now = files.get(path), _content(path)
            is_list = path == self._path and before is not None
            if before == now and not (is_list and self._ticks):  # a copy from before our ticks may be all it wrote
                continue
            if is_list and before is not None:
                text_changed, ticked, failure = self._put_list_back(before, now, record)
                if not text_changed:
                    failures += [failure] if failure else []
                    continue
            else:
                failure = _put_back(path, before)
            failures += [f"{path}: {failure}"] if failure else []
            paths.append(str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path))
            diffs += _diff(paths[-1], before, now)
        return Changes(ticked, tuple(paths), "\n".join(diffs[:_DIFF_LINES_MAX]), "; ".join(failures))

    def _put_list_back(self, before: bytes, now: bytes | None, record: Record) -> tuple[bool, tuple[str, ...], str]:
        """Whether more than marks was changed, whose marks mean nothing, and why they are still there if they are."""
        from loader import marks, write_back

        standing = record()
        if now is None and (failure := _put_back(self._path, before)):
            return True, (), failure
        kept = self._read(before)
        text_changed, ticked = False, set[str]()

        def change(source: bytes) -> bytes:
            nonlocal text_changed
            shown = {task.task_id: task.status for task in self._read(source).tasks}
            text_changed = marks.patch(before, kept, shown, self._read).source != source
            wanted: dict[str, Status] = {}
            for task in kept.tasks:
                status = shown.get(task.task_id, task.status)
                if status != task.status and not _is_borne_out(status, standing.get(task.task_id, "")):
                    ticked.add(task.task_id)
                    status = task.status
                if self._ticks and standing.get(task.task_id) == "completed":  # whatever the agent made of our tick
                    status = Status.COMPLETED
                wanted[task.task_id] = status
            return marks.patch(before, kept, wanted, self._read).source

        failure = write_back.rewrite(self._path, change)
        return text_changed or now is None, tuple(sorted(ticked)), failure


def _is_borne_out(shown: Status, recorded: str) -> bool:
    """Could a mark of ours say this of a task that stands so?"""
    return {
        Status.COMPLETED: recorded == "completed",
        Status.IN_PROGRESS: recorded == "running",
        Status.PENDING: recorded in ("queued", "failed"),
    }.get(shown, False)


def _matching(folder: Path, pattern: str) -> list[str]:
    """Names of files and folders; a pattern may lead out of the folder, or be a whole path."""
    return glob.glob(pattern, root_dir=folder, recursive=True, include_hidden=True)  # noqa: PTH207 - Path has no such


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _put_back(path: Path, before: bytes | None) -> str:
    """Make a file what it was, or take away one that was not there; why that could not be done, or ""."""
    try:
        if before is None:
            path.unlink(missing_ok=True)
            return ""
        if path.is_dir():
            import shutil

            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(before)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _diff(name: str, before: bytes | None, now: bytes | None) -> list[str]:
    import difflib

    kept, left = ((content or b"").decode("utf-8", "replace").split("\n") for content in (before, now))
    names = (f"{name} (put back)", f"{name} (as the agent left it)")
    return list(difflib.unified_diff(kept, left, *names, lineterm=""))
