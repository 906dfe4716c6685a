"""What a written dependency names: pieces, ranges, nothing, still without knowing which tasks there are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from loader import patterns

_NOTHING = frozenset(
    {"", "none", "-", "–", "—", "n/a", "na", "nil", "null", "nothing", "なし", "无", "無", "없음", "[]"}
)
_SEPARATOR = patterns.lazy(r"[,;、，；&]| and | \+ ")
_REASON = patterns.lazy(r"[(（][^()（）]*[)）]")  # T001 (needs the schema)
_KEY = patterns.lazy(r"(?:depends?[-_ ]on|depends|blocked[-_ ]by|requires|after|deps?)\s*:", re.IGNORECASE)  # in a cell
_RANGE = patterns.lazy(r"(.*?)(\d+)\s*(?:-|–|—|\.\.\.?|…|\s+to\s+|\s+through\s+)\s*(.*?)(\d+)")
_MAY_BE_RANGE = patterns.lazy(r"\d[\s.…–—-]")
_PROSE = patterns.lazy(r"\s+(?:[-–—:]\s.*|\D.*)$", re.DOTALL)
_LABEL = patterns.lazy(r"(?:blocked|depends)[-_ ](?:by|on):\s*", re.IGNORECASE)  # of a value that says it again
_ASIDE = patterns.lazy(r"^\S+ ?[-–—:;.] ")  # None - can start at once
_PLAIN = patterns.lazy(r"[\w#][\w.-]*\w")
_DIGIT = patterns.lazy(r"\d")
_NAME_MAX = 200  # nothing longer is an id or a range, and the pattern for ranges is quadratic
_NOUNS = frozenset({"task", "tasks", "step", "group", "groups", "iteration"})
_QUOTING = "[]{}\"'`*_ \t."


class Reference(Struct, frozen=True):
    """One name in a dependency, as written, with the rule and the line (from 0) that gave it."""

    name: str
    rule: str
    line: int


class Ids(Struct):
    """The ids of a list, for looking names up: exact first, then without regard to case."""

    known: Mapping[str, str]  # what may be written -> task id
    folded: dict[str, str] = field(default_factory=dict)
    _numbered: dict[str, list[tuple[int, str]]] | None = None

    def find(self, name: str) -> str | None:
        """The id this name means, if any."""
        if name in self.known:
            return self.known[name]
        if not self.folded:
            self.folded = {written.casefold(): task_id for written, task_id in reversed(list(self.known.items()))}
        return self.folded.get(name.casefold())

    def numbered(self, prefix: str) -> list[tuple[int, str]]:
        """Ids that are this prefix and a number."""
        if self._numbered is None:
            self._numbered = {}
            for written, task_id in self.known.items():
                digits = written[len(written.rstrip("0123456789")) :]
                if digits.isascii() and 0 < len(digits) < 10:
                    self._numbered.setdefault(written[: -len(digits)].casefold(), []).append((int(digits), task_id))
        return self._numbered.get(prefix.casefold(), [])


def names(value: object) -> list[str]:
    """The names in `T1, T2 (why)`, `[a, b]`, `none`, or in a list from YAML."""
    if isinstance(value, list | tuple):
        return [name for part in value for name in names(part)]
    text = "" if value is None else str(value).strip()
    if _PLAIN.fullmatch(text) and text.casefold() not in _NOTHING:
        return [text.removeprefix("#")]
    text = _REASON.sub("", " ".join(text.split()))
    if match := _KEY.match(text):
        text = text[match.end() :]
    return [name for piece in _SEPARATOR.split(text) for name in _piece(piece)]


def _piece(piece: str) -> Iterator[str]:
    if piece.strip().casefold() in _NOTHING:
        return
    if len(piece) > _NAME_MAX:
        yield piece.strip()
        return
    name = _LABEL.sub("", piece.strip(_QUOTING)).removeprefix("#").strip(_QUOTING)
    if name.casefold() in _NOTHING or (name.partition(" ")[0].casefold() in _NOTHING and _ASIDE.search(name)):
        return
    words = name.split()
    if words[0].casefold() in _NOUNS and len(words) > 1:
        if len(words) > 2 and not all(_DIGIT.search(word) for word in words[1:]) and _RANGE.fullmatch(name) is None:
            yield name  # `Group 1 complete`: prose, unless there is such a task
            return
        words = words[1:]
        name = " ".join(words)
    if len(words) > 1 and all(_DIGIT.search(word) for word in words):
        yield from (word.strip(_QUOTING) for word in words)
    elif len(words) > 1 and _RANGE.fullmatch(name) is None and _DIGIT.search(words[0]):
        yield _PROSE.sub("", name).strip(_QUOTING + ":")
    else:
        yield name


def is_like_an_id(name: str) -> bool:
    """Whether this could be an id or a range: what tells `after: T1, T2` in a title from prose."""
    return _DIGIT.search(name) is not None and (" " not in name or _range(name) is not None)


def _range(name: str) -> re.Match[str] | None:
    return _RANGE.fullmatch(name) if len(name) <= _NAME_MAX and _MAY_BE_RANGE.search(name) else None


def resolve(name: str, ids: Ids) -> list[str]:
    """The task ids that a name means: one, all of a range, or none where it is unknown."""
    task_id = ids.find(name)
    if task_id is not None:
        return [task_id]
    if (bare := _bare(name)) != name:
        return resolve(bare, ids)
    match = _range(name)
    if match is None or (match[3] and match[3].casefold() != match[1].casefold()):
        return []
    first, last = int(match[2][-9:]), int(match[4][-9:])
    found = [(number, task_id) for number, task_id in ids.numbered(match[1]) if first <= number <= last]
    present = {number for number, _ in found}
    return [task_id for _, task_id in found] if {first, last} <= present else []


def _bare(name: str) -> str:
    """The `1` of `Group 1 complete`."""
    words = name.split()
    return words[1].strip(_QUOTING + ":") if len(words) > 2 and words[0].casefold() in _NOUNS else name


def is_prose(name: str) -> bool:
    """Whether a name that nothing has is one at all: `Phase 4` and `all of the above` are not."""
    return " " in name and not is_like_an_id(name)


def written(names: Iterable[str]) -> set[str]:
    """Everything referred to, with the ends of ranges, to tell ids in loose spellings from plain words."""
    found = set(names)
    for name in tuple(found):
        if match := _range(name):
            found.update((match[1] + match[2], (match[3] or match[1]) + match[4]))
    return found
