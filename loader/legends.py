"""What marks mean in one file: its own legend, else its dialect, else our table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from loader import dialects, patterns
from loader.model import Status

DEFAULT: Mapping[str, Status] = {
    " ": Status.PENDING,
    "\N{NO-BREAK SPACE}": Status.PENDING,
    ">": Status.PENDING,
    "x": Status.COMPLETED,
    "X": Status.COMPLETED,
    "~": Status.IN_PROGRESS,
    "/": Status.IN_PROGRESS,
    "*": Status.IN_PROGRESS,
    "-": Status.IN_PROGRESS,
    "!": Status.BLOCKED,
    "?": Status.BLOCKED,
}

WORDS: Mapping[str, Status] = {
    "pending": Status.PENDING,
    "todo": Status.PENDING,
    "to do": Status.PENDING,
    "open": Status.PENDING,
    "queued": Status.PENDING,
    "ready": Status.PENDING,
    "planned": Status.PENDING,
    "backlog": Status.PENDING,
    "not started": Status.PENDING,
    "in progress": Status.IN_PROGRESS,
    "in-progress": Status.IN_PROGRESS,
    "in_progress": Status.IN_PROGRESS,
    "doing": Status.IN_PROGRESS,
    "wip": Status.IN_PROGRESS,
    "started": Status.IN_PROGRESS,
    "active": Status.IN_PROGRESS,
    "running": Status.IN_PROGRESS,
    "done": Status.COMPLETED,
    "complete": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "finished": Status.COMPLETED,
    "closed": Status.COMPLETED,
    "blocked": Status.BLOCKED,
    "waiting": Status.BLOCKED,
    "on hold": Status.BLOCKED,
    "failed": Status.BLOCKED,
    "skipped": Status.SKIPPED,
    "cancelled": Status.SKIPPED,
    "canceled": Status.SKIPPED,
    "declined": Status.SKIPPED,
    "cut": Status.SKIPPED,
    "deferred": Status.SKIPPED,
    "dropped": Status.SKIPPED,
    "won't do": Status.SKIPPED,
    "wontfix": Status.SKIPPED,
}

_PAIR = patterns.lazy(
    r"(?P<quote>`?)\[(?P<mark>[^\[\]])\](?P=quote)[ \t|:=–—→-]*[*_\"(]*"
    r"(?P<word>" + "|".join(re.escape(word) for word in sorted(WORDS, key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)
_PAIRS_MIN = 2
_BOX = patterns.lazy(r"\s*(?:[-*+]|\d+[.)])\s+\[[^\[\]]\]\s")

# The first of these that still has the meaning is written where the file shows no mark of its own.
_CHOICES: Mapping[Status, str] = {
    Status.PENDING: " ",
    Status.COMPLETED: "xX",
    Status.IN_PROGRESS: "~/-*",
    Status.BLOCKED: "!?",
    Status.SKIPPED: "-",
}


def may_hold(line: str) -> bool:
    """Whether a line outside such places could hold a pair that counts."""
    return "`[" in line or line.count("[") >= _PAIRS_MIN


def find(lines: Iterable[tuple[str, bool]]) -> dict[str, Status]:
    """The legend in these lines; each comes with whether it stands in a section or quote that holds no tasks.

    A pair counts in back-ticks, beside another pair on its line, or in such a place: a task called "done" is no legend.
    """
    legend: dict[str, Status] = {}
    for line, is_aside in lines:
        if not is_aside and (not may_hold(line) or ("`[" not in line and _BOX.match(line))):
            continue
        pairs = list(_PAIR.finditer(line))
        if not pairs:
            continue
        if len(pairs) < _PAIRS_MIN and not is_aside:
            pairs = [pair for pair in pairs if pair["quote"]] if not _BOX.match(line) else []
        elif not is_aside and _BOX.match(line) and not all(pair["quote"] for pair in pairs[:1]):
            pairs = []
        for pair in pairs:
            legend.setdefault(pair["mark"], WORDS[pair["word"].lower()])
    return legend if len(legend) >= _PAIRS_MIN else {}


def meanings(dialect: str, legend: Mapping[str, Status]) -> dict[str, Status]:
    """Every mark that means something in the file."""
    combined = {**DEFAULT, **dialects.preset(dialect), **legend}
    combined.setdefault(" ", Status.PENDING)
    return combined


def vocabulary(meanings: Mapping[str, Status], marks: Iterable[str]) -> dict[Status, str]:
    """The mark to write for each status: the file's most used one, else its legend's, else ours."""
    used = Counter(marks)
    own: dict[Status, str] = {}
    of_legend: dict[Status, str] = {}
    for mark, status in meanings.items():
        if used.get(mark, 0) > used.get(own.get(status, ""), 0):
            own[status] = mark
        if DEFAULT.get(mark) is not status:
            of_legend.setdefault(status, mark)
    if meanings[" "] is Status.PENDING:
        own[Status.PENDING] = " "  # an empty box is what every tool shows as open
    result: dict[Status, str] = {}
    for status, choices in _CHOICES.items():
        chosen = own.get(status) or of_legend.get(status)
        if chosen is None:
            chosen = next((mark for mark in choices if meanings.get(mark) is status), None)
        if chosen is not None:
            result[status] = chosen
    return result
