"""How urgent a task is, in every spelling people use."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from loader import patterns

_WORDS = {
    "critical": ("P1", 0),
    "urgent": ("P1", 0),
    "highest": ("P1", 0),
    "🔺": ("P1", 0),
    "!!!": ("P1", 0),
    "high": ("P1", 1),
    "⏫": ("P1", 1),
    "medium": ("P2", 2),
    "🔼": ("P2", 2),
    "normal": ("P3", 3),
    "none": ("P3", 3),
    "low": ("P4", 4),
    "🔽": ("P4", 4),
    "lowest": ("P4", 4),
    "⏬": ("P4", 4),
}
SYMBOLS = tuple(word for word in _WORDS if not word.isalpha())
_CELLS = {  # only in a column called Priority: elsewhere they are words, and circles tell the state of a thing
    "🔴": ("P1", 1),
    "🟠": ("P2", 2),
    "🟡": ("P3", 3),
    "🟢": ("P4", 4),
    "🔵": ("P4", 4),
    "⚪": ("P4", 4),
    "blocker": ("P1", 0),
    "must": ("P1", 1),
    "should": ("P2", 2),
    "could": ("P4", 4),
}
_SIGNED = patterns.lazy(r"[^\w\s]*\s*(?P<first>\w+)")
NAMES = "critical|urgent|highest|high|medium|low|lowest"
EXPECTED = f"P0 to P4, {NAMES.replace('|', ', ')}"

_IN_HEADING = patterns.lazy(r"p(?:\d|riority)|critical|urgent")  # one of these, or the pattern below need not try
_NUMBERED = patterns.lazy(r"P(\d{1,2})", re.IGNORECASE)
_HEADING = patterns.lazy(
    rf"""\bpriority\s*[:=]?\s*(?P<after>P\d|{NAMES})\b      # (Priority: P1), Priority: High
      | ^\W*(?P<first>P\d)\b                                # P1 – Must have, [P1] Core
      | [(\[]\W*(?-i:[A-Z]+\s+)?(?P<inside>P\d)\b          # Phase 0 (P0: critical usability), (🔥 MEGA P0)
      | \b(?P<before>{NAMES})[ -]priority\b                 # High Priority
      | ^\W*(?P<alone>critical|urgent)\W*(?:\(.*)?$         # Critical, Critical (blocking)
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Priority(Struct, frozen=True):
    """`name` is P1 to P4, `raw` what the file says, `rank` the claim order."""

    name: str
    raw: str
    rank: int


DEFAULT = Priority("P3", "", 3)


def read(value: object) -> Priority:
    """A priority by number or word; raises ValueError saying what is expected."""
    return _read(str(value))


@lru_cache(maxsize=256)  # a list has hundreds of priorities, and a handful of spellings
def _read(text: str) -> Priority:
    raw = text.strip().strip("[]()*`:").strip()
    if match := _NUMBERED.fullmatch(raw):
        return _numbered(int(match[1]), raw)
    if raw.isdigit() and len(raw) == 1:
        return _numbered(int(raw), raw)
    first, _, reason = raw.partition(" ")
    if reason and _may_follow(reason.strip()):
        return read(first)
    known = _WORDS.get(raw.removesuffix("\N{VARIATION SELECTOR-16}").lower())
    if known is None:
        raise ValueError(EXPECTED)
    return Priority(known[0], raw, known[1])


def _may_follow(text: str) -> bool:
    """`P0 (CRITICAL)`, `P1 - today`, `🔼 Medium`: a reason, or the same in another spelling."""
    return text[0] in "([-–—" or text.removesuffix("\N{VARIATION SELECTOR-16}").casefold() in _WORDS


def of_cell(text: str) -> Priority:
    """A priority as tables spell it, also `🔴 High`, `P1 (now)` and `must-have`; raises as `read` does."""
    try:
        return read(text)
    except ValueError:
        bare = text.strip("*`~ ")
        first = _SIGNED.match(bare)
        for word in (first["first"] if first else "", bare[:1]):
            if word.lower() in _CELLS:
                name, rank = _CELLS[word.lower()]
                return Priority(name, bare, rank)
            if word.lower() in _WORDS or _NUMBERED.fullmatch(word):
                return read(word)
        raise


def of_heading(text: str) -> Priority | None:
    """The priority a heading gives to its section, if it gives one."""
    if not text.isascii():
        for symbol in SYMBOLS:
            if symbol in text and symbol != "!!!":
                return read(symbol)
    if not _IN_HEADING.search(text.casefold()):
        return None
    match = _HEADING.search(text)
    return read(match[match.lastgroup or 0]) if match else None


def _numbered(number: int, raw: str) -> Priority:
    if number == 0:
        return Priority("P1", raw, 0)
    bounded = min(number, 4)
    return Priority(f"P{bounded}", raw, bounded)
