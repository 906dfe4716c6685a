"""Threads that carry runs out and stay for the next one: starting a thread takes longer than a short task may."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Work = Callable[[], None]


class Hands:
    """As many threads as there ever were runs at a time. They end with the process, whatever they are doing."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[queue.SimpleQueue[Work]] = queue.SimpleQueue()

    def give(self, work: Work) -> None:
        """Have this done beside the caller. RuntimeError when it takes another thread and the system has none."""
        try:
            orders = self._idle.get_nowait()
        except queue.Empty:
            orders = queue.SimpleQueue()
            threading.Thread(target=self._obey, args=(orders,), name="run", daemon=True).start()
        orders.put(work)

    def _obey(self, orders: queue.SimpleQueue[Work]) -> None:
        while True:
            orders.get()()
            self._idle.put(orders)
