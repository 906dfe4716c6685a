"""Which lines of a Markdown file look like a task to people: boxes, rows and headings, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from loader import hidden, patterns
from loader.boxes import BOX
from loader.headings import may_name_a_task
from loader.outline import Outline

Look = Literal["box", "row", "heading"]

_ROW = patterns.lazy(r"[ \t>]*\|.*\|[ \t]*$")
_DELIMITER = patterns.lazy(r"[ \t>|:-]*-[ \t>|:-]*$")
_HEADING = patterns.lazy(r"[ \t>]*#{1,6}[ \t]+(?P<text>\S.*)$")


def find(lines: Sequence[str], outline: Outline) -> dict[int, Look]:
    """The lines (from 0) that look like a task, in order, by their raw text and by what the parser makes of them."""
    found: dict[int, Look] = {}
    for table in outline.tables:
        found.update((line, "row") for line in range(table.start, table.end) if line != table.start + 1)
    found.update((heading.line, "heading") for heading in outline.headings if may_name_a_task(heading.text))
    found.update(
        (item.text_line, "box") for item in outline.items if item.text.startswith("[") and BOX.match(item.text)
    )
    for line, text in enumerate(lines):
        if line not in found and (look := _of_text(text)) is not None:
            found[line] = look
    return dict(sorted(found.items()))


def _of_text(text: str) -> Look | None:
    if "[" in text and hidden.is_box(text):
        return "box"
    if "|" in text and _ROW.match(text) and not _DELIMITER.match(text):
        return "row"
    if "#" in text and (match := _HEADING.match(text)) and may_name_a_task(match["text"]):
        return "heading"
    return None
