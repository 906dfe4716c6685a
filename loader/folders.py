"""A folder of files that are one task each, as one list."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

import loader
from loader import codes, marks, reading, settings, source, yamls
from loader.drafts import Draft
from loader.model import Diagnostic, Edge, Status, Task, TaskList
from loader.reading import Choices, Facts
from loader.structure import Wave

_HINT = "name one of its files, or give them front matter with `id:` and `status:`"


class Patched(Struct, frozen=True):
    """The files that change with their new bytes, the marks now in the files, unknown ids, and the list of all that."""

    sources: Mapping[str, bytes]
    written: Mapping[str, str]
    missing: tuple[str, ...]
    tasks: TaskList


def digest(sources: Mapping[str, bytes]) -> str:
    """The hash of all names and bytes: what `sha256` is of a folder."""
    return _digest({name: hashlib.sha256(content).digest() for name, content in sources.items()})


def read(sources: Mapping[str, bytes], choices: Choices) -> TaskList:
    """One task a file, ordered by ordinal and id. Lines are counted through all files while the graph is made."""
    whole = _Whole(choices)
    for name in sorted(sources):
        whole.add(name, sources[name])
    return replace(whole.made(), sha256=digest(sources))


def patch(sources: Mapping[str, bytes], tasks: TaskList, wanted: Mapping[str, Status]) -> Patched:
    """Write these statuses, each as one word in its file; a parent is ticked with the last of its children."""
    places = {task.task_id: place for place, task in enumerate(tasks.tasks)}
    known = {task_id: status for task_id, status in wanted.items() if task_id in places}
    result = list(tasks.tasks)
    changed: dict[str, bytes] = {}
    written: dict[str, str] = {}
    for task_id, status in marks.with_parents(tasks, known).items():
        task = tasks.tasks[places[task_id]]
        if task.file not in sources:
            continue
        if task.status is status:
            written[task_id] = task.mark
            continue
        own = loader.parse(sources[task.file], name=task.file)
        patched = marks.patch(sources[task.file], own, {task.task_id: status for task in own.tasks})
        if patched.source != sources[task.file]:
            changed[task.file] = patched.source
            result[places[task_id]] = _remarked(task, patched.tasks.tasks[0])
        written.update((task_id, mark) for mark in patched.written.values())
    missing = tuple(task_id for task_id in wanted if task_id not in known)
    now = replace(tasks, tasks=tuple(result), sha256=digest({**sources, **changed})) if changed else tasks
    return Patched(changed, written, missing, now)


def _remarked(task: Task, own: Task) -> Task:
    return replace(task, mark=own.mark, status=own.status, mark_place=own.mark_place, lines=own.lines)


def _digest(of_files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name in sorted(of_files):
        whole.update(name.encode("utf-8", "surrogateescape") + b"\0" + of_files[name])
    return whole.hexdigest()


class _Whole:
    """The files read so far, one below the other, so that every line of the folder has a number of its own."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.lines: list[str] = []
        self.names: list[str] = []
        self.firsts: list[int] = []  # by file: the lines before it
        self.facts = Facts(
            source.Source(b"", self.lines, []), "backlog-md", "a folder of files with id and status", [], []
        )
        self.facts.place = self._shown
        self.origins: dict[int, yamls.Origin] = {}  # by identity of draft

    def add(self, name: str, content: bytes) -> None:
        """Read one file: a task, or what holds the settings of the list, or a note why it is neither."""
        first = len(self.lines)
        self.names.append(name)
        self.firsts.append(first)
        text = reading.decoded(content, self.choices)
        if isinstance(text, Diagnostic):
            self.lines.append("")
            self._tell(first, text)
            return
        self.lines += text.lines
        found = reading.gather(text, self.choices, name)
        if not isinstance(found, Facts):
            self._tell(first, *found)
        elif found.origin is None:
            self._pass_over(first, found)
        else:
            (draft,) = found.drafts
            of_task = {key: value for key, value in found.settings.items() if key in settings.OF_TASK}
            draft.settings = {**of_task, **draft.settings}
            _move(draft, first)
            self.facts.drafts.append(draft)
            self.origins[id(draft)] = found.origin
            self._tell(first, *found.diagnostics)

    def _pass_over(self, first: int, found: Facts) -> None:
        """A file that is no task may say how the list is to be run."""
        if found.has_settings and not self.facts.has_settings:
            self.facts.has_settings, self.facts.settings = True, found.settings
            self.facts.title, self.facts.description = found.title, found.description
            self.facts.languages = found.languages
            self._tell(first, *found.diagnostics)
        if found.drafts:
            self._tell(first, codes.diagnose(codes.LIST_IN_FOLDER, 1, count=len(found.drafts)))
        elif not found.has_settings:
            self._tell(first, codes.diagnose(codes.NO_TASK_FILE, 1))

    def _tell(self, first: int, *diagnostics: Diagnostic) -> None:
        self.facts.diagnostics += [replace(one, line=one.line + first) for one in diagnostics]

    def made(self) -> TaskList:
        """The list, with lines counted in their files again."""
        drafts = self.facts.drafts
        drafts.sort(key=lambda draft: yamls.order_of(self.origins[id(draft)], draft))
        _adopt(drafts, [self.origins[id(draft)] for draft in drafts])
        self._order_by_waves()
        made = reading.finish(self.facts, self.choices)
        diagnostics = [self._told(one) for one in made.diagnostics]
        return replace(
            made,
            tasks=tuple(self._placed(task) for task in made.tasks),
            parts=tuple(replace(part, lines=None) for part in made.parts),
            edges=tuple(self._drawn(edge) for edge in made.edges),
            diagnostics=tuple(diagnostics),
        )

    def _order_by_waves(self) -> None:
        """GSD plans: each wave waits for the one before."""
        waves: dict[int, list[Draft]] = {}
        for draft in self.facts.drafts:
            if (number := self.origins[id(draft)].wave) is not None:
                waves.setdefault(number, []).append(draft)
                if draft.mark == " " and f"{draft.given_id}-SUMMARY.md" in self.names:
                    draft.status = Status.COMPLETED  # how GSD itself says that a plan was carried out
        if waves and not self.choices.dialect:
            self.facts.dialect, self.facts.reason = "gsd", "a folder of files with a wave"
        self.facts.waves = [
            Wave(
                tuple(str(draft.given_id) for draft in members),
                number,
                members[0].line + self.origins[id(members[0])].wave_line,
            )
            for number, members in sorted(waves.items())
        ]

    def _placed(self, task: Task) -> Task:
        name, line = self._file_of(task.lines[0])
        moved = line - task.lines[0]
        blocks = tuple(replace(block, line=block.line + moved) for block in task.blocks)
        return replace(task, file=name, lines=(line, task.lines[1] + moved), blocks=blocks)

    def _told(self, diagnostic: Diagnostic) -> Diagnostic:
        if diagnostic.code == codes.NO_TASKS.code:
            return replace(diagnostic, line=1, message="the folder holds no task", hint=_HINT)
        name, line = self._file_of(diagnostic.line)
        return replace(diagnostic, file=name, line=line)

    def _drawn(self, edge: Edge) -> Edge:
        name, line = self._file_of(edge.line)
        return replace(edge, file=name, line=line)

    def _file_of(self, line: int) -> tuple[str, int]:
        place = bisect_right(self.firsts, line - 1) - 1
        return self.names[place], line - self.firsts[place]

    def _shown(self, line: int) -> str:
        name, own = self._file_of(line)
        return f"{name}:{own}"


def _move(draft: Draft, first: int) -> None:
    draft.line, draft.end, draft.text_line = draft.line + first, draft.end + first, draft.text_line + first
    draft.references = [replace(reference, line=reference.line + first) for reference in draft.references]
    draft.blocks = [replace(block, line=block.line + first) for block in draft.blocks]


def _adopt(drafts: list[Draft], origins: list[yamls.Origin]) -> None:
    """Make the files that name a parent its children; one that would be its own ancestor stays without."""
    places = {draft.given_id: place for place, draft in enumerate(drafts)}
    for place, (draft, origin) in enumerate(zip(drafts, origins, strict=True)):
        parent = places.get(origin.parent, -1)
        above = parent
        while above >= 0 and above != place:
            above = drafts[above].parent
        if parent >= 0 and above < 0:
            draft.parent = parent
            drafts[parent].adopt(place)
