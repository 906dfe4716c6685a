"""A task while its file is being read: what one carrier found, before ids and edges are known."""

from __future__ import annotations

from dataclasses import dataclass, field

from loader.model import Block, Carrier, MarkPlace, Status, Step
from loader.references import Reference
from loader.sections import Section
from loader.wording import Wording


@dataclass(slots=True)
class Draft:
    """Lines count from 0, `end` is exclusive; `parent` is an index into the list of drafts, or -1."""

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
    children: list[int] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    fence_lines: list[tuple[int, int]] = field(default_factory=list)
    sibling_end: int = -1  # where fences end that follow the item without being nested in it
    references: list[Reference] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    body: str = ""
    given_id: str | None = None  # an id that needs no guessing: a table's cell, a heading's number
    steps: list[Step] = field(default_factory=list)
    reason: str = ""  # what made this a task, where its carrier alone does not tell
