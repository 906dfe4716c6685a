"""The parts of a file in which headings are the tasks: whose body a line is in, and what is found there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from loader import steps
from loader.drafts import Draft
from loader.model import Block, MarkPlace, Status
from loader.outline import Fence
from loader.sections import Sections

_SHELLS = frozenset({"sh", "bash", "zsh", "shell"})


class Plan(Struct):
    """The headings that are tasks, as drafts in file order, and the lines in which boxes are no tasks of their own."""

    drafts: list[Draft] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # where a part begins
    owners: list[int] = field(default_factory=list)  # the draft it belongs to, or -1
    scopes: list[tuple[int, int]] = field(default_factory=list)  # in order, apart from one another

    def owner(self, line: int) -> int:
        """The draft whose body this line is in, or -1."""
        place = bisect_right(self.lines, line) - 1
        return self.owners[place] if place >= 0 else -1

    def is_in_scope(self, line: int) -> bool:
        """Whether headings are the tasks around this line."""
        place = bisect_right(self.scopes, (line, float("inf"))) - 1
        return place >= 0 and line < self.scopes[place][1]

    def settle(self, meanings: Mapping[str, Status]) -> None:
        """Let the steps tell the mark of their task, where the heading has none of its own."""
        for draft in self.drafts:
            if draft.carrier != "heading":
                continue
            if draft.steps and draft.mark_place.length:
                draft.steps = []  # one mark is enough; a sign is then replaced, for without it the steps would tell
                draft.mark_place = MarkPlace(draft.mark_place.start, len(draft.mark.encode()))
            elif draft.steps:
                draft.mark, draft.status, draft.mark_place = steps.summed(draft.steps, meanings)
            if draft.section.kind == "archived":
                draft.status = Status.COMPLETED

    def attach(self, fence: Fence, block: Block) -> bool:
        """Give a fence to the task it stands in, if it stands in one.

        Beside steps and in a file that is a task, code that is no shell is what the text speaks of, no program to run.
        """
        owner = self.owner(fence.start)
        if owner < 0:
            return False
        draft = self.drafts[owner]
        is_told = draft.steps or draft.carrier == "file"
        if block.role == "run" and is_told and block.language not in _SHELLS and "run" not in fence.info.split():
            block = replace(block, role="text")
        draft.hold(block, (fence.start, fence.end))
        return True


def whole_file(drafts: list[Draft], sections: Sections) -> Plan:
    """The plan for a file that is one task: all that stands in it is its body, and every box a criterion."""
    owners = [-1 if section.kind == "ignored" else 0 for section in sections.all]
    return Plan(drafts, list(sections.lines), owners, scopes=[(0, drafts[0].end + 1)])


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The ranges in order, those that touch made one."""
    result: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
