"""Marks that are no boxes: signs before an id, signs and words in a table's status cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from loader import legends, patterns
from loader.model import Status, Task

Kind = Literal["box", "prefix", "sign", "word", "truth", "letter"]

# A sign may carry a variation selector in the file.
SIGNS: Mapping[str, Status] = {
    "✅": Status.COMPLETED,
    "☑": Status.COMPLETED,
    "✔": Status.COMPLETED,
    "✓": Status.COMPLETED,
    "⬜": Status.PENDING,
    "☐": Status.PENDING,
    "🔲": Status.PENDING,
    "🔄": Status.IN_PROGRESS,
    "🟡": Status.IN_PROGRESS,
    "⏳": Status.IN_PROGRESS,
    "🚧": Status.IN_PROGRESS,
    "⛔": Status.BLOCKED,
    "🚫": Status.BLOCKED,
    "❌": Status.BLOCKED,
    "⏭": Status.SKIPPED,
}

# What is written where the file has no mark of its own; "" takes a prefix away.
DEFAULTS: Mapping[Kind, Mapping[Status, str]] = {
    "box": {},
    "prefix": {Status.PENDING: "", Status.COMPLETED: "✅", Status.IN_PROGRESS: "🔄", Status.BLOCKED: "⛔"},
    "sign": {
        Status.PENDING: "⬜",
        Status.COMPLETED: "✅",
        Status.IN_PROGRESS: "🔄",
        Status.BLOCKED: "⛔",
        Status.SKIPPED: "⏭",
    },
    "word": {
        Status.PENDING: "todo",
        Status.COMPLETED: "done",
        Status.IN_PROGRESS: "in progress",
        Status.BLOCKED: "blocked",
        Status.SKIPPED: "skipped",
    },
    "truth": {Status.PENDING: "false", Status.COMPLETED: "true"},
    "letter": {Status.PENDING: "", Status.COMPLETED: "x"},  # todo.txt
}


WORDED = patterns.lazy(r"[^\w\s(\[|]{0,6}\s?[*_`~]{0,3}(?P<word>\w[\w '-]{0,20}?\w)[*_`~]{0,3}(?=$|\s*[(,:;–—]|\s-\s)")

# Words that go together: who writes one of them means the others by the rest.
FAMILIES: tuple[Mapping[Status, str], ...] = tuple(
    dict(
        zip((Status.PENDING, Status.IN_PROGRESS, Status.COMPLETED, Status.BLOCKED, Status.SKIPPED), words, strict=True)
    )
    for words in (
        ("pending", "in-progress", "done", "blocked", "cancelled"),
        ("pending", "in_progress", "completed", "blocked", "skipped"),
        ("to do", "in progress", "done", "blocked", "cancelled"),
        ("open", "in_progress", "closed", "blocked", "deferred"),
        ("not started", "in progress", "complete", "blocked", "deferred"),
        ("todo", "in progress", "done", "blocked", "skipped"),
    )
)
_WORD_CARRIERS = ("yaml", "file", "json")


def word(status: Status, shown: str) -> str:
    """The word for a status where the file shows another one of its family."""
    families = [family for family in FAMILIES if shown.casefold() in family.values()]
    return (families or [FAMILIES[-1]])[0][status]


def kind_of(task: Task) -> Kind:
    """How a task's mark is written."""
    if task.carrier == "todo.txt":
        return "letter"
    if task.carrier in _WORD_CARRIERS:
        return "truth" if task.mark in ("true", "false") else "word"
    if task.carrier == "checkbox" or task.steps or task.mark_place.before:
        return "box"
    if task.mark_place.after:
        return "prefix"
    if _bare(task.mark) in SIGNS:
        return "sign"
    return "box" if len(task.mark) == 1 else "word"


def status_of(mark: str) -> Status | None:
    """What a sign or a word says; None for the marks of boxes. Of `⏳ Open` the word counts."""
    if mark in ("true", "false"):
        return Status.COMPLETED if mark == "true" else Status.PENDING
    if len(mark) < 2:
        return SIGNS.get(mark)
    return legends.WORDS.get(mark.casefold()) or SIGNS.get(_bare(mark)) or word_of(mark)


def word_of(text: str) -> Status | None:
    """What the word after a sign says, or the one before an aside: `📋 ToDo`, `wip — unverified`.

    Completed is only what says no more: `Done (partly)` is not.
    """
    match = WORDED.match(text)
    if match is None:
        return None
    status = legends.WORDS.get(" ".join(match["word"].split()).casefold())
    return None if status is Status.COMPLETED and text[match.end() :].strip(" *_`~") else status


def has_aside(mark: str) -> bool:
    """Whether more follows the word, which is of one task and not for others."""
    match = WORDED.match(mark)
    return match is not None and bool(mark[match.end() :].strip(" *_`~"))


def _bare(mark: str) -> str:
    return mark.removesuffix("\N{VARIATION SELECTOR-16}")
