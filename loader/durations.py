"""How long, as people write it: `30s`, `1h30m`, `500ms`, a bare number of seconds."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from loader import patterns

EXPECTED = "a duration such as 30s, 10m, 2h, 500ms or 1h30m"

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_PART = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)"
_WHOLE = patterns.lazy(rf"{_PART}(?:\s*{_PART})*", re.IGNORECASE)
_PARTS = patterns.lazy(_PART, re.IGNORECASE)
_NUMBER = patterns.lazy(r"\d+(?:\.\d+)?")
_DAYS_MAX = 3650


def read(value: object) -> timedelta:
    """A positive duration of at most ten years; raises ValueError saying what is expected."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(EXPECTED)
    return _read(str(value))


@lru_cache(maxsize=256)  # a list gives a few durations to thousands of tasks
def _read(text: str) -> timedelta:
    seconds = _seconds(text.strip())
    if not 0 < seconds <= _DAYS_MAX * 86400:
        raise ValueError(EXPECTED)
    return timedelta(seconds=seconds)


def _seconds(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    if not _WHOLE.fullmatch(text):
        raise ValueError(EXPECTED)
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in _PARTS.findall(text))
