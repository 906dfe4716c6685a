"""The table carrier: which rows are tasks, with columns found by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from loader import codes, ids, legends, patterns, priorities, references, settings, signs, wording
from loader.boxes import Found, Page
from loader.drafts import Draft
from loader.model import Block, MarkPlace, Status
from loader.outline import Table
from loader.references import Reference
from loader.regions import Plan
from loader.wording import Wording

_ROLES: dict[str, str] = {
    **dict.fromkeys(
        ("id", "task id", "taskid", "task #", "story id", "ticket id", "key", "ticket", "#", "no", "no.", "nr"), "id"
    ),
    **dict.fromkeys(
        ("status", "state", "done", "done?", "mark", "progress", "✓", "✅", "状态", "상태", "완료", "estado"), "status"
    ),
    **dict.fromkeys(
        (
            "depends on",
            "depends",
            "deps",
            "dep",
            "dependencies",
            "dependency",
            "requires",
            "blocked by",
            "after",
            "prerequisites",
            "prereqs",
            "依赖",
            "依存",
            "의존성",
            "dependencias",
            "dependências",
        ),
        "depends_on",
    ),
    **dict.fromkeys(
        ("task", "title", "task name", "description", "summary", "name", "what", "work", "item", "todo", "标题"),
        "title",
    ),
    **dict.fromkeys(("pri", "prio", "priority"), "priority"),
    **dict.fromkeys(("assignee", "owner", "who", "role"), "assignee"),
    **dict.fromkeys(("tags", "labels"), "tags"),
    **dict.fromkeys(("verify", "check"), "verify"),
    **dict.fromkeys(("run", "command", "cmd"), "run"),
    **{
        name.replace("_", " "): name
        for name in ("timeout", "retries", "dir", "env", "runner", "agent", "gate", "shell")
    },
}
_REASON_MAX = 120
_PIPE = patterns.lazy(r"(?<!\\)\|")
_BOX = patterns.lazy(r"`?\[([^\[\]])\]`?")
_BARE_BOX = patterns.lazy(r"\[[ xX~]\]")
_ID = patterns.lazy(r"[\w][\w.+/-]*")
_NUMBERED = patterns.lazy(r"\d")
_WORDS = patterns.lazy(r"[^\W\d_]{2,} [^\W\d_]{2,}")
_LINK = patterns.lazy(r"\[([^\]]*)\]\([^)]*\)")
_ESCAPED_PIPE = patterns.lazy(r"\\\|")

_SIGN = patterns.lazy(r"(" + "|".join(signs.SIGNS) + r")\ufe0f?")


class Cell(Struct, frozen=True):
    """A cell's text, the column (from 0) where it begins in its line, and its width with the blanks around it."""

    text: str
    column: int
    width: int = 0


class _Header(Struct, frozen=True):
    names: tuple[str, ...]
    roles: dict[str, int]  # role -> column

    @property
    def reason(self) -> str:
        """What shows that the rows are tasks."""
        columns = [self.names[column] for _, column in sorted(self.roles.items(), key=lambda role: role[1])]
        return f"rows of a table with columns such as {', '.join(columns[:4])}"[:_REASON_MAX]


def find(page: Page, found: Found, plan: Plan) -> list[Draft]:
    """The rows that are tasks; rows that are none are accounted for in `found`."""
    drafts: list[Draft] = []
    for table in page.outline.tables:
        header, rows = _read(page.source.lines, table)
        owner = plan.owner(table.start)
        if header is None or not _is_tasks(header, [row for _, row in rows]):
            count = sum(_holds_a_box(row) for _, row in rows)
            if count and owner < 0 and page.sections.at(table.start).kind != "ignored":
                found.diagnostics.append(codes.diagnose(codes.BOXES_IN_TABLE, table.start + 1, boxes=_boxes(count)))
            continue
        if owner >= 0:
            name = plan.drafts[owner].given_id
            found.diagnostics.append(codes.diagnose(codes.TABLE_OF_TASK, table.start + 1, name=name))
            continue
        kind = page.sections.at(table.start)
        if kind.kind == "ignored":
            found.diagnostics.extend(
                codes.diagnose(codes.IGNORED_SECTION, line + 1, section=kind.name) for line, _ in rows
            )
            continue
        reason = header.reason
        for line, row in rows:
            draft = _draft(page, header, line, row, found)
            if draft is not None:
                draft.reason = reason
                drafts.append(draft)
    return drafts


def _holds_a_box(row: Sequence[Cell]) -> bool:
    """A row of a legend (`[ ]` beside "pending") holds none."""
    texts = [cell.text for cell in row]
    return any(_BARE_BOX.fullmatch(text) for text in texts) and not any(
        text.casefold() in legends.WORDS for text in texts
    )


def _boxes(count: int) -> str:
    return "a box" if count == 1 else f"{count} boxes"


def refusal(lines: Sequence[str], table: Table) -> str:
    """Why the rows of a table are no tasks, where its own look is the cause; else nothing."""
    header, rows = _read(lines, table)
    if header is None:
        return "a table without an id and a title, status or dependency"
    return "" if _is_tasks(header, [row for _, row in rows]) else "a table whose ids hold no numbers"


def _read(lines: Sequence[str], table: Table) -> tuple[_Header | None, list[tuple[int, list[Cell]]]]:
    """The columns and rows of a table that may hold tasks."""
    names = tuple(cell.text.strip("*`_ ") for cell in cells(lines[table.start]))
    roles = _roles(names)
    rows = [(line, cells(lines[line])) for line in range(table.start + 2, table.end)]
    header = _header(names, roles, [row for _, row in rows]) if roles.keys() & {"id", "title"} else None
    return header, rows


def cells(line: str) -> list[Cell]:
    """The cells of a row by its raw text, trimmed, since the parser keeps no columns."""
    edges = [match.start() for match in _PIPE.finditer(line)]
    stripped = line.strip()
    if not stripped.startswith("|"):
        edges.insert(0, -1)
    if not edges or line[edges[-1] + 1 :].strip():
        edges.append(len(line))
    result = []
    for start, end in pairwise(edges):
        raw = line[start + 1 : end]
        text = raw.strip()
        column = start + 1 + (len(raw) - len(raw.lstrip()) if text else 0)
        result.append(Cell(text, column, len(raw)))
    return result


def _roles(names: Sequence[str]) -> dict[str, int]:
    roles: dict[str, int] = {}
    for column, name in enumerate(names):
        role = _ROLES.get(name.casefold().replace("-", " ").replace("_", " ").strip())
        if role is not None:
            roles.setdefault(role, column)
    return roles


def _header(names: tuple[str, ...], roles: dict[str, int], rows: Sequence[Sequence[Cell]]) -> _Header | None:
    """The columns of a task table. Where none is called an id, the one of the tasks may hold ids: `Task | What | …`."""
    if "id" not in roles and "depends_on" in roles:
        column = roles.pop("title")
        if not all(_named(row[column].text) for row in rows if len(row) > column):
            return None
        roles = {**_roles(("", *names[1:]) if column == 0 else names), "id": column}
        roles = {role: at for role, at in roles.items() if role == "id" or at != column}
    if "id" not in roles or not roles.keys() & {"status", "depends_on", "title"}:
        return None
    if "title" not in roles:
        column = next((at for at in range(roles["id"] + 1, len(names)) if at not in roles.values()), -1)
        if column >= 0 and 2 * sum(_is_prose(row, column) for row in rows) >= len(rows):
            roles["title"] = column  # under a name we do not know
    return _Header(names, roles)


def _is_prose(row: Sequence[Cell], column: int) -> bool:
    return len(row) > column and _WORDS.search(row[column].text) is not None


def _named(text: str) -> bool:
    """Whether it is an id, behind the sign that a mark of ours may be."""
    name = _id(_unsigned(text))
    candidate = ids.find(name)
    return candidate is not None and candidate.name == name


def _is_tasks(header: _Header, rows: Sequence[Sequence[Cell]]) -> bool:
    """At least half of the ids hold a number: a table of terms or of people is no task list."""
    column = header.roles["id"]
    ids = [text for row in rows if len(row) > column and (text := _unsigned(row[column].text))]
    return bool(ids) and 2 * sum(1 for text in ids if _NUMBERED.search(text)) >= len(ids)


def _unsigned(text: str) -> str:
    """What an id cell says behind the sign that a mark of ours may be."""
    sign = _SIGN.match(text)
    return text[sign.end() :] if sign else text


def _draft(page: Page, header: _Header, line: int, row: Sequence[Cell], found: Found) -> Draft | None:
    at = {role: row[column] for role, column in header.roles.items() if column < len(row)}
    id_cell = at.get("id", Cell("", 0))
    sign = _SIGN.match(id_cell.text)
    task_id = _id(_unsigned(id_cell.text))
    title = _plain(at["title"].text) if "title" in at else ""
    if not task_id and not title:
        found.diagnostics.append(codes.diagnose(codes.UNNAMED_ROW, line + 1))
        return None
    mark, status, place = _mark(page, line, at, sign, id_cell, found)
    section = page.sections.at(line)
    read = wording.read(title) if title else Wording(title=task_id)
    read.title = wording.titled(read, with_id=False)
    read.candidate = None
    draft = Draft(
        line=line,
        end=line + 1,
        mark=mark,
        status=Status.COMPLETED if section.kind == "archived" else status,
        mark_place=place,
        section=section,
        wording=read,
        carrier="table",
        text_line=line,
        optional=section.is_optional,
        given_id=task_id or None,
    )
    for role, cell in at.items():
        _set(draft, role, cell, header.names[header.roles[role]], found)
    known = set(header.roles.values())
    draft.body = "\n".join(
        f"{header.names[column]}: {cell.text}"
        for column, cell in enumerate(row)
        if cell.text and column not in known and column < len(header.names)
    )
    return draft


def _id(text: str) -> str:
    text = _LINK.sub(r"\1", text.strip()).strip("*`~[] ")
    return text if _ID.fullmatch(text) else ""


def _plain(text: str) -> str:
    return _ESCAPED_PIPE.sub("|", text)


def _mark(
    page: Page, line: int, at: dict[str, Cell], sign: re.Match[str] | None, id_cell: Cell, found: Found
) -> tuple[str, Status, MarkPlace]:
    """The mark of a row: in its status cell, else the sign before its id, else none yet."""
    if "status" in at:
        return _status(page, line, at["status"], found)
    start = page.source.offset(line, id_cell.column)
    if sign is None:
        return " ", Status.PENDING, MarkPlace(start, 0, "", " ")
    rest = id_cell.text[sign.end() :]
    if rest:
        blanks = len(rest) - len(rest.lstrip())
    else:  # no id: of the blanks in the cell one belongs to the sign
        blanks = int(page.source.lines[line].startswith(" ", id_cell.column + sign.end()))
    length = len(id_cell.text[: sign.end() + blanks].encode()) if rest else len(sign[0].encode()) + blanks
    return sign[0], signs.SIGNS[sign[1]], MarkPlace(start, length, "", " ")


def _status(page: Page, line: int, cell: Cell, found: Found) -> tuple[str, Status, MarkPlace]:
    def place(column: int, text: str) -> MarkPlace:
        return MarkPlace(page.source.offset(line, cell.column + column), len(text.encode()))

    if not cell.text:
        left, right = min(1, cell.width), min(1, max(0, cell.width - 1))  # blanks that stay around the new mark
        start = page.source.offset(line, cell.column + left)
        return " ", Status.PENDING, MarkPlace(start, 0, " " * (1 - left) + "[", "]" + " " * (1 - right))
    if match := _BOX.match(cell.text):
        if match[1] not in page.meanings:
            found.diagnostics.append(codes.diagnose(codes.UNKNOWN_MARK, line + 1, cell.column + 1, mark=match[1]))
        return match[1], page.meanings.get(match[1], Status.PENDING), place(match.start(1), match[1])
    if (match := _SIGN.match(cell.text)) and signs.word_of(cell.text) is None:
        return match[0], signs.SIGNS[match[1]], place(0, match[0])
    # a mark alone is one, also where its character could be decoration: `~`, `*`
    word = cell.text if cell.text in page.meanings else cell.text.strip("*_`~ ")
    status = legends.WORDS.get(word.casefold()) or page.meanings.get(word) or signs.word_of(word)
    start = cell.text.find(word)
    if cell.text[:start] != cell.text[start + len(word) :][::-1]:
        start, word = 0, cell.text  # of `⏳ **OPEN**` the stars would stay behind
    if status is None:
        found.diagnostics.append(codes.diagnose(codes.UNKNOWN_MARK, line + 1, cell.column + 1, mark=word))
        status = Status.PENDING
    return word, status, place(start, word)  # what else it says is of this status and goes with it


def _set(draft: Draft, role: str, cell: Cell, column_name: str, found: Found) -> None:
    text = _plain(cell.text)
    if not text or text in ("-", "–", "—"):
        return
    if role == "depends_on":
        rule = f"column {column_name}"
        draft.refer(Reference(name, rule, draft.line) for name in references.names(text))
    elif role in ("verify", "run"):
        for block in _blocks(role, text, draft.line):
            draft.hold(block)
    elif role in settings.OF_TASK:
        row = settings.OF_TASK[role]
        try:
            read = priorities.of_cell if role == "priority" else row.read
            draft.settings[row.name] = read(text.strip("*`~ "))
        except ValueError as error:
            facts = {"key": column_name, "value": text, "expected": str(error)}
            if role in settings.DESCRIPTIVE:
                found.diagnostics.append(codes.diagnose(codes.FOREIGN_VALUE, draft.line + 1, **facts))
            else:
                found.diagnostics.append(codes.diagnose(codes.BAD_VALUE, draft.line + 1, cell.column + 1, **facts))


def _blocks(role: str, text: str, line: int) -> Iterator[Block]:
    command = text.strip().strip("`").strip()
    if command and command.casefold() not in ("none", "n/a", "-"):
        yield Block("sh", "verify" if role == "verify" else "run", {}, command + "\n", line + 1)
