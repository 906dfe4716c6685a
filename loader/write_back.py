"""Marks written to a list file that people and agents may be editing.

write: up to five times
    lock the file -> read it -> patch (pure) -> exchange it for the new one, or overwrite the marks in place -> new list
A reader never sees half a file, a crash leaves the old file or the new one, and an edit made meanwhile is kept.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from msgspec import Struct, field

import loader
from loader import marks
from loader.exchange import exchange
from loader.marks import Change
from loader.model import Status, TaskList

_ATTEMPTS_MAX = 5
_LOCK_WAIT_MAX = 5.0
_LOCK_PAUSE = 0.005

# Who is just saving is let finish: a file replaced under an editor that writes it in pieces would lose the rest.
_UNTOUCHED_NS = 100_000_000
_UNTOUCHED_WAIT_MAX = 1.0
_LOOK_SECONDS = 0.02

_SUFFIX = ".executor-tmp"

# No temporary file, or no rename over the old one: a folder we may not write to, a file mounted into a container.
_NO_REPLACING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
_NO_LOCKING = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF)


class Written(Struct, frozen=True):
    """`tasks` is the parse of what is on disk now, None where that cannot be read; `failure` is "" when all went well.

    `written` holds the mark in the file for every task found, `missing` the wanted ids that are not (or no longer) in
    it, `before` is the hash of what stood there, and `ticked` who was not completed there and is now. After a failure
    nothing was written, and `written` is empty.
    """

    tasks: TaskList | None
    written: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    failure: str = ""
    before: str | None = None
    ticked: frozenset[str] = frozenset()


class _ChangedError(Exception):
    """Somebody wrote to the file between our reading and our writing: start over."""


def write_list(
    path: str | os.PathLike[str],
    wanted: Mapping[str, Status],
    *,
    known: TaskList | None = None,
    read: Callable[[bytes | Mapping[str, bytes]], TaskList],
) -> Written:
    """Write marks to a list, which is a file or a folder of files."""
    if not Path(path).is_dir():
        return write(path, wanted, known=known, read=read)
    from loader import folder_write_back

    return folder_write_back.write(Path(path), wanted, known=known, read=read)


def write(
    path: str | os.PathLike[str],
    wanted: Mapping[str, Status],
    *,
    known: TaskList | None = None,
    read: Callable[[bytes], TaskList] | None = None,
) -> Written:
    """Write marks, through symlinks. `known` saves the parse when the file still is what it was parsed from.

    `read` is how the file is parsed otherwise: pass the one that made `known` if it was given options. Conditions that
    can be expected of files are no exceptions but a `failure`.
    """
    read = read or partial(loader.parse, name=Path(path).name)
    current = known
    until = time.monotonic() + _UNTOUCHED_WAIT_MAX
    for _ in range(_ATTEMPTS_MAX):
        try:
            target = Path(path).resolve(strict=True)
            with _locked(target) as descriptor:
                source = _saved(descriptor, known, until)
                current = _parsed(source, current, read)
                if not current.tasks and current.errors:
                    return Written(current, missing=tuple(wanted), failure=current.errors[0].message)
                patched = marks.patch(source, current, wanted, read)
                if patched.changes:
                    _store(target, descriptor, source, patched.source, patched.changes)
                return Written(
                    patched.tasks,
                    patched.written,
                    patched.missing,
                    before=current.sha256,
                    ticked=ticked(current, patched.tasks),
                )
        except _ChangedError:
            continue
        except (OSError, RuntimeError) as error:  # a loop of symlinks is a RuntimeError before Python 3.13
            return Written(current, missing=tuple(wanted), failure=_reason(error))
    return Written(current, missing=tuple(wanted), failure="the file keeps changing")


def ticked(before: TaskList, after: TaskList) -> frozenset[str]:
    """The tasks that were not completed before and are afterwards."""
    were_open = {task.task_id for task in before.tasks if task.status is not Status.COMPLETED}
    are_completed = {task.task_id for task in after.tasks if task.status is Status.COMPLETED}
    return frozenset(were_open & are_completed)


def rewrite(path: str | os.PathLike[str], change: Callable[[bytes], bytes]) -> str:
    """Replace the bytes of a file by what `change` makes of them, as carefully as a mark; what kept us from it, or "".

    `change` is called again when somebody wrote to the file meanwhile. Its own exceptions pass through.
    """
    for _ in range(_ATTEMPTS_MAX):
        try:
            target = Path(path).resolve(strict=True)
            with _locked(target) as descriptor:
                source = _content(descriptor)
                new = change(source)
                if new != source:
                    _store(target, descriptor, source, new, None)
                return ""
        except _ChangedError:
            continue
        except (OSError, RuntimeError) as error:
            return _reason(error)
    return "the file keeps changing"


def _saved(descriptor: int, known: TaskList | None, until: float) -> bytes:
    """The content, unless somebody else has written it a moment ago: then what is there when he has finished."""
    while True:
        source = _content(descriptor)
        if known is not None and known.sha256 == hashlib.sha256(source).hexdigest():
            return source
        is_old = abs(time.time_ns() - os.fstat(descriptor).st_ctime_ns) > _UNTOUCHED_NS
        if is_old or time.monotonic() > until:
            return source
        time.sleep(_LOOK_SECONDS)


def _parsed(source: bytes, known: TaskList | None, read: Callable[[bytes], TaskList]) -> TaskList:
    if known is not None and known.sha256 == hashlib.sha256(source).hexdigest():
        return known
    return read(source)


@contextmanager
def _locked(target: Path) -> Iterator[int]:
    """The file opened and locked, and still the one its path names.

    The lock is on the file itself, so nothing is left behind in people's folders. Whoever waited for it may hold a file
    that the writer before has replaced, hence the comparison.
    """
    deadline = time.monotonic() + _LOCK_WAIT_MAX
    while True:
        descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            if _lock(descriptor) and os.path.samestat(os.fstat(descriptor), target.stat()):
                yield descriptor
                return
        finally:
            os.close(descriptor)
        if time.monotonic() > deadline:
            raise OSError(errno.ETIMEDOUT, f"another process has kept it locked for {_LOCK_WAIT_MAX:.0f} s")
        time.sleep(_LOCK_PAUSE)


def _lock(descriptor: int) -> bool:
    """Whether the lock is ours. A file system without locks still has the comparison before the rename."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKING:
            raise
    return True


def _content(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    parts, at = [], 0
    while part := os.pread(descriptor, max(size - at, 1) + 1, at):
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _store(target: Path, descriptor: int, source: bytes, new: bytes, changes: Sequence[Change] | None) -> None:
    """Replace the file, or overwrite the marks where those are all that `changes`; raises OSError, _ChangedError."""
    before = os.fstat(descriptor)
    if not before.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise OSError(errno.EACCES, "the file is read-only")
    if before.st_nlink == 1:
        try:
            _replace(target, descriptor, source, new)
        except OSError as error:
            if error.errno not in _NO_REPLACING:
                raise
        else:
            return
    _overwrite(target, descriptor, source, new, changes)


def _replace(target: Path, descriptor: int, source: bytes, new: bytes) -> None:
    prefix = f".{target.name[:100]}."
    for left in target.parent.glob(f"{glob.escape(prefix)}*{_SUFFIX}"):  # a writer that was killed; we hold the lock
        left.unlink(missing_ok=True)
    temporary, name = tempfile.mkstemp(prefix=prefix, suffix=_SUFFIX, dir=target.parent)
    copy = Path(name)
    try:
        try:
            _copy_attributes(descriptor, temporary)
            _write_all(temporary, new, 0)
            os.fsync(temporary)
            ours = _Seen(os.fstat(temporary), new)
        finally:
            os.close(temporary)
        _check_unchanged(target, descriptor, source)
        was_exchanged = exchange(copy, target)
        if not was_exchanged:
            copy.replace(target)
    except BaseException:  # Ctrl-C too: half a copy beside the list is nobody's
        copy.unlink(missing_ok=True)
        raise
    if was_exchanged:
        _bury(copy, target, _Seen(os.fstat(descriptor), source), ours)
    _sync_folder(target.parent)


class _Seen(Struct, frozen=True):
    """A file that had the list's name, and what was in it."""

    stat: os.stat_result
    content: bytes

    def is_at(self, path: Path) -> bool:
        return os.path.samestat(path.stat(), self.stat) and path.read_bytes() == self.content


def _bury(copy: Path, target: Path, read: _Seen, ours: _Seen) -> None:
    """Remove what the list was before it changed places with `copy`, if that is what we had read.

    Somebody may have saved between our comparison and the exchange: on a busy machine that happens, and a rename would
    have lost it. Then his file gets its place back, and _ChangedError is raised. Who saves once more meanwhile is met
    in the same way: what comes to light is newer than what is in its place.
    """
    on_top, below = ours, read
    while not below.is_at(copy):
        on_top, below = _Seen(copy.stat(), copy.read_bytes()), on_top
        try:
            exchange(copy, target)
        except FileNotFoundError:  # moved away by an editor that is about to write another
            with suppress(FileExistsError):
                os.link(copy, target)
            break
    copy.unlink()
    if on_top is not ours:
        raise _ChangedError


def _copy_attributes(descriptor: int, temporary: int) -> None:
    """Owner, mode and extended attributes; raises PermissionError where the owner cannot be kept."""
    before, after = os.fstat(descriptor), os.fstat(temporary)
    if (before.st_uid, before.st_gid) != (after.st_uid, after.st_gid):
        os.fchown(temporary, before.st_uid, before.st_gid)
    os.fchmod(temporary, stat.S_IMODE(before.st_mode))
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # not every file system has them, and not every one may be set by us
            for name in os.listxattr(descriptor):
                os.setxattr(temporary, name, os.getxattr(descriptor, name))


def _overwrite(target: Path, descriptor: int, source: bytes, new: bytes, changes: Sequence[Change] | None) -> None:
    """Write each mark over the old one, in place.

    Safe only for marks of the same length: no other byte moves, each write is whole or absent after a crash because it
    lies within one page, and marks do not depend on each other, so any subset of them is a valid list.
    """
    if changes is None or any(len(change.new) != change.place.length for change in changes):
        raise OSError(errno.EACCES, "its folder is read-only, and text of another length needs a new file")
    _check_unchanged(target, descriptor, source)
    writable = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
    try:
        if not os.path.samestat(os.fstat(writable), os.fstat(descriptor)):
            raise _ChangedError
        for change in changes:
            _write_all(writable, change.new, change.place.start)
        os.fsync(writable)
    finally:
        os.close(writable)
    if _content(descriptor) != new:
        raise _ChangedError


def _check_unchanged(target: Path, descriptor: int, source: bytes) -> None:
    """The path must name the file we read, and hold what we read: times alone are too coarse for a fast edit."""
    if not os.path.samestat(os.fstat(descriptor), target.stat()) or _content(descriptor) != source:
        raise _ChangedError


def _write_all(descriptor: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        count = os.pwrite(descriptor, view, at)
        view, at = view[count:], at + count


def _sync_folder(folder: Path) -> None:
    """Make the rename last. Not every folder can be opened or synced; the mark is in the file all the same."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: OSError | RuntimeError) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
