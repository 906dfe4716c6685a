"""A folder of files that are one task each, as one list."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace

import loader
from loader import codes, frontmatter, marks, reading, source, yamls
from loader.drafts import Draft
from loader.fields import Found
from loader.model import Diagnostic, Status, TaskList
from loader.reading import Choices, Facts


def read(sources: Mapping[str, bytes], choices: Choices) -> TaskList:
    """One task a file, ordered by ordinal and id. Lines are counted through all files while the graph is made."""
    digest = hashlib.sha256()
    lines: list[str] = []
    firsts: list[int] = []
    names = sorted(sources)
    whole = Found()
    contents: dict[int, Mapping[object, object]] = {}
    for name in names:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(sources[name]).digest())
        firsts.append(len(lines))
        text = reading.decoded(sources[name], choices)
        if isinstance(text, Diagnostic):
            whole.diagnostics.append(_moved(text, firsts[-1]))
            lines.append("")
            continue
        lines += text.lines
        _add(name, text, firsts[-1], whole, contents)
    whole.drafts.sort(key=lambda draft: yamls.order_of(contents.get(id(draft)), draft))
    _adopt(whole.drafts, contents)

    def file_of(line: int) -> tuple[str, int]:
        place = bisect_right(firsts, line - 1) - 1
        return names[place], line - firsts[place]

    def shown(line: int) -> str:
        name, own = file_of(line)
        return f"{name}:{own}"

    facts = Facts(
        source.Source(b"", lines, []), "backlog-md", "files with id and status", whole.drafts, whole.diagnostics
    )
    facts.place = shown
    made = reading.finish(facts, choices)
    tasks = []
    for task in made.tasks:
        name, line = file_of(task.lines[0])
        tasks.append(replace(task, file=name, lines=(line, line + task.lines[1] - task.lines[0])))
    return replace(
        made,
        tasks=tuple(tasks),
        edges=tuple(replace(edge, line=file_of(edge.line)[1]) for edge in made.edges),
        diagnostics=tuple(
            replace(found, file=file_of(found.line)[0] if names else "", line=file_of(found.line)[1] if names else 1)
            for found in made.diagnostics
        ),
        sha256=digest.hexdigest(),
    )


def patch(sources: Mapping[str, bytes], tasks: TaskList, wanted: Mapping[str, Status]) -> dict[str, bytes]:
    """The files that change, with their new bytes, when these statuses are written; each changes in one word."""
    files = {task.task_id: task.file for task in tasks.tasks}
    changed: dict[str, bytes] = {}
    for task_id, status in wanted.items():
        name = files.get(task_id)
        if name is None or name not in sources:
            continue
        own = loader.parse(sources[name], name=name)
        new = marks.patch(sources[name], own, {task.task_id: status for task in own.tasks}).source
        if new != sources[name]:
            changed[name] = new
    return changed


def _add(
    name: str, text: source.Source, first: int, whole: Found, contents: dict[int, Mapping[object, object]]
) -> None:
    front = frontmatter.read(text.lines)
    found = yamls.of_file(front, text, name.rpartition("/")[2].removesuffix(".md"))
    whole.diagnostics += [_moved(one, first) for one in (*front.diagnostics, *found.diagnostics)]
    if not found.drafts:
        whole.diagnostics.append(_moved(codes.diagnose(codes.NO_TASK_FILE, 1), first))
    for draft in found.drafts:
        draft.line, draft.end, draft.text_line = draft.line + first, draft.end + first, draft.text_line + first
        draft.references = [replace(reference, line=reference.line + first) for reference in draft.references]
        contents[id(draft)] = front.content or {}
        whole.drafts.append(draft)


def _adopt(drafts: list[Draft], contents: Mapping[int, Mapping[object, object]]) -> None:
    """Make the files that name a parent its children; one that would be its own ancestor stays without."""
    places = {draft.given_id: place for place, draft in enumerate(drafts)}
    for place, draft in enumerate(drafts):
        parent = places.get(yamls.parent_of(contents.get(id(draft))), -1)
        above = parent
        while above >= 0 and above != place:
            above = drafts[above].parent
        if parent >= 0 and above < 0:
            draft.parent = parent
            drafts[parent].children.append(place)


def _moved(diagnostic: Diagnostic, first: int) -> Diagnostic:
    return replace(diagnostic, line=diagnostic.line + first)
