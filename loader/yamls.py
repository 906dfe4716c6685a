"""The YAML carriers: fences that hold a task each, and the front matter of a file that is one task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from loader import fields
from loader.boxes import Page
from loader.drafts import Draft
from loader.fields import Found
from loader.frontmatter import FrontMatter
from loader.model import MarkPlace
from loader.outline import Fence
from loader.source import Source

_NEEDS = ("status", "depends_on", "title")
_FENCES_MIN = 2
_LINE_MAX = 500  # no status is longer, and the pattern is quadratic
_STATUS = re.compile(
    r"""[ \t]*status[ \t]*:[ \t]+
        (?:"(?P<double>[^"]+)" | '(?P<single>[^']+)' | (?P<bare>[^\s#"'][^#]*?))
        [ \t]*(?:\#.*)?$""",
    re.VERBOSE,
)


def of_fences(page: Page) -> tuple[Found, set[int]]:
    """The tasks in YAML fences and the lines those begin on; one fence alone is an example."""
    filled: list[tuple[Fence, Mapping[object, object]]] = []
    for fence in page.outline.fences:
        if fence.info.split(" ", 1)[0].lower() in ("yaml", "yml") and "id:" in fence.content:
            content = _load(fence.content)
            if isinstance(content, Mapping) and fields.is_task(content, needs=_NEEDS):
                filled.append((fence, content))
    found = Found()
    if len(filled) < _FENCES_MIN:
        return found, set()
    for fence, content in filled:
        inside = range(fence.start + 1, fence.end)
        line, mark = _status(page.source, inside)
        section = page.sections.at(fence.start)
        made = fields.draft(content, "yaml", (fence.start, fence.end), mark, found, section)
        made.body = _body(page.source.lines[number] for number in inside[:-1] if number != line)
    return found, {fence.start for fence, _ in filled}


def of_file(front: FrontMatter, source: Source, name: str) -> Found:
    """The task that a whole file is: its front matter has an id and a status."""
    found = Found()
    content = front.content
    if content is None or not fields.is_task(content, needs=("status",)):
        return found
    _, mark = _status(source, range(1, front.end))
    last = len(source.lines)
    while last > 1 and not source.lines[last - 1].strip():
        last -= 1
    titled = dict(content)
    titled.setdefault("title", _heading(source.lines[front.end :]) or name)
    made = fields.draft(titled, "file", (0, last), mark, found)
    made.body = _body(source.lines[front.end :])
    return found


def parent_of(draft_content: Mapping[object, object] | None) -> str | None:
    """The id of the task that a file says it is a part of."""
    given = draft_content.get("parent_task_id") or draft_content.get("parent") if draft_content else None
    return str(given).strip() if fields.is_id(given) else None


def _status(source: Source, inside: range) -> tuple[int, tuple[str, MarkPlace]]:
    """The line of the status among these, its word and its place; a place without length where there is none."""
    for line in inside:
        text = source.lines[line]
        if len(text) <= _LINE_MAX and (match := _STATUS.match(text)):
            word = match[match.lastgroup or 0]
            start = source.offset(line, match.start(match.lastgroup or 0))
            return line, (word, MarkPlace(start, len(word.encode())))
    return -1, (" ", MarkPlace(source.offset(inside.start, 0), 0))


def _load(text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return None  # an example of something else: what it hides is looked for like in any fence


def _heading(lines: Sequence[str]) -> str:
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), "")


def _body(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip("\n")


def order_of(content: Mapping[object, object] | None, draft: Draft) -> tuple[float, list[object]]:
    """Where a task stands among the files of a folder: its ordinal, then its id with numbers as numbers."""
    ordinal = content.get("ordinal") if content else None
    number = float(ordinal) if isinstance(ordinal, int | float) and not isinstance(ordinal, bool) else float("inf")
    parts = re.split(r"(\d{1,18})", draft.given_id or "")
    return number, [int(part) if place % 2 else part for place, part in enumerate(parts)]
