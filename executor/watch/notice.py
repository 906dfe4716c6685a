"""The thread that asks the system to be told of changes in folders, and wakes who reads the files in them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Set
from pathlib import Path

from executor.log import logger

# The system's notices are gathered this long before anybody is woken. What a save is, readers decide.
_GATHER_MS = 20
_STEP_MS = 15
_LOOK_MS = 1000  # how often to see whether the folders are still those that are watched

Wake = Callable[[], None]


def is_wanted() -> bool:
    """May notices be used? Not where people said that their file system has none (`WATCHFILES_FORCE_POLLING`)."""
    return os.environ.get("WATCHFILES_FORCE_POLLING", "").casefold() in ("", "false", "disable", "disabled")


def start(wakes: Mapping[Path, Wake], stop: threading.Event) -> None:
    """Call the function of each path whenever something happens next to it, or in it, until `stop` is set."""
    threading.Thread(target=_run, args=(wakes, stop), name="notice", daemon=True).start()


def _run(wakes: Mapping[Path, Wake], stop: threading.Event) -> None:
    while not stop.is_set():
        folders = _folders(wakes)
        try:
            if folders:
                _listen(wakes, folders, stop)
        except OSError as error:  # no more of the system's watches, or a folder that went away just now
            logger.info("no notices of changed files: %s", error)
        stop.wait(_LOOK_MS / 1000)


def _listen(wakes: Mapping[Path, Wake], folders: Set[tuple[str, int, int]], stop: threading.Event) -> None:
    """Until a folder is another one than it was: notices of the old one say nothing any more."""
    import watchfiles  # a second's worth of modules, and only who watches needs them

    changes = watchfiles.watch(
        *sorted({name for name, _, _ in folders}),
        watch_filter=None,
        debounce=_GATHER_MS,
        step=_STEP_MS,
        stop_event=stop,
        rust_timeout=_LOOK_MS,
        yield_on_timeout=True,
        recursive=False,
        raise_interrupt=False,
        force_polling=False,
    )
    for changed in changes:
        names = {name for _, name in changed}
        for path, wake in wakes.items():
            if any(name == str(path) or name.startswith(f"{path}{os.sep}") for name in names):
                wake()
        if _folders(wakes) != folders:
            for wake in wakes.values():
                wake()
            return


def _folders(wakes: Mapping[Path, Wake]) -> frozenset[tuple[str, int, int]]:
    """The folders to listen to, with what tells each from another one of the same name."""
    found = set()
    for path in wakes:
        for folder in (path.parent, path):
            try:
                there = folder.stat()
            except OSError:
                continue
            if folder.is_dir():
                found.add((str(folder), there.st_dev, there.st_ino))
    return frozenset(found)
