"""Drafts with ids and edges made into tasks: the last step of reading."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring_ascii as quoted

from loader import patterns, priorities
from loader.drafts import Draft
from loader.model import Edge, Task
from loader.naming import Names
from loader.priorities import Priority

_MARK = patterns.lazy(r"^([ \t]*(?:[-*+]|\d+[.)])[ \t]+\[)[^\[\]](?=\])", re.MULTILINE)
_OWN_FIELDS = ("priority", "tags", "assignee", "agent", "parallel")
_RUNNING_ROLES = ("run", "verify", "prompt")


def build(
    drafts: Sequence[Draft], names: Names, edges: Sequence[Sequence[Edge]], lines: Sequence[str]
) -> tuple[Task, ...]:
    """One task for each draft, in order."""
    return tuple([_task(index, draft, names, edges[index], lines) for index, draft in enumerate(drafts)])


def _task(index: int, draft: Draft, names: Names, edges: Sequence[Edge], lines: Sequence[str]) -> Task:
    wording = draft.wording
    given = draft.settings
    priority = _priority(draft)
    title = names.titles[index]
    agent = wording.agent or _text(given.get("agent"))
    settings = {key: value for key, value in given.items() if key not in _OWN_FIELDS} if given else given
    return Task(
        task_id=names.ids[index],
        title=title,
        body=draft.body,
        priority=priority.name,
        priority_raw=priority.raw,
        rank=priority.rank,
        section=draft.section.path,
        dependencies=tuple([edge.depends_on for edge in edges]),
        mark=draft.mark,
        status=draft.status,
        lines=(draft.line + 1, _last_line(draft, lines)),
        position=index + 1,
        fingerprint=_fingerprint(draft, title, agent, settings),
        mark_place=draft.mark_place,
        explicit_id=names.explicit[index],
        parent=names.ids[draft.parent] if draft.parent >= 0 else None,
        container=bool(draft.children) and not any(block.role in _RUNNING_ROLES for block in draft.blocks),
        parallel=wording.parallel or given.get("parallel") is True,
        optional=draft.optional,
        assignee=wording.assignee or _text(given.get("assignee")),
        agent=agent,
        tags=_tags(draft),
        settings=settings,
        blocks=tuple(draft.blocks),
        carrier=draft.carrier,
        steps=tuple(draft.steps),
        archived=draft.section.kind == "archived",
    )


def _priority(draft: Draft) -> Priority:
    own = draft.wording.priority or draft.settings.get("priority")
    if isinstance(own, Priority):
        return own
    return draft.section.priority or priorities.DEFAULT


def _text(value: object) -> str | None:
    return str(value) if value else None


def _tags(draft: Draft) -> tuple[str, ...]:
    given = draft.settings.get("tags")
    tags = (*draft.wording.tags, *(given if isinstance(given, tuple) else ()))
    return tuple(dict.fromkeys(str(tag) for tag in tags)) if tags else ()


def _last_line(draft: Draft, lines: Sequence[str]) -> int:
    end = max(draft.end, draft.sibling_end)
    while end - 1 > draft.line and not lines[end - 1].strip():
        end -= 1
    return end


def _fingerprint(draft: Draft, title: str, agent: str | None, settings: Mapping[str, object]) -> str:
    """Of all that a run is made from, as JSON. The marks of steps are blanked: ticking one changes no run."""
    body = _MARK.sub(r"\1 ", draft.body) if "[" in draft.body else draft.body
    facts = f"{quoted(title)}, {quoted(body)}"
    if agent or settings:
        pairs = [f"[{quoted(key)}, {quoted(repr(value))}]" for key, value in sorted(settings.items())]
        facts += f", {quoted(agent) if agent else 'null'}, [{', '.join(pairs)}]"
    if draft.carrier == "table":
        facts += "".join(f", [{quoted(block.role)}, {quoted(block.content)}]" for block in draft.blocks)
    return hashlib.sha1(f"[{facts}]".encode(), usedforsecurity=False).hexdigest()
