"""The one queue between the loop of a worker and all its threads."""

from __future__ import annotations

import queue

from executor.engine.messages import Message


class Inbox:
    """Any thread (and any signal handler) posts; the loop alone drains."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def post(self, message: Message) -> None:
        """Leave a message. Safe in a signal handler: SimpleQueue.put is reentrant."""
        self._messages.put(message)

    def drain(self, timeout: float | None) -> list[Message]:
        """All messages there are, waiting up to `timeout` seconds for the first."""
        try:
            messages = [self._messages.get(timeout=timeout) if timeout else self._messages.get_nowait()]
        except queue.Empty:
            return []
        while True:
            try:
                messages.append(self._messages.get_nowait())
            except queue.Empty:
                return messages
