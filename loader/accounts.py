"""What became of every line that looks like a task: a task, a step, a diagnostic, or the rule that left it out.

Made on demand, from the bytes and the list read from them: reading itself keeps no such record.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from loader import codes, frontmatter, hidden, jsons, outline, source, suspects, tables
from loader.model import Carrier, TaskList
from loader.outline import Outline
from loader.suspects import Look

Verdict = Literal["task", "step", "diagnostic", "rule", "lost"]

# The diagnostics that say why a line is no task; the others speak of tasks.
_TELLING = frozenset(
    code.code
    for code in (
        codes.MALFORMED_BOX,
        codes.EMPTY_BOX,
        codes.HIDDEN_BY_HTML,
        codes.HIDDEN_BY_INDENT,
        codes.UNREACHED_BOX,
        codes.UNNAMED_ROW,
        codes.IGNORED_SECTION,
        codes.QUOTED_BOX,
        codes.LABEL,
        codes.STEP,
        codes.REPEATED_ROW,
        codes.FRONT_MATTER_BOX,
        codes.CRITERION,
        codes.TABLE_OF_TASK,
        codes.BOXES_IN_TABLE,
    )
)
_UNCLOSED = frozenset((codes.UNCLOSED_FENCE.code, codes.UNCLOSED_COMMENT.code, codes.SUSPECT_FENCE.code))
_REFUSING = frozenset((codes.TOO_LARGE.code, codes.BAD_JSON.code, codes.UNREADABLE_BLOCKS.code))
_HIDERS = {"comment": "HTML comment", "html": "HTML block", "code": "indented code", "quote": "block quote"}


AnyLook = Look | Literal["front matter", "YAML", "object", "line"]
_LOOKS: Mapping[Carrier, AnyLook] = {"heading": "heading", "yaml": "YAML", "file": "front matter"}


class Account(Struct, frozen=True):
    """One line (from 1). `task_id` is the task it is or belongs to; `code` is set where a diagnostic says `reason`.

    A verdict "lost" would be a fault of the reader: there is none in any list that the tests know.
    """

    line: int
    look: AnyLook
    text: str
    verdict: Verdict
    reason: str
    task_id: str = ""
    code: str = ""
    file: str = ""


def of(content: bytes | Mapping[str, bytes], tasks: TaskList) -> list[Account]:
    """Every such line of a file, or of the files of a folder, that `tasks` was read from; in file order."""
    if isinstance(content, bytes):
        return _of_file(content, tasks)
    found = []
    for name in sorted(content):
        own = replace(
            tasks,
            tasks=tuple(task for task in tasks.tasks if task.file == name),
            diagnostics=tuple(one for one in tasks.diagnostics if one.file == name),
        )
        if own.tasks or not any(one.code == codes.LIST_IN_FOLDER.code for one in own.diagnostics):
            found += [replace(account, file=name) for account in _of_file(content[name], own)]
    return found


def _of_file(data: bytes, tasks: TaskList) -> list[Account]:
    try:
        text = source.decode(data)
    except source.NotTextError:
        return []
    if tasks.dialect in (*jsons.REASONS, "todo.txt"):
        look: AnyLook = "line" if tasks.dialect == "todo.txt" else "object"
        return [
            Account(task.lines[0], look, text.lines[task.lines[0] - 1], "task", f"task {task.task_id}", task.task_id)
            for task in tasks.tasks
        ]
    return list(_Book(text, tasks).accounts())


class _Book:
    """All that is known of one Markdown file, by line (from 0)."""

    def __init__(self, text: source.Source, tasks: TaskList) -> None:
        self.text = text
        self.tasks = tasks
        self.front_end = frontmatter.read(text.lines).end
        self.outline = _traced(text, self.front_end)
        self.marks = dict(_marks(text, tasks))
        self.places = sorted(self.marks)
        self.steps = {step.line - 1: task.task_id for task in tasks.tasks for step in task.steps}
        self.tellings = {one.line - 1: one for one in reversed(tasks.diagnostics) if one.code in _TELLING}
        self.unclosed = {one.line - 1: one for one in tasks.diagnostics if one.code in _UNCLOSED}
        self.refused = next((one for one in tasks.diagnostics if one.code in _REFUSING), None)
        self.hidden = dict(self._hidden())
        self.tables = {line: table for table in self.outline.tables for line in range(table.start, table.end)}

    def accounts(self) -> Iterator[Account]:
        looks: dict[int, AnyLook] = dict(suspects.find(self.text.lines, self.outline))
        for task in self.tasks.tasks:
            if task.carrier in _LOOKS:
                looks[task.lines[0] - 1] = _LOOKS[task.carrier]
        for line, look in sorted(looks.items()):
            yield self._account(line, look)

    def _account(self, line: int, look: AnyLook) -> Account:
        def told(verdict: Verdict, reason: str, task_id: str = "", code: str = "") -> Account:
            return Account(line + 1, look, self.text.lines[line], verdict, reason, task_id, code)

        if line in self.marks:
            return told("task", f"task {self.marks[line]}", self.marks[line])
        if line in self.steps:
            return told("step", f"a step of task {self.steps[line]}", self.steps[line])
        if line in self.tellings:
            return told("diagnostic", self.tellings[line].message, code=self.tellings[line].code)
        if line in self.hidden:
            opening, reason = self.hidden[line]
            code = self.unclosed[opening].code if opening in self.unclosed else ""
            return told("diagnostic" if code else "rule", reason, code=code)
        if line < self.front_end:
            return told("rule", "front matter")
        if self.refused is not None:
            return told("diagnostic", self.refused.message, code=self.refused.code)
        reason = self._rule(line, look)
        return told("rule" if reason else "lost", reason or "no rule says why")

    def _hidden(self) -> Iterator[tuple[int, tuple[int, str]]]:
        """The lines within code, comments and quotes, each with where that begins."""
        for hider in self.outline.hiders:
            for line in range(hider.start, hider.end):
                yield line, (hider.start, f"{_HIDERS[hider.kind]} from line {hider.start + 1}")
        for fence in self.outline.fences:
            for line in range(fence.start, fence.end):
                yield line, (fence.start, f"code fence from line {fence.start + 1}")

    def _rule(self, line: int, look: AnyLook) -> str:
        match look:
            case "row":
                return self._rule_of_row(line)
            case "heading":
                return self._rule_of_heading(line)
            case _:
                return "a label, not a mark" if hidden.is_label(self.text.lines[line]) else ""

    def _rule_of_row(self, line: int) -> str:
        table = self.tables.get(line)
        if table is None:
            return "text: no table of its own to Markdown"
        if line == table.start and any(row in self.marks for row in range(table.start, table.end)):
            return "the header of a table of tasks"
        if line == table.start and any(row in self.tellings for row in range(table.start, table.end)):
            return "the header of a table"
        if table.start in self.tellings:
            return self.tellings[table.start].message
        return tables.refusal(self.text.lines, table) or "the header of a table without rows"

    def _rule_of_heading(self, line: int) -> str:
        level = next((one.level for one in self.outline.headings if one.line == line), 0)
        if not level:
            return "text: no heading of its own to Markdown"
        later = (one.line for one in self.outline.headings if one.line > line and one.level <= level)
        end = next(later, len(self.text.lines))
        if bisect_right(self.places, line) < bisect_left(self.places, end):
            return "a section: the tasks stand below it"
        return "a section: no task stands below it"


def _traced(text: source.Source, front_end: int) -> Outline:
    """The outline that was read, without front matter; empty where the parser gives up."""
    try:
        return outline.trace("\n".join([""] * front_end + text.lines[front_end:]))
    except RecursionError:
        return Outline()


def _marks(text: source.Source, tasks: TaskList) -> Iterator[tuple[int, str]]:
    """The lines of tasks: where each begins, and where its box is if that is not the same."""
    for task in tasks.tasks:
        yield task.lines[0] - 1, task.task_id
        if task.carrier == "checkbox":
            yield bisect_right(text.starts, task.mark_place.start) - 1, task.task_id
