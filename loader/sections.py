"""What the headings above a task say of it: path, priority, and whether it is a task at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from loader import patterns, priorities
from loader.outline import Heading
from loader.priorities import Priority

Kind = Literal["tasks", "ignored", "archived"]

_IGNORED_ALONE = frozenset({"note", "notes", "legend", "overview"})
_LEGEND = patterns.lazy(r"(?:status|state|task|mark|checkbox|box|symbol|icon)(?:es|s)? legend")
_IGNORED_BEGINNINGS = (
    "success criteria",
    "acceptance criteria",
    "exit criteria",
    "definition of done",
    "out of scope",
    "parallel example",
    "relevant files",
    "dependencies & execution order",
    "dependencies and execution order",
)
_ARCHIVED = frozenset(
    {
        "completed",
        "done",
        "archive",
        "archived",
        "completed tasks",
        "done tasks",
        "archived tasks",
        "complete",
        "finished",
    }
)
_NAME_MAX = 300  # characters looked at: the patterns are quadratic in blanks, and no name of a section is longer
_OPTIONAL = patterns.lazy(r"^(?:optional|nice[ -]to[ -]haves?|future)\b|[(\[]optional[)\]]")
_ASIDE = patterns.lazy(r"[(\[:–—]")


class Section(Struct, frozen=True):
    """One heading with those above it."""

    line: int
    path: tuple[str, ...]
    kind: Kind
    is_optional: bool
    priority: Priority | None
    level: int
    name: str = ""


class Sections(Struct, frozen=True):
    """All sections of a file in order; `title` is the first heading when that is of level one."""

    title: str
    all: tuple[Section, ...]
    lines: tuple[int, ...]

    def at(self, line: int) -> Section:
        """The section that a line stands in."""
        return self.all[bisect_right(self.lines, line) - 1]


NONE = Section(-1, (), "tasks", is_optional=False, priority=None, level=0)


def arrange(
    headings: Sequence[Heading], default: Priority | None, boxes: Iterable[int] = (), aside: Collection[str] = ()
) -> Sections:
    """Stack the headings. `default` is the priority of what stands under none of its own.

    An overview holds no tasks, unless the `boxes` (their lines) stand nowhere else: then nobody wrote another heading.
    The sections named in `aside` hold none either.
    """
    ignored = _IGNORED_ALONE.union(aside)
    arranged = _stacked(headings, default, ignored)
    if any(section.kind == "ignored" for section in arranged.all):
        kinds = (arranged.at(line).kind for line in boxes)
        if next(kinds, None) == "ignored" and all(kind == "ignored" for kind in kinds):
            return _stacked(headings, default, ignored - {"overview"})
    return arranged


def _stacked(headings: Sequence[Heading], default: Priority | None, ignored: frozenset[str]) -> Sections:
    top = Section(-1, (), "tasks", is_optional=False, priority=default, level=0)
    stack, found = [top], [top]
    title = ""
    for index, heading in enumerate(headings):
        text = heading.text.replace("\n", " ").strip().rstrip("#").strip()
        if index == 0 and heading.level == 1:
            title = text
            section = Section(heading.line, (), "tasks", is_optional=False, priority=default, level=0)
            stack = [section]
        else:
            while stack[-1].level >= heading.level:
                stack.pop()
            section = _below(stack[-1], heading, text, ignored)
            stack.append(section)
        found.append(section)
    return Sections(title, tuple(found), tuple(section.line for section in found))


def _below(parent: Section, heading: Heading, text: str, ignored: frozenset[str]) -> Section:
    name = text[:_NAME_MAX].casefold()
    kind = parent.kind if parent.kind != "tasks" else _kind(name, ignored)
    return Section(
        heading.line,
        (*parent.path, text),
        kind,
        parent.is_optional or _is_optional(name),
        priorities.of_heading(text[:_NAME_MAX]) or parent.priority,
        heading.level,
        text if parent.kind == "tasks" else parent.name,
    )


def _is_optional(name: str) -> bool:
    may_be = "optional" in name or name.startswith(("nice", "future"))
    return may_be and _OPTIONAL.search(name) is not None


def _kind(text: str, ignored: frozenset[str]) -> Kind:
    name = _bare(text)
    if name.startswith(_IGNORED_BEGINNINGS):
        return "ignored"
    aside = _ASIDE.search(name)
    alone = _bare(name[: aside.start()]) if aside else name
    if alone in ignored or _LEGEND.fullmatch(alone):
        return "ignored"
    return "archived" if alone in _ARCHIVED else "tasks"


def _bare(text: str) -> str:
    """Without signs and numbers before the first word, and without signs behind the last one."""
    start, end = 0, len(text)
    while start < end and (not text[start].isalnum() or text[start].isdecimal()):
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end]
