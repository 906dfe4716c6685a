"""The work packages of spec-kitty: which part of the file each is, and which others it says it depends on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct

from loader import codes, patterns
from loader.model import Diagnostic
from loader.outline import Heading, Outline

_LINE_MAX = 500
_HEADING = patterns.lazy(r"\W*Work Package (?P<name>WP\d+)\b")
_NAMES = patterns.lazy(r"WP(?P<first>\d+)(?:\s*[-–—]\s*(?:WP)?(?P<last>\d+))?")
_NEEDS = patterns.lazy(
    r"[ \t]*(?:[-*+][ \t]+)?[*_]{0,3}(?:depends on|requires|dependencies)\b[*_: \t]{0,6}(?P<rest>.*)", re.IGNORECASE
)
_TITLE = patterns.lazy(r"\W*dependenc(?:y|ies)\W*", re.IGNORECASE)
_BULLET = patterns.lazy(r"[ \t]*[-*+][ \t]+(?P<rest>(?:none|WP\d).*)", re.IGNORECASE)


class Need(Struct, frozen=True):
    """A package that another one names, and the line (from 0) that does."""

    name: str
    line: int


class Package(Struct, frozen=True):
    """Lines from `start` to before `end`. `needs` is None where nothing is said, and empty where that is "none"."""

    name: str
    start: int
    end: int
    needs: tuple[Need, ...] | None


def find(lines: Sequence[str], outline: Outline) -> list[Package]:
    """The packages in file order; none where no package names another, for then their order is all there is."""
    opaque = {line for fence in outline.fences for line in range(fence.start, fence.end)}
    opaque.update(line for hider in outline.hiders for line in range(hider.start, hider.end))
    found = []
    for place, heading in enumerate(outline.headings):
        if match := _HEADING.match(heading.text):
            later = outline.headings[place + 1 :]
            end = next((one.line for one in later if one.level <= heading.level), len(lines))
            titles = {one.line for one in later if one.line < end and _TITLE.fullmatch(one.text)}
            found.append(Package(match["name"], heading.line, end, _needs(lines, heading, end, titles, opaque)))
    return found if any(package.needs for package in found) else []


def _needs(
    lines: Sequence[str], heading: Heading, end: int, titles: Collection[int], opaque: Collection[int]
) -> tuple[Need, ...] | None:
    needs: list[Need] = []
    is_told = False
    below_title = False
    for line in range(heading.line + 1, end):
        text = lines[line][:_LINE_MAX]
        below_title = line in titles or (below_title and not text.startswith("#"))
        match = _NEEDS.match(text) or (_BULLET.match(text) if below_title else None)
        if match is None or line in opaque or line in titles:
            continue
        rest = match["rest"].partition("(")[0]
        names = list(_names(rest))
        needs += [Need(name, line) for name in names]
        is_told = is_told or bool(names) or rest.strip(" *_.").casefold().startswith("none")
    return tuple(needs) if is_told else None


def _names(text: str) -> Iterator[str]:
    for match in _NAMES.finditer(text):
        first, last = match["first"], match["last"] or match["first"]
        for number in range(int(first[-4:]), min(int(last[-4:]), int(first[-4:]) + 200) + 1):
            yield f"WP{number:0{len(first)}d}"


def unknown(packages: Sequence[Package]) -> Iterator[Diagnostic]:
    """What packages name and the file does not have: perhaps one of another file, so no more than a warning."""
    known = {package.name for package in packages}
    for package in packages:
        for need in package.needs or ():
            if need.name not in known:
                facts = {"name": need.name, "rule": "depends on", "suggestion": ""}
                yield codes.diagnose(codes.MISSING_ALLOWED, need.line + 1, **facts)
