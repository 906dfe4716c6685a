"""Plain lines of a worker with many lists: each says which list it is about."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from executor import clock
from executor.cli import console
from executor.cli.views.plain import Plain
from executor.model import Counts

if TYPE_CHECKING:
    from executor.cli.views import View


class Fleet(Plain):
    """What is not about one list."""

    def __init__(self) -> None:
        super().__init__(Counts(*[0] * 9), "")
        self.turned_at = clock.monotonic()

    def turned(self) -> None:
        self.turned_at = clock.monotonic()


class Together(Fleet):
    """The views of several lists: what is about none of them, and the moments they share."""

    def __init__(self, views: Sequence[View], *, json: bool) -> None:
        super().__init__()
        self._views = views
        self._json = json

    def line(self, text: str) -> None:
        if self._json:
            console.warn(text)
        else:
            console.say(text)

    def turned(self) -> None:
        for view in self._views:
            view.turned()


class OfList(Plain):
    """What is about one list, with its name before each line."""

    def __init__(self, counts: Counts, name: str) -> None:
        super().__init__(counts, f" {shlex.quote(name)}")
        self._name = name

    def line(self, text: str) -> None:
        console.say(f"{self._name}: {text}")
