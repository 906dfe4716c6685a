"""How tasks are named in front of their text: the families of ids, sure ones and loose ones."""

from __future__ import annotations

import re

from msgspec import Struct

from loader import patterns

_END = r"(?=[\s:.,)\]—–*`~]|$)"

# Names that everybody knows are words: two tasks that begin with UTF-8 are not the same task.
_STANDARDS = rf"(?:UTF-(?:8|16|32)|SHA-(?:\d|256|384|512)|ISO-\d{{3,5}}|HTTP-\d|AES-\d{{3}}|GPT-\d|COVID-19){_END}"

# A sure family is an id wherever it stands first; a loose one could be plain words (`3.5 release`, `t1`, `S3`).
_SURE = patterns.lazy(
    rf"""(?!{_STANDARDS})(?:T\d{{3,}}[A-Za-z]?(?:\.\d+)*(?:-[\w]+)?            # T001, T014a, T001.2
       | t\d{{3,}}(?:\.\d+)*                                   # t001.1
       | WP\d{{2,}}
       | [A-Z][A-Z0-9]{{0,9}}(?:-[A-Z0-9]+){{0,4}}-\d+[a-z]?(?:\.\d+)*   # ABC-123, NA-BOOT-INF-001, US-001
       | [A-Z]\d{{1,3}}-[A-Z]\d{{1,3}}                          # P00-T01
       ){_END}""",
    re.VERBOSE,
)
_WORDED = patterns.lazy(r"(?:Task|Subtask)\s+(\d+[a-z]?(?:\.\d+)*)(?=\s*[:.—–-](?:\s|\*|$)|\s+\(AC)", re.IGNORECASE)
_LOOSE = (
    ("planned", patterns.lazy(r"(\d{2}(?:\.\d+)?-\d{2})(?:-PLAN(?:\.md)?)?(?=[:\s])")),
    ("dotted", patterns.lazy(rf"(\d+[a-z]?(?:\.\d+[a-z]?)+)\.?{_END}")),
    ("numbered", patterns.lazy(r"(\d+[a-z]?)(?:\\?[.)])(?=\s)")),
    ("number", patterns.lazy(r"(\d+)(?=[:\s])")),
    ("lettered", patterns.lazy(rf"([A-Za-z]\d{{1,3}}(?:\.\d+)*){_END}")),
    ("worded", patterns.lazy(rf"([a-z]+(?:-[a-z]+)*-\d+){_END}")),
)
_NUMBERS = ("dotted", "numbered")
_COUNTED = patterns.lazy(r"T[1-9]\d\d")  # what follows T99
_BRACKETED = patterns.lazy(r"(?!P\d\])([A-Za-z]\d{1,3}(?:\.\d+)*|\d+[a-z]?(?:\.\d+)+)(?=\])")
_PLACEHOLDER = patterns.lazy(r"(?:[tT][xX]{2,}|[tT]\d+[xX]+|[A-Z]+-[X]{2,}|\[ID\])(?=[\s:.\]*`]|$)")
_MAY_HOLD_PLACE = patterns.lazy(r"[*`\[~_]*(?:[tT](?:\d+)?[xX]|[A-Z]+-X|\[?ID\])")
_AFTER = patterns.lazy(r"[*`\]~]*(?:(?<=\])\([^()\s]*\)[*`~]*)?(?:\s*[:—–]|\s+-(?=\s)|\.(?=\s|$)|\\\.)?[*`]*\s*")
_MAY_BEGIN = patterns.lazy(
    r"[^\s\d]*+\d|[*`\[~_]*(?:sub)?task\s", re.IGNORECASE
)  # a digit is in every first word but that
_BEFORE = patterns.lazy(r"[*`\[~_]*")


class Candidate(Struct):
    """What could be an id: its family ("" for a sure one) and how much text it takes, decoration and colon included."""

    name: str
    family: str
    taken: int
    opened: str = ""  # the `**` that opened before it and closes later
    written: str = ""  # the text it takes, for when it is refused


def find(text: str) -> Candidate | None:
    """The id at the very start of a text, if something there could be one."""
    if not _MAY_BEGIN.match(text):
        return None
    opened = None if text[0].isalnum() else _BEFORE.match(text)
    start = opened.end() if opened else 0
    decoration = text[:start]
    if match := _SURE.match(text, start):
        return _candidate(text, match[0], "", match.end(), decoration)
    if match := _WORDED.match(text, start):
        return _candidate(text, match[1], "", match.end(), decoration)
    if "[" in decoration:
        return _bracketed(text, start, decoration)
    for family, pattern in _LOOSE:
        if match := pattern.match(text, start):
            sure = family == "planned" and "-PLAN" in match[0]
            return _candidate(text, match[1], "" if sure else family, match.end(), decoration)
    return None


def _bracketed(text: str, start: int, decoration: str) -> Candidate | None:
    """`[T1]`, `[1.2]`: the brackets make a loose spelling no surer, but its dot or colon unnecessary."""
    match = _BRACKETED.match(text, start)
    return _candidate(text, match[1], "bracketed", match.end(), decoration) if match else None


def placeholder(text: str) -> Candidate | None:
    """The placeholder at the start of a text: an id that nobody has filled in."""
    if not _MAY_HOLD_PLACE.match(text):
        return None
    opened = _BEFORE.match(text)
    start = opened.end() if opened else 0
    match = _PLACEHOLDER.match(text, start) or _PLACEHOLDER.match(text)
    return _candidate(text, match[0], "placeholder", match.end(), text[: match.start()]) if match else None


def _candidate(text: str, name: str, family: str, end: int, decoration: str) -> Candidate:
    after = _AFTER.match(text, end)
    taken = after.end() if after else end
    opened = decoration if "**" in decoration and "**" not in text[end:taken] else ""
    return Candidate(name, family, taken, opened, text[:taken])


def chosen(names: dict[int, list[Candidate | None]], referred: set[str]) -> set[tuple[int, str]]:
    """The loose families that count, by nesting level: those at least half of the level's boxes use."""
    result = set()
    for level, candidates in names.items():
        counts: dict[str, int] = {}
        for candidate in candidates:
            if candidate is not None and candidate.family:
                counts[candidate.family] = counts.get(candidate.family, 0) + 1
                if candidate.name in referred:
                    result.add((level, candidate.family))
        numbers = sum(counts.get(family, 0) for family in _NUMBERS)  # `1.` beside `1.1` is one way to count
        lettered = counts.get("lettered", 0) + _counted_on(candidates)
        for family, count in counts.items():
            same = numbers if family in _NUMBERS else lettered if family == "lettered" else count
            if 2 * same >= len(candidates):
                result.add((level, family))
    return result


def _counted_on(candidates: list[Candidate | None]) -> int:
    """How many count on from `T99`: a list that grows past it still counts in one way, and no task changes its id."""
    names = [(candidate.family, candidate.name) for candidate in candidates if candidate is not None]
    if not any(family == "lettered" and name.startswith("T") for family, name in names):
        return 0
    return sum(not family and _COUNTED.match(name) is not None for family, name in names)
