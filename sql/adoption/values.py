"""A folder of another tool, and what becomes of it."""

from __future__ import annotations

from msgspec import Struct, field

from sql.errors import Fault


class Source(Struct, frozen=True):
    """A file of the other tool: its name in the folder, and its text with plain line ends."""

    name: str
    text: str


class Line(Struct, frozen=True):
    """A line of the result and where it comes from; number 0 for one of ours."""

    text: str
    path: str
    number: int


class Decision(Struct, frozen=True):
    """What was changed or understood on the way, and where; line 0 for a file as a whole."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class Draft(Struct):
    """One migration on its way: `key` is what the other tool's ledger calls it, `order` its place in the history."""

    key: str
    order: tuple[int, ...]
    title: str
    path: str
    up: list[Line]
    down: list[Line] | None = None
    transaction: bool = True
    repeatable: bool = False


class Notes(Struct):
    """What the conversion has to tell."""

    decisions: list[Decision] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def decide(self, path: str, line: int, text: str) -> None:
        self.decisions.append(Decision(path, line, text))

    def refuse(self, path: str, line: int, text: str) -> None:
        self.faults.append(Fault(path, text, line, 1 if line else 0))


class Converted(Struct, frozen=True):
    """One file of ours: its name in the new folder, its text, and what the other tool's ledger calls it."""

    name: str
    text: str
    key: str
    version: int
    sources: tuple[str, ...]


class Conversion(Struct, frozen=True):
    """The new folder, in order, repeatable files last, and every decision on the way."""

    files: tuple[Converted, ...]
    decisions: tuple[Decision, ...]


def lines(source: Source) -> list[Line]:
    """A file's lines with their numbers."""
    text = source.text.removesuffix("\n")
    return [Line(line, source.name, number) for number, line in enumerate(text.split("\n"), 1)]
