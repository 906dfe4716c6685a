"""How migrations look on a terminal and in JSON."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from executor.cli import console

if TYPE_CHECKING:
    from sql.folder import Migration
    from sql.notices import Notice

SLOW = 1.0
AGAIN = 10.0


def migration(one: Migration) -> dict[str, Any]:
    return {"version": one.version, "name": one.name, "label": one.label, "path": one.path}


def milliseconds(duration: timedelta | None) -> str:
    if duration is None:
        return ""
    value = duration / timedelta(milliseconds=1)
    return f"{value:.0f} ms" if value < 1000 else console.duration(duration)


class Progress:
    """Tells each file when it is done, and that it is at work once it takes longer than a second.

    Another runner is told of once until a file of ours is done: it may be fast, and stand before us at every file.
    """

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._current: tuple[str, float] | None = None
        self._waiting = False
        self._done = threading.Event()

    def __call__(self, notice: Notice) -> None:
        label, kind = notice.migration.label, notice.kind.value
        match kind:
            case "started":
                self._current = label, time.monotonic()
            case "applied" | "undone":
                started = self._current[1] if self._current else time.monotonic()
                self._current, self._waiting = None, False
                if not self._silent:
                    took = milliseconds(timedelta(seconds=time.monotonic() - started))
                    console.say(f"  {label}  {kind}  {took}")
            case "waiting":
                if not self._waiting:
                    console.warn(f"  {label}  {kind}: {notice.text}")
                self._waiting = True
            case "server":
                console.warn(f"  {label}  {notice.text}")
            case _:
                console.warn(f"  {label}  {kind}: {notice.text}" if notice.text else f"  {label}  {kind}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        watcher = threading.Thread(target=self._watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._done.set()
            watcher.join()

    def _watch(self) -> None:
        told: tuple[str, float] | None = None
        next_at = 0.0
        while not self._done.wait(0.2):
            current, now = self._current, time.monotonic()
            if current is None or now - current[1] < SLOW:
                continue
            if current != told or now >= next_at:
                console.warn(f"  {current[0]}  running {console.duration(now - current[1])} ...")
                told, next_at = current, now + AGAIN
