"""Plain lines of a worker with many lists: each says which list it is about."""

from __future__ import annotations

from executor.cli import console
from executor.cli.views.plain import Plain
from executor.model import Counts


class Fleet(Plain):
    """What is not about one list."""

    def __init__(self) -> None:
        super().__init__(Counts(*[0] * 8), "")


class OfList(Plain):
    """What is about one list, with its name before each line."""

    def __init__(self, counts: Counts, name: str) -> None:
        super().__init__(counts, f" {name}")
        self._name = name

    def line(self, text: str) -> None:
        console.say(f"{self._name}: {text}")
