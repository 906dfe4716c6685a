"""The heading carrier: which headings are tasks, and which lines belong to each.

A heading is a task when its text says so (`Task 3: …`, `Group A: …`, an id) and boxes or fences stand below it or below
a heading beside it. Where most of those boxes have ids of their own, they are the tasks and the headings only sections.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from loader import ids, patterns, signs, wording
from loader.boxes import BOX, Page
from loader.drafts import Draft
from loader.model import MarkPlace, Status
from loader.outline import Heading
from loader.regions import Plan, merged

Kind = Literal["worded", "id", "numbered"]

_WORDED = patterns.lazy(
    r"(?:\*\*)?(?:Task|Iteration|Group)[ \t]+#?(?P<name>\d+(?:\.\d+)*[a-z]?|[A-Z]\d?)\b"
    r"(?:\*\*)?(?:[ \t]*(?::|\.(?=\s)|\))|[ \t]+[—–-](?=\s)|(?=[ \t]*\()|$)(?:\*\*)?[ \t]*(?P<title>.*)",
    re.IGNORECASE,
)
_MAY_BE_TASK = patterns.lazy(r"\d|roup |ask ")  # one of these is in every heading that is one
_NUMBERED = patterns.lazy(r"(?P<name>\d+)\\?[.)][ \t]+(?P<title>.+)")
_TASKS_SECTION = patterns.lazy(r"(?:implementation |development )?(?:tasks|steps|task list)", re.IGNORECASE)
_LEVEL_MAX = 6
_REASONS: dict[Kind, str] = {
    "worded": "headings such as `Task 3:` or `Group A:` over boxes or code",
    "id": "headings that begin with an id, over boxes or code",
    "numbered": "numbered headings in a section of tasks, over boxes or code",
}
_OPENING = patterns.lazy(r"[ \t]*#{0,6}[ \t]*")
_SIGN = patterns.lazy(rf"(?P<sign>{'|'.join(signs.SIGNS)})\ufe0f?[ \t]*")
_IDS_OF_BOXES = ("", "dotted", "bracketed")


class _Head(Struct):
    """A heading that could be a task; `end` is where its section ends, `parent` the heading around it."""

    index: int
    line: int
    end: int
    parent: int
    kind: Kind
    name: str
    title: str
    box: str | None = None  # the mark of a box in front of the text
    boxes: int = 0
    named_boxes: int = 0
    fences: int = 0


def find(page: Page, taken: Collection[int] = (), *, numbered: bool = False) -> Plan:
    """Decide, heading by heading; linear in headings, boxes and fences. Fences on the lines `taken` hold tasks.

    Where tasks are `numbered` boxes, a number names a box; elsewhere it could count the steps of a heading.
    """
    all_headings = page.outline.headings
    if not any(_MAY_BE_TASK.search(heading.text) for heading in all_headings):
        return Plan()
    around, ends = _nested(all_headings, len(page.source.lines))
    heads = _candidates(page, around, ends)
    if not heads:
        return Plan()
    lines = [heading.line for heading in all_headings]
    families = (*_IDS_OF_BOXES, "numbered") if numbered else _IDS_OF_BOXES
    _count(page, heads, around, lines, taken, families)
    chosen = _chosen(heads)
    if not chosen:
        return Plan()
    plan = _plan(page, chosen, around)
    plan.scopes = _scopes(page, chosen, around, ends, plan)
    return plan


def _nested(headings: Sequence[Heading], last: int) -> tuple[list[int], list[int]]:
    """For each heading the one around it (-1 for none) and the line where its section ends."""
    around, ends = [-1] * len(headings), [last] * len(headings)
    stack: list[int] = []
    for index, heading in enumerate(headings):
        while stack and headings[stack[-1]].level >= heading.level:
            ends[stack.pop()] = heading.line
        around[index] = stack[-1] if stack else -1
        stack.append(index)
    return around, ends


def _candidates(page: Page, around: Sequence[int], ends: Sequence[int]) -> dict[int, _Head]:
    heads: dict[int, _Head] = {}
    for index, heading in enumerate(page.outline.headings):
        if (index == 0 and heading.level == 1) or page.sections.at(heading.line).kind == "ignored":
            continue
        box, text = _opened(heading.text)
        text = text.rstrip("#").rstrip()
        parent = around[index]
        above = page.outline.headings[parent].text if parent >= 0 else ""
        read = _read(text, numbers=heading.level > 2 and _TASKS_SECTION.fullmatch(above.strip(" :#*")) is not None)
        if read is not None:
            kind, name, title = read
            heads[index] = _Head(index, heading.line, ends[index], parent, kind, name, title, box)
    return heads


def _opened(text: str) -> tuple[str | None, str]:
    """The mark of the box in front of a heading's text, and the text without box or sign, a blank between its words."""
    box = BOX.match(text)
    opening = box or _SIGN.match(text)
    return box[1] if box else None, " ".join(text[opening.end() if opening else 0 :].split())


def _read(text: str, *, numbers: bool) -> tuple[Kind, str, str] | None:
    if match := _WORDED.match(text):
        return "worded", match["name"], match["title"].strip() or text
    candidate = ids.find(text)
    if candidate is not None and not candidate.family and not candidate.name.startswith("WP"):
        rest = text[candidate.taken :]
        return "id", candidate.name, (rest.replace("**", "", 1) if candidate.opened else rest) or text
    if numbers and (match := _NUMBERED.match(text)):
        return "numbered", match["name"], match["title"]
    return None


def is_named_in(line: str) -> bool:
    """Whether a raw line is a heading that reads like a task."""
    text = line.lstrip("#")
    return 0 < len(line) - len(text) <= _LEVEL_MAX and text[:1] in (" ", "\t") and may_name_a_task(text.strip())


def may_name_a_task(text: str) -> bool:
    """Whether a heading reads like a task, whatever stands below it."""
    return _read(_opened(text)[1], numbers=False) is not None


def _enclosing(heads: dict[int, _Head], around: Sequence[int]) -> list[int]:
    """For each heading the innermost candidate that is it or around it, or -1."""
    result: list[int] = []
    for index, parent in enumerate(around):
        result.append(index if index in heads else result[parent] if parent >= 0 else -1)
    return result


def _count(
    page: Page,
    heads: dict[int, _Head],
    around: Sequence[int],
    lines: Sequence[int],
    taken: Collection[int],
    families: Collection[str],
) -> None:
    enclosing = _enclosing(heads, around)

    def owner(line: int) -> _Head | None:
        place = bisect_right(lines, line) - 1
        return heads.get(enclosing[place]) if place >= 0 else None

    for item in page.outline.items:
        match = BOX.match(item.text) if item.text.startswith("[") else None
        if match is not None and (head := owner(item.start)) is not None:
            head.boxes += 1
            candidate = ids.find(item.text[match.end() :].split("\n", 1)[0].strip())
            head.named_boxes += candidate is not None and candidate.family in families
    for fence in page.outline.fences:
        if fence.start not in taken and (head := owner(fence.start)) is not None:
            head.fences += 1
    for head in reversed(heads.values()):  # what is below one is below those around it
        if head.parent >= 0 and (above := heads.get(enclosing[head.parent])) is not None:
            above.boxes += head.boxes
            above.named_boxes += head.named_boxes
            above.fences += head.fences


def _chosen(heads: dict[int, _Head]) -> dict[int, _Head]:
    """Headings side by side are tasks together or not at all."""
    groups: dict[tuple[int, Kind], list[_Head]] = {}
    for head in heads.values():
        groups.setdefault((head.parent, head.kind), []).append(head)
    chosen: dict[int, _Head] = {}
    for (_, kind), group in groups.items():
        boxes, named = sum(head.boxes for head in group), sum(head.named_boxes for head in group)
        needed = 2 if kind == "numbered" else 1
        is_filled = boxes or any(head.fences for head in group)
        if is_filled and 2 * named <= boxes and len(group) >= needed:
            chosen.update((head.index, head) for head in group)
    return dict(sorted(chosen.items()))


def _plan(page: Page, chosen: dict[int, _Head], around: Sequence[int]) -> Plan:
    plan = Plan()
    places: dict[int, int] = {}
    enclosing = _enclosing(chosen, around)
    for head in chosen.values():
        parent = enclosing[head.parent] if head.parent >= 0 else -1
        draft = _draft(page, head)
        places[head.index] = len(plan.drafts)
        if parent >= 0:
            above = plan.drafts[places[parent]]
            draft.parent, draft.level = places[parent], above.level + 1
            above.adopt(len(plan.drafts))
            above.end = min(above.end, head.line)
        plan.drafts.append(draft)
    for index, heading in enumerate(page.outline.headings):
        plan.lines.append(heading.line)
        plan.owners.append(places[enclosing[index]] if enclosing[index] >= 0 else -1)
    return plan


def _draft(page: Page, head: _Head) -> Draft:
    section = page.sections.at(head.line)
    read = wording.read(head.title)
    read.title = wording.titled(read, with_id=False)
    read.candidate = None
    mark, status, place = _mark(page, head)
    return Draft(
        line=head.line,
        end=head.end,
        mark=mark,
        status=status,
        mark_place=place,
        section=replace(section, path=section.path[:-1]),
        wording=read,
        carrier="heading",
        text_line=head.line,
        optional=section.is_optional,
        given_id=head.name,
        reason=_REASONS[head.kind],
    )


def _mark(page: Page, head: _Head) -> tuple[str, Status, MarkPlace]:
    """The heading's own mark: a box or a sign before its text. Else its steps tell; without any, a sign will."""
    line = page.source.lines[head.line]
    opening = _OPENING.match(line)
    column = opening.end() if opening else 0
    if head.box is not None:
        place = MarkPlace(page.source.offset(head.line, line.index("[", column) + 1), len(head.box.encode()))
        return head.box, page.meanings.get(head.box, Status.PENDING), place
    start = page.source.offset(head.line, column)
    if sign := _SIGN.match(line, column):
        return sign[0].strip(), signs.SIGNS[sign["sign"]], MarkPlace(start, len(sign[0].encode()), "", " ")
    return " ", Status.PENDING, MarkPlace(start, 0, "", " ")


def _scopes(
    page: Page, chosen: dict[int, _Head], around: Sequence[int], ends: Sequence[int], plan: Plan
) -> list[tuple[int, int]]:
    """Where a box that is no step is a criterion: in the part of the file whose tasks are headings.

    For headings that say "Task" that is all below the same heading of level one, unless most boxes there are outside of
    them: then, as for headings with ids, it is what stands below the heading around them.
    """
    headings = page.outline.headings
    scopes: dict[tuple[int, int], None] = {}
    for head in chosen.values():
        top = head.parent
        if head.kind == "worded":
            while top >= 0 and headings[top].level > 1:
                top = around[top]
        scopes[_range(headings, ends, top, len(page.source.lines))] = None
        if head.kind == "worded" and top != head.parent:
            scopes.setdefault(_range(headings, ends, head.parent, len(page.source.lines)))
    inside, outside = _balance(page, plan)
    return merged([scope for scope in scopes if _holds(scope, outside) <= _holds(scope, inside)])


def _range(headings: Sequence[Heading], ends: Sequence[int], index: int, last: int) -> tuple[int, int]:
    return (headings[index].line, ends[index]) if index >= 0 else (0, last)


def _balance(page: Page, plan: Plan) -> tuple[list[int], list[int]]:
    """The lines of the boxes in the bodies of heading tasks, and of those elsewhere in sections that hold tasks."""
    inside, outside = [], []
    for item in page.outline.items:
        if item.text.startswith("[") and BOX.match(item.text):
            if plan.owner(item.start) >= 0:
                inside.append(item.start)
            elif page.sections.at(item.start).kind != "ignored":
                outside.append(item.start)
    return inside, outside


def _holds(scope: tuple[int, int], lines: Sequence[int]) -> int:
    return bisect_right(lines, scope[1] - 1) - bisect_right(lines, scope[0] - 1)
