"""Golden cases: what `tests/unit/cases/*.md` say of each dialect and each rule is what the loader reads.

A case is a heading, a file in a fence and what is read from it in another. After the language of the first fence may
stand how the file is read: `name=prd.json`, `dialect=kiro`, `on_duplicate=suffix`, `allow_missing`, `max_size=9`,
`escapes` (`\x0b`, `\u2028`, `\r` and the like are those characters), `folder` (several files, each below a line
`==> its name`). After the language of the second, what is shown beside the one line of each task: the words of `MORE`,
and of the list `title`, `order` and the `messages` of its diagnostics. What cannot be seen is shown by its escape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import loader
from loader import codes
from loader.model import Diagnostic, Task, TaskList

CASES = Path(__file__).parents[1] / "cases"
_CASE = re.compile(
    r"^## (?P<title>.+?)\n+`{5}\w*(?: (?P<how>[^\n]+))?\n(?P<source>.*?)^`{5}\n+"
    r"`{5}text(?: (?P<more>[^\n]+))?\n(?P<expected>.*?)^`{5}$",
    re.MULTILINE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|[rnt])")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_FILE = re.compile(r"^==> (.+)\n", re.MULTILINE)
_UNREACHED = {"E013"}  # no file alone makes the parser give up: test_traps.py does


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it is written."""

    name: str
    how: Mapping[str, str]
    source: str
    more: tuple[str, ...]
    expected: str


def _priority(task: Task) -> Iterator[str]:
    yield f"raw {task.priority_raw or '-'} rank {task.rank}"


def _blocks(task: Task) -> Iterator[str]:
    for block in task.blocks:
        attributes = "".join(f" {key}={value}" for key, value in block.attributes.items())
        yield f"{block.role} line {block.line}{attributes}"
        yield from (f"> {line}".rstrip() for line in block.content.split("\n")[:-1])


def _settings(task: Task) -> Iterator[str]:
    yield from (f"{key} = {value}" for key, value in sorted(task.settings.items()))


MORE: Mapping[str, Callable[[Task], Iterator[str]]] = {
    "priority": _priority,
    "section": lambda task: iter([" / ".join(task.section)] if task.section else []),
    "lines": lambda task: iter([f"lines {task.lines[0]}-{task.lines[1]}"]),
    "agent": lambda task: iter([f"agent {task.agent}"] if task.agent else []),
    "container": lambda task: iter(["container"] if task.container else []),
    "settings": _settings,
    "body": lambda task: (f": {line}".rstrip() for line in task.body.split("\n") if task.body),
    "blocks": _blocks,
    "steps": lambda task: (f"step [{step.mark}] line {step.line}" for step in task.steps),
    "file": lambda task: iter([task.file]),
}


def shown(tasks: TaskList, more: tuple[str, ...] = ()) -> str:
    """A list in the spelling of the cases: dialect, tasks, edges, diagnostics."""
    lines = [f"dialect {tasks.dialect}", *_of_list(tasks, more)]
    for task in tasks.tasks:
        marks = [word for word, is_so in (("parallel", task.parallel), ("optional", task.optional)) if is_so]
        marks += [f"steps={len(task.steps)}"] if task.steps else []
        marks += [f"in={task.parent}"] if task.parent else []
        marks += [f"@{task.assignee}"] if task.assignee else []
        marks += [f"#{tag}" for tag in task.tags]
        marks += [f"{block.role}:{block.language}" for block in task.blocks]
        name = task.task_id if task.explicit_id else "-"
        facts = " ".join([task.status, task.priority, *marks])
        lines.append(f"{name} | {task.title} | {facts}")
        lines += [f"  {line}" for key, facts_of in MORE.items() if key in more for line in facts_of(task)]
    titles = {task.task_id: task.task_id if task.explicit_id else task.title for task in tasks.tasks}
    lines += [
        f"edge {titles[edge.task_id]} <- {titles[edge.depends_on]} ({edge.rule}, line {edge.line})"
        for edge in tasks.edges
    ]
    lines += [_diagnosed(found, with_message="messages" in more) for found in tasks.diagnostics]
    return _INVISIBLE.sub(lambda match: ascii(match[0])[1:-1], "\n".join(lines) + "\n")


def _of_list(tasks: TaskList, more: tuple[str, ...]) -> Iterator[str]:
    if "title" in more:
        yield from (f"{key}: {value}" for key in ("title", "description") if (value := getattr(tasks, key)))
    if "settings" in more:
        yield from (f"setting {key} = {value}" for key, value in sorted(tasks.settings.items()))
    if "order" in more:
        yield "a sequence" if tasks.sequential else "a graph"


def _diagnosed(found: Diagnostic, *, with_message: bool) -> str:
    place = f"{found.file} line {found.line}" if found.file else f"line {found.line}"
    return f"{found.code} {place}" + (f", column {found.column}: {found.message}" if with_message else "")


def cases() -> Iterator[Case]:
    for path in sorted(CASES.glob("*.md")):
        for match in _CASE.finditer(path.read_text(encoding="utf-8")):
            words = (word.partition("=") for word in (match["how"] or "").split())
            how = {key: value for key, _, value in words}
            more = tuple((match["more"] or "").split())
            yield Case(f"{path.stem}: {match['title']}", how, match["source"], more, match["expected"])


ALL = list(cases())


def _read(case: Case) -> TaskList:
    source = case.source
    if "escapes" in case.how:
        source = _ESCAPE.sub(lambda match: match[0].encode().decode("unicode_escape"), source)
    options = {key: case.how[key] for key in ("dialect", "on_duplicate") if key in case.how}
    allow_missing = "allow_missing" in case.how
    if "folder" in case.how:
        names_and_texts = iter(_FILE.split(source)[1:])
        return loader.parse_folder({name: text.encode() for name, text in zip(*[names_and_texts] * 2, strict=True)})
    limit = {"max_size": int(case.how["max_size"])} if "max_size" in case.how else {}
    name = case.how.get("name", "tasks.md")
    return loader.parse(source.encode(), name=name, allow_missing=allow_missing, **options, **limit)  # type: ignore[arg-type]


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_the_case_is_read_as_it_says(case: Case) -> None:
    assert shown(_read(case), case.more) == case.expected


def test_every_case_of_the_files_is_found() -> None:
    headings = sum(len(re.findall(r"(?m)^`{5}text(?! name=)", path.read_text("utf-8"))) for path in CASES.glob("*.md"))
    assert len(ALL) == headings >= 300


def test_no_case_asks_for_what_there_is_not() -> None:
    known = {*MORE, "title", "order", "messages"}
    ways = {"name", "dialect", "on_duplicate", "allow_missing", "max_size", "escapes", "folder"}
    assert {word for case in ALL for word in case.more} <= known
    assert {word for case in ALL for word in case.how} <= ways


def test_every_diagnostic_is_in_a_case() -> None:
    found = {code for case in ALL for code in re.findall(r"^([EWI]\d{3}) ", case.expected, re.MULTILINE)}
    assert {code.code for code in codes.TABLE} - found == _UNREACHED
