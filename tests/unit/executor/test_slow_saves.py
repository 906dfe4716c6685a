"""A save that is written in pieces is read once and whole, and counts from its beginning."""

from __future__ import annotations

import hashlib
import queue
import time
from pathlib import Path

import loader
from executor.watch.reader import Reader, Save, Watched
from loader.model import TaskList


def digest(content: object) -> str:
    assert isinstance(content, bytes)
    return hashlib.sha256(content).hexdigest()


def parse(content: object) -> TaskList:
    assert isinstance(content, bytes)
    return loader.parse(content)


def test_a_slow_save_counts_from_its_first_piece(tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_bytes(b"- [x] **A-1** One\n")
    saves: queue.SimpleQueue[Save] = queue.SimpleQueue()
    agreed = digest(path.read_bytes())
    reader = Reader(Watched(path, path.read_bytes, parse, digest), lambda: agreed, saves.put)
    reader.start()
    with path.open("wb", buffering=0) as file:
        for number in range(1, 31):
            file.write(b"- [ ] **A-%d** One\n" % number)
            reader.wake()
            time.sleep(0.03)
    ended_ns = path.stat().st_mtime_ns
    save = saves.get(timeout=60)
    reader.stop()
    assert isinstance(save.found, TaskList)
    assert save.began_ns < ended_ns - 300_000_000
