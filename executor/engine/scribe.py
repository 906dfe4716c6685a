"""The thread that writes marks into the list: behind the queue, never before it, and never in its way."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from executor import clock
from executor.engine.inbox import Inbox
from executor.engine.messages import MarksWritten
from executor.watch import stamp
from loader.model import Status, TaskList

# At most one write a second, and at most a tenth of the time: a big file on a slow disk must not starve the tasks.
_PAUSE_MIN = 1.0
_SHARE = 0.1

Read = Callable[[bytes | Mapping[str, bytes]], TaskList]


class Scribe:
    """Collects wanted marks and writes them together. `read` parses as the list was parsed, `synced` is what the queue
    agrees with: the hash of the file's bytes at the last sync."""

    def __init__(
        self,
        list_id: int,
        path: Path,
        inbox: Inbox,
        read: Read,
        known: TaskList | None,
        synced: str | None,
    ) -> None:
        self._list_id = list_id
        self._path = path
        self._inbox = inbox
        self._parse = read
        self._known = known
        self._synced = synced
        self._wanted: queue.SimpleQueue[dict[str, Status] | TaskList | None] = queue.SimpleQueue()
        self._unwritten: dict[str, Status] = {}
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self._thread.start()

    def want(self, marks: dict[str, Status]) -> None:
        """Have these marks written soon."""
        self._wanted.put(marks)

    def agree(self, tasks: TaskList) -> None:
        """The queue agrees with this file now."""
        self._wanted.put(tasks)

    def close(self) -> None:
        """Write what is wanted now and wait for it; its `MarksWritten` is in the inbox afterwards."""
        self._hurry.set()
        self._wanted.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            wanted = [self._wanted.get()]
            while not self._wanted.empty():
                wanted.append(self._wanted.get())
            for one in wanted:
                if isinstance(one, TaskList):
                    self._known, self._synced = one, one.sha256
                else:
                    self._unwritten.update(one or {})
            if self._unwritten:
                self._hurry.wait(self._write())
            if None in wanted:
                return

    def _write(self) -> float:
        """Write once; how long to rest. What could not be written is tried again with the next marks."""
        from loader import write_back  # only a run that has something to mark needs it

        began = clock.monotonic()
        try:
            written = write_back.write_list(self._path, self._unwritten, known=self._known, read=self._parse)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and people are told
            self._inbox.post(MarksWritten(self._list_id, {}, None, f"{type(error).__name__}: {error}", ()))
            return _PAUSE_MIN
        self._known = written.tasks
        if not written.failure:
            self._unwritten.clear()
        shown = {} if written.tasks is None else {task.task_id: task.status.value for task in written.tasks.tasks}
        if written.tasks is not None and not written.failure:
            # With somebody's edit in it, the hash of what was written is not one that the queue agrees with.
            self._synced = written.tasks.sha256 if written.before == self._synced else None
        there = stamp.take(self._path)
        self._inbox.post(
            MarksWritten(
                self._list_id,
                {task_id: shown[task_id] for task_id in written.written if task_id in shown},
                self._synced,
                written.failure,
                written.missing,
                written.ticked,
                there.changed_ns if there else 0,
                written.before,
                written.tasks.sha256 if written.tasks is not None and not written.failure else None,
            )
        )
        return max(_PAUSE_MIN, (clock.monotonic() - began) / _SHARE)
