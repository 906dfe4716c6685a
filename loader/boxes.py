"""The checkbox carrier: which list items are tasks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from loader import codes, fences, wording
from loader.drafts import Draft
from loader.model import Block, Diagnostic, MarkPlace, Status, Step, new_place
from loader.outline import Item, Outline
from loader.regions import Plan
from loader.sections import Sections
from loader.source import Source

BOX = re.compile(r"\[([^\[\]\n])\](\\?\*)?(?:[ \t]+|(?=\n)|$)")
_LABEL = re.compile(r"[A-WYZ0-9]")
_MALFORMED = re.compile(r"\\?\[(?:[ \t]*[xX~]?[ \t]*|[~/!?>-][A-Za-z])\\?\](?![(\[:])")


@dataclass(slots=True)
class Found:
    """The drafts in file order, the lines accounted for, and for each item the draft it belongs to (-1 for none)."""

    drafts: list[Draft] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    owners: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """What all carriers read from."""

    source: Source
    outline: Outline
    sections: Sections
    meanings: Mapping[str, Status]
    languages: Mapping[str, str]


def find(page: Page, plan: Plan, taken: Collection[int] = ()) -> Found:
    """Every box of the outline, as a draft, as a step of a heading that is a task, or with a diagnostic.

    Fences that begin on one of the lines `taken` are not given to tasks.
    """
    found = Found()
    matches = [BOX.match(item.text) if item.text.startswith("[") else None for item in page.outline.items]
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
        refused = _refusal(page, item, match)
        if refused is None and plan.drafts:
            refused, is_taken = _step_of_heading(page, plan, item, match, found)
            if is_taken:
                continue
        if refused is not None:
            found.diagnostics.append(refused)
            continue
        if owner in has_steps:
            found.diagnostics.append(_step(item, found.drafts[owner]))
            continue
        draft = _draft(page, item, match, found)
        found.owners[item.index] = len(found.drafts)
        if owner >= 0:
            _adopt(found.drafts[owner], draft, owner, len(found.drafts))
        if item.index in runs:
            has_steps.add(len(found.drafts))
        found.drafts.append(draft)
    plan.settle(page.meanings)
    _attach(page.outline, blocks, found, plan, taken)
    return found


def _running_items(outline: Outline, matches: list[re.Match[str] | None], blocks: list[Block]) -> set[int]:
    """The boxes with a run block of their own: nested in them and in no box below them."""
    result = set()
    for fence, block in zip(outline.fences, blocks, strict=True):
        index = fence.item
        while index >= 0 and matches[index] is None:
            index = outline.items[index].parent
        if index >= 0 and block.role == "run":
            result.add(index)
    return result


def _step_of_heading(
    page: Page, plan: Plan, item: Item, match: re.Match[str], found: Found
) -> tuple[Diagnostic | None, bool]:
    """Take a box below a heading that is a task as its step; around such headings only a box with an id is a task."""
    if plan.drafts[0].carrier == "file":
        return codes.diagnose(codes.CRITERION, item.text_line + 1), False
    owner = plan.owner(item.start)
    above = plan.drafts[owner]
    if owner >= 0 and above.mark_place.length and item.start >= above.end:
        # below a later heading beside the task's children, and the task has a mark of its own: nothing else tells of it
        return codes.diagnose(codes.STEP, item.text_line + 1, name=above.given_id), False
    if owner >= 0:
        mark, column = _mark(page, item, match, found)
        place = MarkPlace(page.source.offset(item.text_line, column), len(mark.encode()))
        plan.drafts[owner].steps.append(Step(mark, place, item.text_line + 1))
        return None, True
    if plan.is_in_scope(item.start):
        read = wording.read(item.text[match.end() :].split("\n", 1)[0])
        if read.hidden_id is None and (read.candidate is None or read.candidate.family):
            return codes.diagnose(codes.CRITERION, item.text_line + 1), False
    return None, False


def _refusal(page: Page, item: Item, match: re.Match[str]) -> Diagnostic | None:
    """Why a box is no task, if it is none."""
    line = item.text_line + 1
    mark = match[1]
    section = page.sections.at(item.start)
    if mark not in page.meanings and _LABEL.fullmatch(mark):
        return codes.diagnose(codes.LABEL, line, mark=mark)
    if section.kind == "ignored":
        return codes.diagnose(codes.IGNORED_SECTION, line, section=section.name)
    if not item.text[match.end() :].split("\n", 1)[0].strip():
        return codes.diagnose(codes.EMPTY_BOX, line)
    return None


def _check_malformed(item: Item, found: Found) -> None:
    if item.text.startswith(("[", "\\[")) and _MALFORMED.match(item.text):
        found.lines.add(item.text_line)
        text = item.text.split("\n", 1)[0][:20]
        found.diagnostics.append(codes.diagnose(codes.MALFORMED_BOX, item.text_line + 1, text=text))


def _step(item: Item, owner: Draft) -> Diagnostic:
    name = owner.wording.candidate.name if owner.wording.candidate else owner.wording.title
    return codes.diagnose(codes.STEP, item.text_line + 1, name=name)


def _mark(page: Page, item: Item, match: re.Match[str], found: Found) -> tuple[str, int]:
    """The mark and its column in the line."""
    mark = match[1]
    column = page.source.lines[item.text_line].find(item.text[:3]) + 1
    if mark not in page.meanings:
        found.diagnostics.append(codes.diagnose(codes.UNKNOWN_MARK, item.text_line + 1, column + 1, mark=mark))
    return mark, column


def _draft(page: Page, item: Item, match: re.Match[str], found: Found) -> Draft:
    mark, column = _mark(page, item, match, found)
    first = item.text[match.end() :].split("\n", 1)[0]
    section = page.sections.at(item.start)
    status = Status.COMPLETED if section.kind == "archived" else page.meanings.get(mark, Status.PENDING)
    return Draft(
        line=item.start,
        end=item.end,
        mark=mark,
        status=status,
        mark_place=new_place(page.source.offset(item.text_line, column), len(mark.encode())),
        section=section,
        wording=wording.read(first),
        item=item.index,
        text_line=item.text_line,
        text_end=item.text_line + 1 + item.text.count("\n"),
        optional=bool(match[2]) or section.is_optional,
    )


def _adopt(parent: Draft, child: Draft, parent_index: int, child_index: int) -> None:
    child.parent = parent_index
    child.level = parent.level + 1
    parent.children.append(child_index)


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
            found.drafts[owner].blocks.append(block)
            found.drafts[owner].fence_lines.append((fence.start, fence.end))
