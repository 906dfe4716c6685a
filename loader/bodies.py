"""A task's own lines below its title: settings taken out, the rest its body."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from loader import codes, patterns, references, settings
from loader.drafts import Draft
from loader.model import Diagnostic
from loader.references import Reference
from loader.settings import Setting
from loader.source import Source

_KEY = patterns.lazy(
    r"(?P<bullet>[-*+][ \t]+)?[*_`]{0,3}(?P<key>[A-Za-z][A-Za-z_ -]{1,20}?)[*_`]{0,3}[ \t]*:"
    r"[*_`]{0,3}(?=\s|$)[ \t]*(?P<value>.*)"
)
_LATER = patterns.lazy(
    r"(?<=[\w.,;)_])[ \t]+_(?P<key>Depends(?:[ -]on)?):[ \t]*(?P<value>[^_]+)_", re.IGNORECASE
)  # behind another field
_BULLET = patterns.lazy(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]+")


def fill(drafts: Sequence[Draft], source: Source) -> list[Diagnostic]:
    """Set `settings`, `references` and `body` of every draft that has lines of its own."""
    diagnostics: list[Diagnostic] = []
    for draft in drafts:
        if draft.carrier in ("checkbox", "heading") and _has_lines(draft):
            _Body(draft, drafts, source, diagnostics).read()
    return diagnostics


def _has_lines(draft: Draft) -> bool:
    """Whether anything stands below its first line: below most boxes nothing does."""
    return draft.end > draft.text_line + 1 or draft.sibling_end > draft.text_line + 1


class _Body:
    """One draft's own lines, with their numbers, dedented to the column of its box."""

    def __init__(self, draft: Draft, drafts: Sequence[Draft], source: Source, diagnostics: list[Diagnostic]) -> None:
        self.draft = draft
        self.is_heading = draft.carrier == "heading"
        self.diagnostics = diagnostics
        self.lines = source.lines
        self.children = [(drafts[index].line, drafts[index].end) for index in draft.children]

    def read(self) -> None:
        draft = self.draft
        own = list(self._own())
        settings_end = self._first_step(own) if self.is_heading else draft.text_end
        fenced = {line for start, end in draft.fence_lines for line in range(start, end)}
        taken: set[int] = set()
        for place, (line, text) in enumerate(own):
            if ":" not in text or line in fenced or line in taken:
                continue
            match = _KEY.match(text)
            if "_" in text and (later := _LATER.search(text)) and not self.is_heading:
                self._set(settings.OF_TASK["depends_on"], later["key"], later["value"], line)
            if match is None or not self._may_set(match, line, settings_end):
                continue
            row = settings.OF_TASK.get(settings.key(match["key"]))
            if row is not None and not (self.is_heading and self._is_prose(row, match["value"])):
                taken.add(line)
                value, used = self._value(match["value"], own, place)
                taken.update(used)
                self._set(row, match["key"], value, line)
        kept = [(line, text) for line, text in own if line not in taken] if taken else own
        draft.body = _trimmed([text for _, text in kept])
        if draft.steps:
            blank = next((place for place, (_, text) in enumerate(kept) if text.strip()), 0)
            rows = {line: place - blank for place, (line, _) in enumerate(kept)}
            # one below a later heading beside the task's children is a step all the same, but not in its body
            draft.steps = [replace(step, body_line=rows.get(step.line - 1, -1)) for step in draft.steps]

    def _first_step(self, own: list[tuple[int, str]]) -> int:
        """Where the first paragraphs of a heading end: at the first box or fence, or at another heading."""
        stops = [start for start, _ in self.draft.fence_lines] + [step.line - 1 for step in self.draft.steps]
        stop = min(stops, default=self.draft.end)
        return next((line for line, text in own if line >= stop or text.startswith("#")), stop)

    def _may_set(self, match: re.Match[str], line: int, settings_end: int) -> bool:
        """A heading's body is prose: what says `key: value` there is a setting at its top, or where the key is bold."""
        if self.is_heading:
            return line < settings_end or "**" in match[0][: match.end("key") + 2 - match.start()]
        return bool(match["bullet"]) or line < settings_end or match[0][0] in "_*"

    def _is_prose(self, row: Setting, value: str) -> bool:
        """`Requires: a database` below a heading names no task."""
        if row.name != "depends_on":
            return False
        names = references.names(value.strip().strip("_*"))
        return not all(references.is_like_an_id(name) or len(name) == 1 for name in names)

    def _own(self) -> Iterator[tuple[int, str]]:
        draft = self.draft
        if self.is_heading:
            yield from ((number, self.lines[number]) for number in range(draft.line + 1, draft.end))
            return
        width = _width(self.lines[draft.text_line])
        line = draft.text_line + 1
        for start, end in (*self.children, (draft.end, draft.end)):
            for number in range(line, start):
                yield number, _dedented(self.lines[number], width)
            line = max(line, end)
        for number in range(line, draft.sibling_end):
            yield number, self.lines[number]

    def _value(self, value: str, own: list[tuple[int, str]], place: int) -> tuple[str, list[int]]:
        """What follows the colon, else the bullets nested below, one value each."""
        value = value.strip().rstrip("_*").strip() if value.rstrip().endswith(("_", "*")) else value.strip()
        if value:
            return value, []
        parts, used = [], []
        for line, text in own[place + 1 :]:
            bullet = _BULLET.match(text)
            if bullet is None or not text[0].isspace():
                break
            parts.append(text[bullet.end() :].strip())
            used.append(line)
        return ", ".join(parts), used

    def _set(self, row: Setting, key: str, value: str, line: int) -> None:
        if row.name == "depends_on":
            rule = key.strip().lower()
            self.draft.refer(Reference(name, rule, line) for name in references.names(value))
            return
        try:
            self.draft.settings[row.name] = row.read(value)
        except ValueError as error:
            column = max(self.lines[line].find(value), 0) + 1  # one made of bullets stands nowhere as a whole
            code = codes.FOREIGN_VALUE if _is_foreign(row, key.strip()) else codes.BAD_VALUE
            self.diagnostics.append(
                codes.diagnose(code, line + 1, column, key=key.strip(), value=value, expected=str(error))
            )


def _is_foreign(row: Setting, key: str) -> bool:
    """Whether a key is another tool's way to describe a task: `Owner`, `Priority`. Ours are written small."""
    return row.name in settings.DESCRIPTIVE and (key[:1].isupper() or settings.key(key) != row.name)


def _width(line: str) -> int:
    """The column of the box, which is where the item's text begins."""
    return len(line[: line.find("[")].expandtabs(4))


def _dedented(line: str, width: int) -> str:
    indent = line[:width]
    if not indent.strip(" "):
        return line[width:]
    text = line.lstrip(" \t")
    columns = len(line[: len(line) - len(text)].expandtabs(4))
    return " " * max(0, columns - width) + text


def _trimmed(lines: list[str]) -> str:
    """Without the blank lines around it."""
    while lines and not lines[-1].strip():
        lines.pop()
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    return "\n".join(lines[first:])
