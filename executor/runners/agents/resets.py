"""When a limit is over, as the messages of agents say it: pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = re.compile(r"(?<!\d)(1[6-9]\d{8}|2\d{9})(?!\d)")
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_CLOCK = re.compile(
    r"(?:again at|resets?(?: at)?|until|after)\s+(?:(?P<month>[A-Z][a-z]{2})[a-z]*\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?"
    r"(?:, (?P<year>\d{4}))?,? (?:at )?)?(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>[AaPp]\.?[Mm])?"
    r"(?![\w.:])(?:\s*\((?P<zone>[\w/+-]+)\))?"
)
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_PART = r"\d+(?:\.\d+)?\s*(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)(?![a-z])"
_SPAN = re.compile(
    rf"(?:in|after|within|resets?|retry-after:?)\s+(?P<span>{_PART}(?:[\s,]*(?:and\s+)?{_PART})*)", re.IGNORECASE
)
_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s*([dhms])", re.IGNORECASE)
_SECONDS = re.compile(r"retry[-_ ]?after[\"']?[:=\s]+(\d{1,7})(?![\d.]*\s*\w)", re.IGNORECASE)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def find(text: str, now: datetime) -> datetime | None:
    """The moment a message names, after `now`, whose zone is the one in which clock times are meant."""
    text = text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")
    for reader in (_epoch, _iso, _span, _seconds, _clock):
        found = reader(text, now)
        if found is not None and found > now:
            return found
    return None


def _epoch(text: str, now: datetime) -> datetime | None:  # noqa: ARG001 - all have one shape
    match = _EPOCH.search(text)
    return datetime.fromtimestamp(int(match[1]), UTC) if match else None


def _iso(text: str, now: datetime) -> datetime | None:
    match = _ISO.search(text)
    if match is None:
        return None
    try:
        found = datetime.fromisoformat(match[0].replace(" ", "T").replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _span(text: str, now: datetime) -> datetime | None:
    match = _SPAN.search(text)
    if match is None:
        return None
    seconds = sum(float(number) * _UNITS[unit.lower()] for number, unit in _PARTS.findall(match["span"]))
    return now + timedelta(seconds=min(seconds, 366 * 86400.0))


def _seconds(text: str, now: datetime) -> datetime | None:
    match = _SECONDS.search(text)
    return now + timedelta(seconds=int(match[1])) if match else None


def _clock(text: str, now: datetime) -> datetime | None:
    """`7:18 AM` is the next time the clock shows that; `Nov 23, 5pm` is that day."""
    for match in _CLOCK.finditer(text):
        if not (match["half"] or match["minute"]):
            continue  # a bare number is no time of day
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        if match["half"]:
            hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
        if hour > 23 or minute > 59:
            continue
        here = now.astimezone(_zone(match["zone"])) if match["zone"] else now
        at = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if match["month"]:
            return _on_day(match, at, here)
        return at if at > here else at + timedelta(days=1)
    return None


def _on_day(match: re.Match[str], at: datetime, here: datetime) -> datetime | None:
    if match["month"].lower() not in _MONTHS:
        return None
    try:
        found = at.replace(
            year=int(match["year"] or here.year), month=_MONTHS.index(match["month"].lower()) + 1, day=int(match["day"])
        )
    except ValueError:
        return None
    return found if found > here or match["year"] else found.replace(year=found.year + 1)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
