"""The thread that reads a list whenever somebody has saved it, and posts what it found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from executor import clock
from executor.errors import ListError
from executor.log import logger
from executor.watch import notice, stamp, stillness
from executor.watch.stamp import Stamp
from executor.watch.stillness import Content, ends_lines
from loader.model import TaskList

_STEP_SECONDS = 0.02
_POLL_SECONDS = 1.0
_FORCED_POLL_SECONDS = 0.1

_GONE = "gone"
_NEVER = Stamp((), -1)  # of no file: the first look finds something else


class Watched(Struct, frozen=True):
    """A list to watch, and how its file becomes a value. `read` and `parse` raise ListError."""

    path: Path
    read: Callable[[], Content]
    parse: Callable[[Content], TaskList]
    digest: Callable[[Content], str]


class Save(Struct, frozen=True):
    """A file as somebody left it: a list, why it is none, or (None) no file at all.

    `began_ns` is when it began to differ from what the queue agrees with, as far as that was seen, by the file system's
    clock: whoever wrote it, in one save or in several on top of each other, knew nothing that is newer. `sha256` is of
    a file that could be read and is no list.
    """

    found: TaskList | ListError | None
    began_ns: int = 0
    sha256: str = ""


class Reader:
    """Posts each save once. `agreed` is the hash of the bytes that the queue agrees with: those are nobody's edit."""

    def __init__(self, watched: Watched, agreed: Callable[[], str | None], post: Callable[[Save], None]) -> None:
        self._watched = watched
        self._agreed = agreed
        self._post = post
        self._seen: Stamp | None = _NEVER
        self._posted: str | None = None  # the hash of the list posted last, until it is brought in
        self._began_ns = 0  # when the file began to differ from what the queue agrees with
        self._refused = ""  # what was posted last and is no list: said once
        self._ended_lines = True
        self._woken = threading.Event()
        self._doubted = threading.Event()
        self._stop = threading.Event()
        self._poll = _POLL_SECONDS if notice.is_wanted() else _FORCED_POLL_SECONDS

    def start(self) -> None:
        """Begin, with a look at the file as it is."""
        self._woken.set()
        threading.Thread(target=self._run, name=f"reader {self._watched.path.name}", daemon=True).start()

    def wake(self) -> None:
        """Something may have changed."""
        self._woken.set()

    def doubt(self) -> None:
        """Read and post it once more: what was posted is not there any more, or means more by now."""
        self._doubted.set()
        self._woken.set()

    def brought_in(self, sha256: str) -> None:
        """What was posted is in the queue: what differs from it later is another edit."""
        if self._posted == sha256:
            self._posted = None

    def stop(self) -> None:
        """End soon."""
        self._stop.set()
        self._woken.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._woken.wait(self._poll)
            self._woken.clear()
            try:
                doubted = self._doubted.is_set()
                self._doubted.clear()
                if doubted or stamp.take(self._watched.path) != self._seen:
                    self._look(doubted=doubted)
            except Exception as error:  # noqa: BLE001 - a defect of the parser is told, and ends no watch
                logger.exception("reading %s", self._watched.path)
                self._refuse(repr(error), ListError(f"{self._watched.path} cannot be read: {error!r}"))

    def _look(self, *, doubted: bool) -> None:
        """Wait for a whole file, then post it if it is news, or `doubted`."""
        if self._posted is None:
            self._began_ns = 0
        found = self._whole()
        if found is None:
            return
        self._seen, content = found
        if self._seen is None:
            if self._refused != _GONE:
                self._refused = _GONE
                self._post(Save(None))
            return
        if isinstance(content, ListError):
            self._refuse(str(content), content)
            return
        assert content is not None, "a file that is there has been read"
        self._ended_lines = ends_lines(content)
        sha256 = self._watched.digest(content)
        if sha256 == self._agreed() and not self._refused and not doubted:
            self._posted = None
            return
        try:
            parsed = self._watched.parse(content)
        except ListError as error:
            self._refuse(sha256, error, sha256)
            return
        self._refused, self._posted = "", sha256
        self._post(Save(parsed, self._began_ns))

    def _refuse(self, what: str, error: ListError, sha256: str = "") -> None:
        if what != self._refused:
            self._refused = what
            self._post(Save(error, sha256=sha256))
        self._posted = None  # its author knows of it, and looks at the file before the next save

    def _whole(self) -> tuple[Stamp | None, Content | ListError | None] | None:
        """The stamp and the content of a file that stands still; None when asked to stop before."""
        path = self._watched.path
        sighting = stillness.first(stamp.take(path), clock.monotonic(), clock.wall_ns())
        while not self._stop.wait(_STEP_SECONDS):
            now = clock.monotonic()
            self._began_ns = self._began_ns or (sighting.stamp.changed_ns if sighting.stamp else 0)
            sighting = sighting.again(stamp.take(path), now)
            if not sighting.stood_still(now):
                continue
            if sighting.stamp is None:
                return None, None
            try:
                content = self._watched.read()
            except ListError as error:
                if stamp.take(path) == sighting.stamp:
                    return sighting.stamp, error
                continue
            is_whole = sighting.is_whole(content, clock.monotonic(), ended_lines=self._ended_lines)
            if is_whole and stamp.take(path) == sighting.stamp:
                return sighting.stamp, content
        return None
