"""Marks written to a folder that is one list: each file by itself, as a list of one task.

write: up to five times
    read all files -> patch (pure) -> write_back.write for each that changes -> new list
A crash between two files leaves the later ones unmarked, which the next write makes good.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path

import loader
from loader import folders, write_back
from loader.model import Status, TaskList
from loader.write_back import Written

_ATTEMPTS_MAX = 5

Read = Callable[[Mapping[str, bytes]], TaskList]


def sources(folder: Path) -> dict[str, bytes]:
    """The Markdown files of a folder by name, hidden ones left out; raises OSError.

    A file that goes away between the listing and the reading is none of them.
    """
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _is_markdown(entry)]
    found: dict[str, bytes] = {}
    for name in sorted(names):
        try:
            found[name] = (folder / name).read_bytes()
        except FileNotFoundError:
            continue
    return found


def _is_markdown(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".md") and not entry.name.startswith(".") and entry.is_file()


def write(
    folder: Path, wanted: Mapping[str, Status], *, known: TaskList | None = None, read: Read = loader.parse_folder
) -> Written:
    """Write marks. `known` saves the parse when the folder still is what it was parsed from; `read` is how it is
    parsed otherwise."""
    current = known
    for _ in range(_ATTEMPTS_MAX):
        try:
            content = sources(folder)
        except FileNotFoundError:
            return Written(current, missing=tuple(wanted), failure="the folder is gone")
        except OSError as error:
            return Written(current, missing=tuple(wanted), failure=error.strerror or str(error))
        if current is None or current.sha256 != folders.digest(content):
            current = read(content)
        patched = folders.patch(content, current, wanted)
        failure, is_as_expected = _write_all(folder, current, patched)
        if failure:
            return Written(read(sources(folder)), missing=tuple(wanted), failure=failure)
        if is_as_expected:
            ticked = write_back.ticked(current, patched.tasks)
            return Written(patched.tasks, patched.written, patched.missing, before=current.sha256, ticked=ticked)
    return Written(current, missing=tuple(wanted), failure="the files keep changing")


def _write_all(folder: Path, before: TaskList, patched: folders.Patched) -> tuple[str, bool]:
    """What went wrong, and whether each file now holds what the patch says; not so where somebody edited it."""
    statuses = {task.file: task.status for task in patched.tasks.tasks}
    ids = {task.file: task.task_id for task in before.tasks}
    as_expected = True
    for name, content in patched.sources.items():
        read = partial(loader.parse, name=name)
        own = read((folder / name).read_bytes()).tasks if (folder / name).is_file() else ()
        if len(own) != 1 or own[0].task_id != ids[name].partition("#")[0]:
            return "", False
        done = write_back.write(folder / name, {own[0].task_id: statuses[name]}, read=read)
        if done.failure:
            return f"{name}: {done.failure}", False
        as_expected &= done.tasks is not None and done.tasks.sha256 == sha256(content).hexdigest()
    return "", as_expected
