"""The checkbox carrier: which list items are tasks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from loader import codes, fences, patterns, wording
from loader.drafts import Draft
from loader.model import Block, Diagnostic, MarkPlace, Status, Step
from loader.outline import Item, Outline
from loader.regions import Plan
from loader.sections import Section, Sections
from loader.source import Source

BOX = patterns.lazy(r"\[([^\[\]\n])\](\\?\*)?(?:[ \t]+|(?=\n)|$)")
_LABEL = patterns.lazy(r"[A-WYZ0-9]")
_MALFORMED = patterns.lazy(r"\\?\[(?:[ \t]*[xX~]?[ \t]*|[~/!?>-][A-Za-z])\\?\](?![(\[:])")


class Found(Struct):
    """The drafts in file order, the lines accounted for, and for each item the draft it belongs to (-1 for none)."""

    drafts: list[Draft] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    owners: list[int] = field(default_factory=list)


class Page(Struct, frozen=True):
    """What all carriers read from."""

    source: Source
    outline: Outline
    sections: Sections
    meanings: Mapping[str, Status]
    languages: Mapping[str, str]


class _Box(Struct):
    """An item with a box: its mark, whether a star stands behind it, the line of text after it, and its section."""

    item: Item
    mark: str
    is_starred: bool
    text: str
    section: Section


def matches(outline: Outline) -> list[re.Match[str] | None]:
    """For each item the box that its text begins with, if it does."""
    return [BOX.match(item.text) if item.text.startswith("[") else None for item in outline.items]


def find(page: Page, matches: Sequence[re.Match[str] | None], plan: Plan, taken: Collection[int] = ()) -> Found:
    """Every box of the outline, as a draft, as a step of a heading that is a task, or with a diagnostic.

    Fences that begin on one of the lines `taken` are not given to tasks.
    """
    found = Found()
    blocks = [fences.read(fence, page.languages) for fence in page.outline.fences]
    runs = _running_items(page.outline, matches, blocks)
    has_steps: set[int] = set()
    for item, match in zip(page.outline.items, matches, strict=True):
        owner = found.owners[item.parent] if item.parent >= 0 else -1
        found.owners.append(owner)
        if match is None:
            _check_malformed(item, found)
            continue
        found.lines.add(item.text_line)
        box = _Box(item, match[1], bool(match[2]), _first_line(item.text, match.end()), page.sections.at(item.start))
        refused = _refusal(page, box)
        if refused is None and plan.drafts:
            refused, is_taken = _step_of_heading(page, plan, box, found)
            if is_taken:
                continue
        if refused is not None:
            found.diagnostics.append(refused)
            continue
        if owner in has_steps:
            found.diagnostics.append(_step(item, found.drafts[owner]))
            continue
        draft = _draft(page, box, found)
        found.owners[item.index] = len(found.drafts)
        if owner >= 0:
            _adopt(found.drafts[owner], draft, owner, len(found.drafts))
        if item.index in runs:
            has_steps.add(len(found.drafts))
        found.drafts.append(draft)
    plan.settle(page.meanings)
    _attach(page.outline, blocks, found, plan, taken)
    return found


def _running_items(outline: Outline, matches: Sequence[re.Match[str] | None], blocks: list[Block]) -> set[int]:
    """The boxes with a run block of their own: nested in them and in no box below them."""
    result = set()
    for fence, block in zip(outline.fences, blocks, strict=True):
        index = fence.item
        while index >= 0 and matches[index] is None:
            index = outline.items[index].parent
        if index >= 0 and block.role == "run":
            result.add(index)
    return result


def _step_of_heading(page: Page, plan: Plan, box: _Box, found: Found) -> tuple[Diagnostic | None, bool]:
    """Take a box below a heading that is a task as its step; around such headings only a box with an id is a task."""
    item = box.item
    if plan.drafts[0].carrier == "file":
        return codes.diagnose(codes.CRITERION, item.text_line + 1), False
    owner = plan.owner(item.start)
    above = plan.drafts[owner]
    if owner >= 0 and above.mark_place.length and item.start >= above.end:
        # below a later heading beside the task's children, and the task has a mark of its own: nothing else tells of it
        return codes.diagnose(codes.STEP, item.text_line + 1, name=above.given_id), False
    if owner >= 0:
        plan.drafts[owner].step(Step(box.mark, _place(page, box, found), item.text_line + 1))
        return None, True
    if plan.is_in_scope(item.start):
        read = wording.read(box.text)
        if read.hidden_id is None and (read.candidate is None or read.candidate.family):
            return codes.diagnose(codes.CRITERION, item.text_line + 1), False
    return None, False


def _refusal(page: Page, box: _Box) -> Diagnostic | None:
    """Why a box is no task, if it is none."""
    line = box.item.text_line + 1
    if box.mark not in page.meanings and _LABEL.fullmatch(box.mark):
        return codes.diagnose(codes.LABEL, line, mark=box.mark)
    if box.section.kind == "ignored":
        return codes.diagnose(codes.IGNORED_SECTION, line, section=box.section.name)
    return None if box.text else codes.diagnose(codes.EMPTY_BOX, line)


def _check_malformed(item: Item, found: Found) -> None:
    if item.text.startswith(("[", "\\[")) and _MALFORMED.match(item.text):
        found.lines.add(item.text_line)
        text = item.text.split("\n", 1)[0][:20]
        found.diagnostics.append(codes.diagnose(codes.MALFORMED_BOX, item.text_line + 1, text=text))


def _step(item: Item, owner: Draft) -> Diagnostic:
    name = owner.wording.candidate.name if owner.wording.candidate else owner.wording.title
    return codes.diagnose(codes.STEP, item.text_line + 1, name=name)


def _first_line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return (text[start:] if end < 0 else text[start:end]).strip()


def _place(page: Page, box: _Box, found: Found) -> MarkPlace:
    """Where the mark stands; one that means nothing is named."""
    line = box.item.text_line
    before, _, _ = page.source.lines[line].partition(box.item.text[:3])
    if box.mark not in page.meanings:
        found.diagnostics.append(codes.diagnose(codes.UNKNOWN_MARK, line + 1, len(before) + 2, mark=box.mark))
    return MarkPlace(page.source.starts[line] + len(before.encode()) + 1, len(box.mark.encode()))


def _draft(page: Page, box: _Box, found: Found) -> Draft:
    item, section = box.item, box.section
    status = Status.COMPLETED if section.kind == "archived" else page.meanings.get(box.mark, Status.PENDING)
    return Draft(
        line=item.start,
        end=item.end,
        mark=box.mark,
        status=status,
        mark_place=_place(page, box, found),
        section=section,
        wording=wording.read(box.text),
        item=item.index,
        text_line=item.text_line,
        text_end=item.text_line + 1 + item.text.count("\n"),
        optional=box.is_starred or section.is_optional,
    )


def _adopt(parent: Draft, child: Draft, parent_index: int, child_index: int) -> None:
    child.parent = parent_index
    child.level = parent.level + 1
    parent.adopt(child_index)


def widen(drafts: Sequence[Draft], outline: Outline, lines: Sequence[str], taken: Collection[int]) -> None:
    """Give each box what follows it without indentation, up to the next box, heading, rule or table."""
    stops = sorted((*(draft.line for draft in drafts), *taken, *_stops(outline)))
    root_end = 0
    for draft in drafts:
        if draft.parent < 0:
            root_end = draft.end
        if draft.children:
            continue
        place = bisect_left(stops, max(draft.end, draft.line + 1))
        end = stops[place] if place < len(stops) else len(lines)
        while end > root_end and not lines[end - 1].strip():
            end -= 1
        if end > root_end:
            draft.sibling_end = max(draft.sibling_end, end)


def _stops(outline: Outline) -> list[int]:
    return [*(heading.line for heading in outline.headings), *outline.rules, *(t.start for t in outline.tables)]


def _attach(outline: Outline, blocks: list[Block], found: Found, plan: Plan, taken: Collection[int]) -> None:
    """Give each fence to the task around it, else to the task it follows with no heading or rule between."""
    stops = sorted(_stops(outline))
    stop = last = -1
    next_stop = next_draft = 0
    for fence, block in zip(outline.fences, blocks, strict=True):
        if fence.start in taken:
            continue
        if plan.drafts and plan.attach(fence, block):
            continue
        owner = found.owners[fence.item] if fence.item >= 0 else -1
        while next_stop < len(stops) and stops[next_stop] < fence.start:
            stop = stops[next_stop]
            next_stop += 1
        while next_draft < len(found.drafts) and found.drafts[next_draft].line < fence.start:
            last = next_draft
            next_draft += 1
        if owner < 0 and last >= 0 and found.drafts[last].line > stop:
            owner = last
            found.drafts[owner].sibling_end = fence.end
        if owner >= 0:
            found.drafts[owner].hold(block, (fence.start, fence.end))
