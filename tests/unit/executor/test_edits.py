"""Lists edited at random and read again: who was not touched keeps its place in the queue, and nobody loses a status.

EDITS says how many edits are made; ten thousand without it. A seed that fails is in the name of its test.
"""

from __future__ import annotations

import os
import random

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

import loader
from executor import sync
from executor.model import Known
from executor.states import TaskStatus
from loader import marks
from loader.model import Status, TaskList

EDITS = int(os.environ.get("EDITS", "10000"))
SEEDS = 20
LINES_MAX = 16
WORDS = "build test ship index worker parser schema report token session queue lease metric upload config".split()  # noqa: SIM905 - read as words
DONE = {TaskStatus.COMPLETED, TaskStatus.SKIPPED}


class Line(Struct):
    """One box of a list, told apart from all others by its number."""

    number: int
    level: int
    title: str
    mark: str = " "
    explicit: bool = False
    touched: bool = True

    def text(self) -> str:
        name = f"T{self.number:03d} " if self.explicit else ""
        return f"{'  ' * self.level}- [{self.mark}] {name}{self.title}"


class Queue(Struct):
    """What `operations` would keep in the database, by queue id."""

    rows: dict[int, Known] = field(default_factory=dict)

    def sync(self, tasks: TaskList) -> None:
        plan = sync.plan(list(self.rows.values()), tasks)
        by_name = {row.task_id: row.queue_id for row in self.rows.values()}
        for old, new in plan.renames:
            self.change(by_name[old], task_id=new)
        for changed in plan.changes:
            kept = {name: changed[name] for name in COLUMNS}
            self.change(changed["queue_id"], removed=False, **kept)
        for row in plan.adds:
            self.add(row)
        for queue_id in plan.removes:
            self.change(queue_id, removed=True)
        for queue_ids, status in (
            (plan.completes, TaskStatus.COMPLETED),
            (plan.skips, TaskStatus.SKIPPED),
            (plan.unticked, TaskStatus.QUEUED),
            (plan.edited, TaskStatus.QUEUED),
        ):
            for queue_id in queue_ids:
                self.change(queue_id, status=status.value)
        names = self.names()
        for task_id, mark in plan.marks:
            self.change(names[task_id], mark=mark)

    def add(self, row: dict[str, object]) -> None:
        kept = {name: value for name, value in row.items() if name != "spec"}
        explicit = row["spec"]["explicit_id"]
        queue_id = len(self.rows) + 1
        self.rows[queue_id] = Known(queue_id=queue_id, removed=False, met=False, explicit_id=explicit, **kept)

    def change(self, queue_id: int, **values: object) -> None:
        self.rows[queue_id] = replace(self.rows[queue_id], **values)

    def names(self) -> dict[str, int]:
        return {row.task_id: row.queue_id for row in self.rows.values() if not row.removed}


COLUMNS = set(Known.__struct_fields__) - {*("queue_id", "removed", "met", "explicit_id", "status", "mark", "task_id")}


class Editor:
    """A person at a list, and an executor that completes its tasks meanwhile."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.lines: list[Line] = []
        self.queue = Queue()
        self.made = 0
        for _ in range(6):
            self.insert()
        self.settle()
        self.tasks = self.parsed()
        self.queue.sync(self.tasks)

    def new(self) -> Line:
        self.made += 1
        title = f"{' '.join(self.choose.sample(WORDS, 6))} {self.made}"
        return Line(self.made, 0, title, explicit=self.choose.random() < 0.25)

    def insert(self) -> None:
        place = self.choose.randrange(len(self.lines) + 1)
        line = self.new()
        line.level = self.choose.randrange(4)
        self.lines.insert(place, line)

    def delete(self) -> None:
        if len(self.lines) > 2:
            del self.lines[self.choose.randrange(len(self.lines))]

    def move(self) -> None:
        line = self.lines.pop(self.choose.randrange(len(self.lines)))
        self.lines.insert(self.choose.randrange(len(self.lines) + 1), line)
        line.touched = True

    def indent(self) -> None:
        line = self.choose.choice(self.lines)
        line.level = max(0, line.level + self.choose.choice((-1, 1)))
        line.touched = True

    def rename(self) -> None:
        line = self.choose.choice(self.lines)
        words = line.title.split()
        words[self.choose.randrange(6)] = self.choose.choice(WORDS)
        line.title = " ".join(words)
        line.touched = True

    def tick(self) -> None:
        line = self.choose.choice(self.lines)
        line.mark = self.choose.choice(" xX~-")
        line.touched = True

    def settle(self) -> None:
        """No line is indented more than a child of the one above: whose indentation that changes is touched."""
        above = -1
        for line in self.lines:
            if line.level > above + 1:
                line.level, line.touched = above + 1, True
            above = line.level

    def source(self) -> bytes:
        return "\n".join(["# List", "", *(line.text() for line in self.lines), ""]).encode()

    def parsed(self) -> TaskList:
        return loader.parse(self.source())

    def complete(self) -> None:
        """A task ends in the queue; its mark is written now, or has not been when the next edit comes."""
        names = self.queue.names()
        task = self.choose.choice(self.tasks.tasks)
        self.queue.change(names[task.task_id], status=TaskStatus.COMPLETED.value)
        if self.choose.random() < 0.5:
            after = marks.patch(self.source(), self.tasks, {task.task_id: Status.COMPLETED}).tasks
            for line, old, new in zip(self.lines, self.tasks.tasks, after.tasks, strict=True):
                line.mark = new.mark
                if new.status is not old.status:
                    self.queue.change(names[new.task_id], mark=new.status.value)
            self.tasks = after

    def rows(self) -> dict[int, tuple[Line, Known, str]]:
        """By number of line: the line, its row of the queue and its key."""
        names = self.queue.names()
        assert len(self.tasks.tasks) == len(self.lines)
        return {
            line.number: (replace(line), self.queue.rows[names[task.task_id]], task.task_id)
            for line, task in zip(self.lines, self.tasks.tasks, strict=True)
        }

    def parents(self) -> dict[int, tuple[tuple[int, str], ...]]:
        """By number of line: the lines around it."""
        result, stack = {}, []
        for line in self.lines:
            del stack[line.level :]
            result[line.number] = tuple(stack)
            stack.append((line.number, line.title))
        return result


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_edits_keep_every_untouched_task_and_every_status(seed: int) -> None:
    editor = Editor(seed)
    for _ in range(EDITS // SEEDS):
        if editor.choose.random() < 0.3:
            editor.complete()
        before, around = editor.rows(), editor.parents()
        for line in editor.lines:
            line.touched = False
        edits = [editor.delete, editor.move, editor.indent, editor.rename, editor.tick]
        if len(editor.lines) < LINES_MAX:
            edits += [editor.insert, editor.insert]
        editor.choose.choice(edits)()
        editor.settle()
        editor.tasks = editor.parsed()
        editor.queue.sync(editor.tasks)
        after, still_around = editor.rows(), editor.parents()
        for number, (line, row, name) in after.items():
            if number not in before:
                continue
            old_line, old_row, old_name = before[number]
            if not line.touched:
                assert row.queue_id == old_row.queue_id, f"{line.text()} is another task now"
                assert row.status == old_row.status, f"{line.text()} was {old_row.status} and is {row.status}"
                if around[number] == still_around[number]:
                    assert name == old_name
            elif line.mark == old_line.mark and old_row.status in DONE:
                assert row.status == old_row.status, f"{line.text()} has lost its status"
