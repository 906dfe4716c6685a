"""Which task of a changed file is which task of before: same key, renamed, added, removed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from msgspec import Struct

from loader.model import Task

SIMILARITY_MIN = 0.75
_COMPARISONS_MAX = 20_000  # for one parent: about half a second
_NEIGHBOURS_MIN = 2


class Known(Struct, frozen=True):
    """A task as the queue remembers it. `parent` is the old id of its parent; `removed` are those of earlier files."""

    task_id: str
    title: str
    body: str
    parent: str | None
    section: tuple[str, ...]
    explicit_id: bool = False
    removed: bool = False


_One = TypeVar("_One", Known, Task)


class Matches(Struct, frozen=True):
    """`same` and `renamed` map new ids to old ones; `added` are new ids, `removed` old ones, both in order."""

    same: Mapping[str, str]
    renamed: Mapping[str, str]
    added: tuple[str, ...]
    removed: tuple[str, ...]


def match(known: Sequence[Known], tasks: Sequence[Task]) -> Matches:
    """Pair by id; then by a title that only one has; then, under the same parent, by equal body or similar title.

    The rest is new or gone. A title that stands once on either side is the same task under another parent: its key is
    made from both, so that indenting a line gives new keys to it and to all below it.
    A task with a written id was renamed only if its text stayed: `T001 Test A` is not `T050 Test B`, however alike. One
    that was not in the last file any more comes back under its written id alone.
    """
    old_ids = {old.task_id for old in known}
    same = {task.task_id: task.task_id for task in tasks if task.task_id in old_ids}
    candidates = [old for old in known if old.task_id not in same and not (old.removed and old.explicit_id)]
    renamed = _moved(candidates, [task for task in tasks if task.task_id not in same])
    moved = set(renamed.values())
    leftovers: dict[str | None, list[Known]] = {}
    for old in candidates:
        if old.task_id not in moved:
            leftovers.setdefault(old.parent, []).append(old)
    groups: dict[str | None, list[Task]] = {}
    for task in tasks:
        if task.task_id not in same and task.task_id not in renamed:
            groups.setdefault(task.parent, []).append(task)
    for parent, group in groups.items():  # in file order, so that a parent is paired before its children
        old_parent = None if parent is None else same.get(parent) or renamed.get(parent)
        if parent is None or old_parent is not None:
            renamed.update(_pair(leftovers.get(old_parent, []), group))
    gone = old_ids.difference(same.values(), renamed.values())
    return Matches(
        same,
        renamed,
        tuple(task.task_id for task in tasks if task.task_id not in same and task.task_id not in renamed),
        tuple(old.task_id for old in known if old.task_id in gone),
    )


def _moved(old: Sequence[Known], new: Sequence[Task]) -> dict[str, str]:
    """Those whose title stands once on either side, wherever that is."""
    before, after = _by_title(old), _by_title(new)
    return {
        tasks[0].task_id: before[title][0].task_id
        for title, tasks in after.items()
        if title and len(tasks) == len(before.get(title, ())) == 1
    }


def _by_title(ones: Sequence[_One]) -> dict[str, list[_One]]:
    found: dict[str, list[_One]] = {}
    for one in ones:
        found.setdefault(_title_key(one), []).append(one)
    return found


def _pair(old: Sequence[Known], new: Sequence[Task]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    free_old, free_new = list(old), list(new)
    for of_old, of_new in ((_title_key, _title_key), (_body_key, _body_key)):
        by_key: dict[str, list[Known]] = {}
        for one in reversed(free_old):
            if of_old(one):
                by_key.setdefault(of_old(one), []).append(one)
        for task in free_new:
            candidates = by_key.get(of_new(task))
            if candidates:
                pairs[task.task_id] = candidates.pop().task_id
        taken = set(pairs.values())
        free_old = [one for one in free_old if one.task_id not in taken]
        free_new = [task for task in free_new if task.task_id not in pairs]
    pairs.update(
        _by_similarity(
            [one for one in free_old if not one.explicit_id], [task for task in free_new if not task.explicit_id]
        )
    )
    return pairs


def _by_similarity(old: Sequence[Known], new: Sequence[Task]) -> dict[str, str]:
    """The most alike first. Of many, only neighbours are compared: those about as far down the list."""
    if not old or not new:
        return {}
    titles = [_title_key(one) for one in old]
    reach = max(_NEIGHBOURS_MIN, _COMPARISONS_MAX // (2 * len(new)))
    scored: list[tuple[bool, float, int, int, int]] = []
    matcher = SequenceMatcher(autojunk=False)
    for row, task in enumerate(new):
        matcher.set_seq2(_title_key(task))
        middle = row * len(old) // len(new)
        for column in range(max(0, middle - reach), min(len(old), middle + reach + 1)):
            matcher.set_seq1(titles[column])
            if matcher.real_quick_ratio() < SIMILARITY_MIN or matcher.quick_ratio() < SIMILARITY_MIN:
                continue
            ratio = matcher.ratio()
            if ratio >= SIMILARITY_MIN:
                scored.append((old[column].section == task.section, ratio, -abs(column - middle), row, column))
    scored.sort(key=lambda score: (score[0], score[1], score[2], -score[3]), reverse=True)
    pairs: dict[str, str] = {}
    taken: set[int] = set()
    for _, _, _, row, column in scored:
        if new[row].task_id not in pairs and column not in taken:
            pairs[new[row].task_id] = old[column].task_id
            taken.add(column)
    return pairs


def _title_key(one: Known | Task) -> str:
    return " ".join(unicodedata.normalize("NFC", one.title).casefold().split())


def _body_key(one: Known | Task) -> str:
    return one.body.strip()
