"""Boxes that no rule has read: each gets a diagnostic, so that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loader import codes, patterns
from loader.model import Diagnostic
from loader.outline import Fence, Hider, Outline

_BOX = patterns.lazy(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)+\[([^\[\]])\](?:\\?\*)?(?:[ \t]|$)")
_MALFORMED = patterns.lazy(
    r"[ \t>]*(?:[-*+]\[[ xX]?\][ \t]|[-*+][ \t]+\[(?:|[ \t]{2,}|[ \t]+[xX][ \t]*|[xX][ \t]+)\](?:[ \t]|$))"
)
_TEXT_LANGUAGES = ("md", "markdown", "text", "txt")


def find(lines: Sequence[str], outline: Outline, seen: set[int], front_end: int) -> Iterator[Diagnostic]:
    """A diagnostic for every box that is on no line of `seen`, by what hides it."""
    lost = [line for line, text in enumerate(lines) if "[" in text and line not in seen and is_box(text)]
    if not lost:
        return
    remaining = set(lost)
    for line in _take(remaining, 0, front_end):
        yield codes.diagnose(codes.FRONT_MATTER_BOX, line + 1)
    yield from _of_blocks(lines, outline, remaining)
    for line in sorted(remaining):
        if _MALFORMED.match(lines[line]):
            yield codes.diagnose(codes.MALFORMED_BOX, line + 1, text=lines[line].strip()[:20])
        elif not is_label(lines[line]):
            yield codes.diagnose(codes.UNREACHED_BOX, line + 1)


def _of_blocks(lines: Sequence[str], outline: Outline, remaining: set[int]) -> Iterator[Diagnostic]:
    for fence in outline.fences:
        inside = _take(remaining, fence.start, fence.end)
        if inside:
            yield from _of_fence(fence, lines, inside)
    for hider in sorted(outline.hiders, key=lambda hider: hider.kind == "quote"):
        inside = _take(remaining, hider.start, hider.end)
        if inside:
            yield from _of_hider(hider, inside)


def is_box(text: str) -> bool:
    """Whether the raw text of a line shows a box behind a list marker, well written or not."""
    return bool(_BOX.match(text) or _MALFORMED.match(text))


def is_label(text: str) -> bool:
    """Whether what its box holds is a letter or a digit, which marks nothing."""
    match = _BOX.match(text)
    return match is not None and match[1].isalnum() and match[1] not in "xX"


def _take(remaining: set[int], start: int, end: int) -> list[int]:
    if end - start > len(remaining):
        inside = sorted(line for line in remaining if start <= line < end)
    else:
        inside = [line for line in range(start, end) if line in remaining]
    remaining.difference_update(inside)
    return inside


def _of_fence(fence: Fence, lines: Sequence[str], inside: list[int]) -> Iterator[Diagnostic]:
    facts = {"line": fence.start + 1, "boxes": _count(inside)}
    if not _is_closed(fence, lines):
        yield codes.diagnose(codes.UNCLOSED_FENCE, fence.start + 1, fence=fence.markup, **facts)
    elif fence.info.split(" ", 1)[0].lower() not in _TEXT_LANGUAGES and any(
        _opens(lines[line], fence.markup) for line in range(inside[0] + 1, fence.end - 1)
    ):
        yield codes.diagnose(codes.SUSPECT_FENCE, fence.start + 1, **facts)


def _is_closed(fence: Fence, lines: Sequence[str]) -> bool:
    last = lines[fence.end - 1].strip(" \t>") if fence.end - 1 > fence.start else ""
    return len(last) >= len(fence.markup) and not last.strip(fence.markup[0])


def _opens(line: str, markup: str) -> bool:
    text = line.lstrip()
    return text.startswith(markup) and bool(text.lstrip(markup[0]).strip())


def _of_hider(hider: Hider, inside: list[int]) -> Iterator[Diagnostic]:
    opening = hider.start + 1
    match hider.kind:
        case "comment":
            if "-->" not in hider.content:
                yield codes.diagnose(codes.UNCLOSED_COMMENT, opening, line=opening, boxes=_count(inside))
        case "html":
            for line in inside:
                yield codes.diagnose(codes.HIDDEN_BY_HTML, line + 1, line=opening)
        case "code":
            for line in inside:
                yield codes.diagnose(codes.HIDDEN_BY_INDENT, line + 1)
        case "quote":
            for line in inside:
                yield codes.diagnose(codes.QUOTED_BOX, line + 1)


def _count(lines: list[int]) -> str:
    return "a box" if len(lines) == 1 else f"{len(lines)} boxes"
