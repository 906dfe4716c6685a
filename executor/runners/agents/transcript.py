"""What an agent said, read as it says it: lines of JSON by its profile's rules, or plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from executor.runners.agents.profile import Profile, Rule

_LINE_MAX = 16 * 2**20  # a longer line is no event of anybody's
_TAIL_MAX = 8192
_WHOLE_MAX = 2**20  # of an answer that is one value over many lines


class Trouble(Struct, frozen=True):
    """An error as the agent told it."""

    message: str = ""
    status: int | None = None
    word: str | None = None


class Facts(Struct):
    """What is known of a run from what was printed. The profile says whether numbers are of it or of its session."""

    answer: str = ""
    session: str | None = None
    input: int = 0
    output: int = 0
    cached: int = 0
    counted: int = 0  # tokens that the cost is for
    cost: float | None = None
    ended: bool = False
    errors: list[Trouble] = field(default_factory=list)
    notes: list[Trouble] = field(default_factory=list)  # trouble that it tried to get out of
    denied: tuple[str, ...] = ()
    until: float | None = None


class Transcript:
    """Fed with pieces of standard output and of standard error, as they come."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._is_json = profile.output.format == "json"
        self._noise = re.compile(profile.output.noise) if profile.output.noise else None
        self._pending: dict[str, bytes] = {"out": b"", "err": b""}
        self._whole: list[str] | None = []  # what could be one value over many lines
        self._whole_size = 0
        self._text = ""
        self.complaints = ""  # the end of standard error
        self.facts = Facts()

    def out(self, content: bytes) -> bool:
        """Take a piece of standard output; was it a sign of life?"""
        return self._take("out", content)

    def err(self, content: bytes) -> bool:
        """Take a piece of standard error; was it a sign of life?"""
        return self._take("err", content)

    def close(self) -> Facts:
        """The end: what was left without a newline, and what only the whole of it tells."""
        for stream in ("out", "err"):
            if rest := self._pending[stream]:
                self._pending[stream] = b""
                self._line(stream, rest)
        if self._is_json:
            self._read_whole()
        else:
            self._read_text()
        return self.facts

    def _take(self, stream: str, content: bytes) -> bool:
        *lines, rest = (self._pending[stream] + content).split(b"\n")
        self._pending[stream] = rest if len(rest) <= _LINE_MAX else b""
        alive = [self._line(stream, line) for line in lines]
        return any(alive) or (bool(rest) and not lines)

    def _line(self, stream: str, raw: bytes) -> bool:
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if not line.strip():
            return True
        if stream == "err":
            self.complaints = f"{self.complaints}{line}\n"[-_TAIL_MAX:]
        elif not self._is_json:
            self._text = f"{self._text}{line}\n"[-_TAIL_MAX * 8 :]
        else:
            self._event_line(line)
        return self._noise is None or not self._noise.search(line)

    def _event_line(self, line: str) -> None:
        value = _parsed(line) if line.lstrip()[:1] in ("{", "[") else None
        if value is None:
            self._keep(line)
            self.complaints = f"{self.complaints}{line}\n"[-_TAIL_MAX:]
        else:
            self._whole = None
            self._values(value)

    def _keep(self, line: str) -> None:
        if self._whole is None:
            return
        self._whole_size += len(line)
        self._whole.append(line)
        if self._whole_size > _WHOLE_MAX:
            self._whole = None

    def _read_whole(self) -> None:
        if self._whole:
            value = _parsed("\n".join(self._whole))
            if value is not None:
                self._values(value)

    def _values(self, value: Any) -> None:
        for event in value if isinstance(value, list) else [value]:
            if isinstance(event, Mapping):
                for rule in self._profile.output.rules:
                    if holds(event, rule.when):
                        self._apply(rule, event)

    def _apply(self, rule: Rule, event: Mapping[str, Any]) -> None:
        facts = self.facts
        facts.ended = facts.ended or rule.ended
        if text := _text(event, rule.answer):
            facts.answer = text
        if piece := _text(event, rule.piece):
            facts.answer += piece
        facts.session = _text(event, rule.session) or facts.session
        self._count(rule, event)
        if rule.denied:
            facts.denied += tuple(_name(one) for one in _listed(event, rule.denied))
        until = next(iter(_numbers(event, rule.until)), None)
        facts.until = until or facts.until
        if rule.message:
            self._trouble(rule, event)

    def _trouble(self, rule: Rule, event: Mapping[str, Any]) -> None:
        message = next((text for path in rule.message if (text := _text(event, path))), "")
        status = next((int(number) for number in _numbers(event, rule.status)), None)
        trouble = Trouble(message, status, _text(event, rule.word) or None)
        fails = rule.fails if isinstance(rule.fails, bool) else holds(event, rule.fails)
        if fails:
            self.facts.errors.append(trouble)
        elif message and not rule.fails:
            self.facts.notes[:] = [*self.facts.notes[-8:], trouble]

    def _count(self, rule: Rule, event: Mapping[str, Any]) -> None:
        facts, add = self.facts, self._profile.output.usage == "sum"
        for name in ("input", "output", "cached", "counted"):
            found = [number for path in getattr(rule, name) for number in _numbers(event, path)]
            if found:
                setattr(facts, name, int(sum(found)) + (getattr(facts, name) if add else 0))
        if cost := _numbers(event, rule.cost):
            facts.cost = sum(cost) + ((facts.cost or 0.0) if self._profile.output.cost == "sum" else 0.0)

    def _read_text(self) -> None:
        facts, output = self.facts, self._profile.output
        facts.answer = self._text.strip()
        facts.input = _in_text(output.input, facts.answer)
        facts.output = _in_text(output.output, facts.answer)
        if output.dollars:
            found = re.findall(output.dollars, facts.answer)
            facts.cost = float(found[-1]) if found else None


def holds(event: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    """Do all these paths have one of their values?"""
    return all(
        any(found in (value if isinstance(value, list) else [value]) for found in select(event, path))
        for path, value in conditions.items()
    )


def select(value: Any, path: str) -> list[Any]:
    """What a path leads to: nothing, one value, or several where it has a `*`."""
    found = [value]
    for part in path.split("."):
        found = [below for one in found for below in _step(one, part)]
    return found


def _step(value: Any, part: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if part == "*":
            yield from value.values()
        elif part in value:
            yield value[part]
    elif isinstance(value, list):
        if part == "*":
            yield from value
        elif part.isdecimal() and int(part) < len(value):
            yield value[int(part)]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(event: Mapping[str, Any], path: str | None) -> str:
    found = [one for one in select(event, path) if isinstance(one, str)] if path else []
    return "\n".join(found)


def _numbers(event: Mapping[str, Any], path: str | None) -> list[float]:
    found = select(event, path) if path else []
    return [float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool)]


def _listed(event: Mapping[str, Any], path: str) -> list[Any]:
    return [below for one in select(event, path) for below in (one if isinstance(one, list) else [one])]


def _name(denied: Any) -> str:
    if isinstance(denied, Mapping):
        return str(denied.get("tool_name") or denied.get("name") or "a tool")
    return str(denied)


def _in_text(pattern: str | None, text: str) -> int:
    """`1.0k` is a thousand, `2M` two million."""
    total = 0.0
    for found in re.findall(pattern, text) if pattern else ():
        number = found.replace(",", "").lower()
        factor = {"k": 1000, "m": 1_000_000}.get(number[-1:], 1)
        total += float(number.rstrip("km")) * factor
    return int(total)
