"""What a task list is once it has been read: values, frozen, with the place in the file of everything."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

Role = Literal["run", "verify", "prompt", "text"]
Carrier = Literal["checkbox", "table", "heading", "yaml", "file", "json", "todo.txt"]


class Status(StrEnum):
    """What a mark says of its task."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    BLOCKED = "blocked"


class Severity(StrEnum):
    """Errors stop a run before it starts; warnings are shown and the run goes on; notes say what a rule left out."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Diagnostic(Struct, frozen=True):
    """One thing to know about the file: `line` and `column` count from 1, `column` in characters."""

    code: str
    severity: Severity
    line: int
    column: int
    message: str
    hint: str = ""
    file: str = ""  # of a folder that is one list


class Block(Struct, frozen=True):
    """A fenced block of a task. `line` is the line of its opening fence, `content` ends with a newline unless empty."""

    language: str
    role: Role
    attributes: Mapping[str, str]
    content: str
    line: int


class Edge(Struct, frozen=True):
    """`task_id` waits until `depends_on` is completed, because of `rule` as written on `line`."""

    task_id: str
    depends_on: str
    rule: str
    line: int
    file: str = ""  # of a folder that is one list


class MarkPlace(Struct, frozen=True):
    """The bytes of the file that hold a task's mark: `start` is an offset into the file as it is on disk, BOM included.

    `length` may be 0 (a table cell or a prefix that is not there yet); `before` and `after` are written around the new
    mark only in that case.
    """

    start: int
    length: int
    before: str = ""
    after: str = ""


class Step(Struct, frozen=True):
    """A box in the body of a task that is a heading: ticked with the task, never run on its own."""

    mark: str
    mark_place: MarkPlace
    line: int
    body_line: int = -1  # the line of the task's body that shows it, from 0; -1 for none


class Task(Struct, frozen=True):
    """One task as its file tells it (format.md, section 1). `lines` is first and last, from 1, inclusive."""

    task_id: str
    title: str
    body: str
    priority: str
    priority_raw: str
    rank: int  # claim order: 0 for P0, else the number of the priority
    section: tuple[str, ...]
    dependencies: tuple[str, ...]
    mark: str
    status: Status
    lines: tuple[int, int]
    position: int
    fingerprint: str  # changes when anything that would change a run of the task changes; marks do not
    mark_place: MarkPlace
    explicit_id: bool = False
    parent: str | None = None
    container: bool = False  # a parent box with nothing of its own to run: complete when its children are
    parallel: bool = False
    optional: bool = False
    assignee: str | None = None
    agent: str | None = None
    tags: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    carrier: Carrier = "checkbox"
    file: str = ""  # of a folder that is one list: `lines` and `mark_place` are in it
    steps: tuple[Step, ...] = ()  # where there are any, `mark`, `status` and `mark_place` follow from them
    archived: bool = False  # in a section of completed tasks: it is completed whatever its mark


class Part(Struct, frozen=True):
    """Tasks one after the other that are written in one way, and how that was seen.

    `section` is the heading path they share, `lines` are those of the first and the last of them (None for a folder).
    """

    carrier: Carrier
    reason: str
    section: tuple[str, ...]
    lines: tuple[int, int] | None
    count: int


class TaskList(Struct, frozen=True):
    """A whole file. `sha256` is of its bytes on disk; `tasks` are in file order; ids are unique."""

    title: str
    description: str
    dialect: str
    settings: Mapping[str, object]
    tasks: tuple[Task, ...]
    edges: tuple[Edge, ...]
    diagnostics: tuple[Diagnostic, ...]
    sha256: str
    vocabulary: Mapping[Status, str] = field(
        default_factory=dict
    )  # the mark to write for a status: the file's own first
    meanings: Mapping[str, Status] = field(default_factory=dict)  # what each mark says in this file
    dialect_reason: str = ""  # why the list is read in this dialect
    parts: tuple[Part, ...] = ()  # one, but where tasks of several carriers stand below each other

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that must be mended before the list can run."""
        return tuple(diagnostic for diagnostic in self.diagnostics if diagnostic.severity is Severity.ERROR)

    @property
    def sequential(self) -> bool:
        """A list in which nobody wrote a dependency is a sequence: its order is its meaning (format.md, section 4)."""
        return all(edge.rule == "parent" for edge in self.edges)
