"""The order that a dialect gives to its tasks without writing it: phases, lists in order, waves.

Tasks stand in layers; each layer waits for the one before. An edge for every pair would be quadratic: between two wide
layers the first task of the later one is the gate that the rest of its layer waits for.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from loader import codes
from loader.drafts import Draft
from loader.model import Diagnostic
from loader.outline import Fence
from loader.packages import Package
from loader.references import Reference

_PAIRS_MAX = 64
_BY_PHASE = ("spec-kit", "spec-kitty")
STRUCTURAL = {
    "parent": "parent: it is one of its children",
    "phase order": "phase order: phases follow each other",
    "list order": "list order: this dialect runs from top to bottom",
}
_IN_ORDER = ("openspec", "ai-dev-tasks", "cc-sdd")


def explained(rule: str) -> str:
    """The rule of an edge with its meaning, where no word in the file tells it."""
    return STRUCTURAL.get(rule, rule)


class Wait(Struct, frozen=True):
    """One structural edge by index of draft; `line` counts from 0."""

    index: int
    target: int
    rule: str
    line: int


class Wave(Struct, frozen=True):
    """The names of one wave, and the line of its fence."""

    names: tuple[str, ...]
    number: int
    line: int


def nest(drafts: Sequence[Draft]) -> None:
    """Make `2.1` a child of `2` (or of `2.0`) where it stands beside it without indentation."""
    tops: dict[str, int] = {}
    for index, draft in enumerate(drafts):
        candidate = draft.wording.candidate
        if draft.carrier != "checkbox" or candidate is None or candidate.family not in ("dotted", "numbered", "number"):
            continue
        number, _, rest = candidate.name.partition(".")
        above = tops.get(number, -1)
        if draft.parent < 0 and above >= 0 and rest and rest != "0":
            draft.parent, draft.level = above, drafts[above].level + 1
            drafts[above].adopt(index)
            for child in draft.children:
                drafts[child].level = draft.level + 1
        elif draft.parent < 0 and (not rest or rest == "0"):
            tops[number] = index


def waves(fences: Sequence[Fence]) -> tuple[list[Wave], list[Diagnostic]]:
    """The waves of the JSON fences that hold some, in each of the shapes that are in use, and which are in none."""
    found: list[Wave] = []
    diagnostics: list[Diagnostic] = []
    for fence in fences:
        if '"waves"' in fence.content and fence.info.split(" ", 1)[0].lower() in ("", "json"):
            first = len(found) + 1
            try:
                found += [Wave(names, at, fence.start) for at, names in enumerate(_waves(fence.content), first)]
            except (ValueError, RecursionError) as error:
                diagnostics.append(codes.diagnose(codes.UNREADABLE_WAVES, fence.start + 1, problem=str(error)))
    return found, diagnostics


def _waves(text: str) -> list[tuple[str, ...]]:
    content = json.loads(text)
    given = content.get("waves") if isinstance(content, Mapping) else None
    if not isinstance(given, list):
        raise ValueError("they are no list")
    layers: list[object] = [wave.get("tasks") if isinstance(wave, Mapping) else wave for wave in given]
    return [_wave(names) for names in layers]


def _wave(names: object) -> tuple[str, ...]:
    if not isinstance(names, list):
        raise ValueError("a wave is no list of tasks")
    return tuple(str(name).strip() for name in names if isinstance(name, str | int | float))


def waits(dialect: str, drafts: Sequence[Draft], ids: Sequence[str], of_waves: Sequence[Wave]) -> Iterator[Wait]:
    """The structural edges of a list; nothing in them contradicts the file's order."""
    if of_waves:
        index = {task_id: place for place, task_id in enumerate(ids)}
        layers = [(_members(wave, index, drafts), f"wave {wave.number}", wave.line) for wave in of_waves]
        yield from _between([layer for layer in layers if layer[0]], drafts)
    elif dialect in _BY_PHASE:
        yield from _between(_layers(drafts, by_phase=True, rule="phase order"), drafts)
    elif dialect in _IN_ORDER:
        yield from _between(_layers(drafts, by_phase=False, rule="list order"), drafts)


def of_packages(drafts: Sequence[Draft], packages: Sequence[Package]) -> Iterator[Wait]:
    """The edges of work packages: each waits for those it names, or for the one before where it says nothing."""
    ends = {package.name: package for package in packages}
    starts = [package.start for package in packages]
    groups: dict[int, list[_Layer]] = {}
    for layer in _layers(drafts, by_phase=True, rule="phase order"):
        groups.setdefault(bisect_right(starts, drafts[layer[0][0]].line) - 1, []).append(layer)
    before: _Layer | None = None
    for place, layers in sorted(groups.items()):
        yield from _between(layers, drafts)
        needs = packages[place].needs if place >= 0 else None
        if needs is None and before is not None:
            yield from _between([before, layers[0]], drafts)
        for need in needs or ():
            needed = groups.get(packages.index(ends[need.name])) if need.name in ends else None
            if needed is not None and needed is not layers:
                rule = f"depends on {need.name}"
                yield from _between([_last(needed, drafts), (layers[0][0], rule, need.line)], drafts)
        before = _last(layers, drafts)


def _last(layers: Sequence[_Layer], drafts: Sequence[Draft]) -> _Layer:
    """The layer that others wait for: the last one with something that is not optional."""
    return next((one for one in reversed(layers) if not all(drafts[index].optional for index in one[0])), layers[-1])


def mark_parallel(drafts: Sequence[Draft], ids: Sequence[str], of_waves: Sequence[Wave]) -> None:
    """Tasks of one wave run side by side."""
    index = {task_id: place for place, task_id in enumerate(ids)} if of_waves else {}
    for wave in of_waves:
        members = _members(wave, index, drafts)
        for place in members if len(members) > 1 else ():
            drafts[place].wording.parallel = True


def unknown(of_waves: Sequence[Wave], ids: Sequence[str]) -> Iterator[Reference]:
    """What the waves name and the list does not have."""
    known = set(ids)
    for wave in of_waves:
        for name in wave.names:
            if name not in known:
                yield Reference(name, f"wave {wave.number}", wave.line)


_Layer = tuple[list[int], str, int]  # indexes of drafts, the rule, the line of it (-1: each task's own)


def _members(wave: Wave, index: Mapping[str, int], drafts: Sequence[Draft]) -> list[int]:
    """The tasks of a wave; a parent stands for what is below it."""
    members: dict[int, None] = {}
    stack = [index[name] for name in reversed(wave.names) if name in index]
    while stack:
        place = stack.pop()
        if drafts[place].children:
            stack.extend(reversed(drafts[place].children))
        else:
            members[place] = None
    return list(members)


def _layers(drafts: Sequence[Draft], *, by_phase: bool, rule: str) -> list[_Layer]:
    """Tasks in the order in which they end, parallel ones of a phase side by side until the next that is not."""
    layers: list[_Layer] = []
    last: tuple[object, bool] | None = None
    for index in _order(drafts):
        draft = drafts[index]
        phase = (draft.section.path[:1], -1 if by_phase else draft.parent)
        current = (phase, draft.wording.parallel)
        if last == current and draft.wording.parallel:
            layers[-1][0].append(index)
        else:
            layers.append(([index], rule, -1))
        last = current
    return layers


def _order(drafts: Sequence[Draft]) -> list[int]:
    """Leaves as in the file, parents with something of their own to run after what is below them."""
    ends = list(range(len(drafts)))
    for index in range(len(drafts) - 1, -1, -1):
        parent = drafts[index].parent
        if parent >= 0:
            ends[parent] = max(ends[parent], ends[index])
    chosen = [index for index, draft in enumerate(drafts) if not draft.children or draft.blocks]
    return sorted(chosen, key=lambda index: (ends[index], bool(drafts[index].children), -drafts[index].level))


def _between(layers: Sequence[_Layer], drafts: Sequence[Draft]) -> Iterator[Wait]:
    """Optional tasks wait like all others, but nobody waits for them."""
    before: list[int] = []
    seen: set[int] = set()
    for members, rule, line in layers:
        new = [index for index in members if index not in seen]
        seen.update(new)
        needed = [index for index in new if not drafts[index].optional]
        gate = needed[0] if needed and len(before) * len(new) > _PAIRS_MAX else -1
        for index in new:
            for target in before if gate in (-1, index) else [gate]:
                yield Wait(index, target, rule, line if line >= 0 else drafts[index].text_line)
        before = needed or before
