"""A task while its file is being read: what one carrier found, before ids and edges are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec import Struct, field

from loader.model import Block, Carrier, MarkPlace, Status, Step
from loader.references import Reference
from loader.sections import Section
from loader.wording import Wording

_Value = TypeVar("_Value")


class Draft(Struct):
    """Lines count from 0, `end` is exclusive; `parent` is an index into the list of drafts, or -1.

    Sequences are lists once something is in them: most tasks have nothing for most of them, and five empty lists would
    be a tenth of all the memory that reading takes.
    """

    line: int
    end: int
    mark: str
    status: Status
    mark_place: MarkPlace
    section: Section
    wording: Wording
    carrier: Carrier = "checkbox"
    parent: int = -1
    level: int = 0
    item: int = -1
    text_line: int = -1
    text_end: int = -1  # of a box: the line after its first paragraph
    optional: bool = False
    children: Sequence[int] = ()
    blocks: Sequence[Block] = ()
    fence_lines: Sequence[tuple[int, int]] = ()
    sibling_end: int = -1  # where fences end that follow the item without being nested in it
    references: Sequence[Reference] = ()
    settings: dict[str, object] = field(default_factory=dict)
    body: str = ""
    given_id: str | None = None  # an id that needs no guessing: a table's cell, a heading's number
    steps: Sequence[Step] = ()
    reason: str = ""  # what made this a task, where its carrier alone does not tell

    def adopt(self, child: int) -> None:
        """Take the draft of this index as a child."""
        self.children = _with(self.children, child)

    def hold(self, block: Block, lines: tuple[int, int] | None = None) -> None:
        """Take a block, and the lines of its fence where it has one."""
        self.blocks = _with(self.blocks, block)
        if lines is not None:
            self.fence_lines = _with(self.fence_lines, lines)

    def refer(self, references: Iterable[Reference]) -> None:
        """Take what the task depends on."""
        for reference in references:
            self.references = _with(self.references, reference)

    def step(self, step: Step) -> None:
        """Take a box as a step."""
        self.steps = _with(self.steps, step)


def _with(values: Sequence[_Value], value: _Value) -> list[_Value]:
    """The values and one more: the same list, once it is one."""
    grown = values if isinstance(values, list) else list(values)
    grown.append(value)
    return grown
