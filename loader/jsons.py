"""Task lists in JSON: `prd.json` with user stories and Task-Master's `tasks.json`."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from loader import codes, fields, patterns
from loader.drafts import Draft
from loader.fields import Found
from loader.model import MarkPlace
from loader.priorities import Priority
from loader.source import Source

_TOKEN = patterns.lazy(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')
_PARTS = ("description", "details", "steps", "acceptanceCriteria", "testStrategy", "notes")
_ORDINARY_TAG = "master"

REASONS = {"prd-json": "it holds user stories", "task-master": "it holds a list of tasks"}


class Node(Struct):
    """A JSON value and the characters it takes; the items of an object or array stand in `children`."""

    start: int
    end: int
    value: object = None
    children: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)


class Read(Struct):
    """What a JSON file holds; `dialect` is "" where that is no task list."""

    found: Found
    dialect: str = ""
    title: str = ""
    description: str = ""


def read(source: Source) -> Read:
    """The stories or tasks of a file, in the order in which they are to be done."""
    text = source.data.decode("utf-8-sig")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _refused(error.msg, error.lineno, error.colno)
    except (RecursionError, ValueError) as error:
        return _refused(str(error).split("\n", 1)[0])
    root = parse(text)
    found = Found()
    reader = _Reader(text, len(source.data) - len(text.encode()), found)
    stories = _listed(root, "userStories") or _listed(root, "stories") or _passing(root)
    if stories is not None:
        reader.stories(stories)
        return Read(found, "prd-json", _plain(root, "project", "title", "name"), _plain(root, "description"))
    tagged = {tag: tasks for tag, node in root.children.items() if (tasks := _listed(node, "tasks")) is not None}
    tasks = _listed(root, "tasks") or (root if root.items else None)
    if tasks is None and tagged:
        chosen = _ORDINARY_TAG if _ORDINARY_TAG in tagged else next(iter(tagged))
        tasks = tagged[chosen]
        for tag, others in tagged.items():
            if tag != chosen:
                count = "1 task" if len(others.items) == 1 else f"{len(others.items)} tasks"
                facts = {"name": tag, "count": count, "chosen": chosen}
                found.diagnostics.append(codes.diagnose(codes.OTHER_TAG, reader.line(others.start) + 1, **facts))
    if tasks is None:
        return _refused("no userStories and no tasks in it")
    reader.tasks(tasks)
    return Read(found, "task-master", _plain(root, "title", "name"), _plain(root, "description"))


def parse(text: str) -> Node:
    """The tree of a text that is known to be JSON, token by token: no depth is too deep."""
    root = Node(0, len(text))
    stack: list[tuple[Node, bool]] = []
    key: str | None = None
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in ",:":
            continue
        if first in "]}":
            node, _ = stack.pop()
            node.end = token.end()
            key = None
            continue
        if first == '"' and stack and stack[-1][1] and key is None:
            key = json.loads(token[0], strict=False)
            continue
        node = Node(token.start(), token.end()) if stack else root
        if stack and stack[-1][1]:
            stack[-1][0].children[key or ""] = node
        elif stack:
            stack[-1][0].items.append(node)
        key = None
        if first in "[{":
            node.start = token.start()
            stack.append((node, first == "{"))
        else:
            node.value = json.loads(token[0], strict=False)
    return root


class _Reader:
    """Nodes made into drafts; characters into lines and bytes, which only go forward."""

    def __init__(self, text: str, first_byte: int, found: Found) -> None:
        self.text = text
        self.found = found
        self.ends = [match.start() for match in re.finditer(r"\r\n|\r|\n", text)]
        self.at = (0, first_byte)

    def line(self, position: int) -> int:
        return bisect_right(self.ends, position - 1)

    def stories(self, nodes: Node) -> None:
        for node in nodes.items:
            if not self._is_task(node, *(fields.TITLES if "passes" in node.children else ())):
                continue
            made = self._draft(node, "passes")
            number = node.children["priority"].value if "priority" in node.children else None
            if isinstance(number, int) and not isinstance(number, bool):
                bounded = min(max(number, 1), 4)
                made.settings["priority"] = Priority(f"P{bounded}", str(number), bounded)
        order = {id(made): _number(made) for made in self.found.drafts}
        self.found.drafts.sort(key=lambda made: order[id(made)])

    def tasks(self, nodes: Node) -> None:
        for node in nodes.items:
            if not self._is_task(node):
                continue
            place = len(self.found.drafts)
            made = self._draft(node, "status")
            below = node.children.get("subtasks")
            children = [child for child in below.items if self._is_task(child)] if below is not None else []
            siblings = {str(child.children["id"].value) for child in children}
            for child in children:
                self._subtask(child, siblings, made, place)

    def _subtask(self, node: Node, siblings: set[str], parent: Draft, parent_place: int) -> None:
        """Numbers in a subtask count within its parent first."""
        made = self._draft(node, "status")
        prefix = f"{parent.given_id}."
        if not str(made.given_id).startswith(prefix):
            made.given_id = prefix + str(made.given_id)
        made.references = [
            replace(reference, name=prefix + reference.name) if reference.name in siblings else reference
            for reference in made.references
        ]
        made.parent, made.level = parent_place, 1
        parent.adopt(len(self.found.drafts) - 1)

    def _is_task(self, node: Node, *names: str) -> bool:
        """Whether it has an id, or one of these fields in its place."""
        if any(key in node.children and fields.is_id(node.children[key].value) for key in ("id", *names)):
            return True
        self.found.diagnostics.append(codes.diagnose(codes.UNNAMED_ROW, self.line(node.start) + 1))
        return False

    def _draft(self, node: Node, status: str) -> Draft:
        content: dict[object, object] = {key: _value(child) for key, child in node.children.items()}
        shown = node.children.get(status) or node.children.get("status")
        content.pop("priority" if status == "passes" else "", None)
        content.pop("validation", None)
        lines = self.line(node.start), self.line(node.end) + 1
        made = fields.draft(content, "json", lines, self._mark(shown, node), self.found)
        made.body = "\n\n".join(_parts(content, made.wording.title))
        return made

    def _mark(self, shown: Node | None, node: Node) -> tuple[str, MarkPlace]:
        if shown is None or (isinstance(shown.value, int | float) and not isinstance(shown.value, bool)):
            return " ", MarkPlace(self._byte(node.start), 0)
        if isinstance(shown.value, bool):
            word, start = ("true" if shown.value else "false"), shown.start
        else:
            word, start = self.text[shown.start + 1 : shown.end - 1], shown.start + 1
        if not word:
            return " ", MarkPlace(self._byte(node.start), 0)
        return word, MarkPlace(self._byte(start), len(word.encode()))

    def _byte(self, position: int) -> int:
        last, byte = self.at
        if position >= last:
            byte += len(self.text[last:position].encode())
        else:
            byte -= len(self.text[position:last].encode())
        self.at = (position, byte)
        return byte


def _number(made: Draft) -> int:
    priority = made.settings.get("priority")
    return int(priority.raw) if isinstance(priority, Priority) else 2**31


def _refused(problem: str, line: int = 1, column: int = 1) -> Read:
    return Read(Found([], [codes.diagnose(codes.BAD_JSON, line, column, problem=problem)]))


def _listed(node: Node, key: str) -> Node | None:
    child = node.children.get(key)
    return child if child is not None and child.items else None


def _passing(root: Node) -> Node | None:
    """A list whose items say whether they pass, whatever it is called or where the file is nothing else."""
    lists = [node for node in (root, *root.children.values()) if node.items]
    return next((node for node in lists if all("passes" in item.children for item in node.items)), None)


def _value(node: Node) -> object:
    """A plain value, or a list of plain values: fields hold nothing deeper that matters."""
    if node.items:
        return [item.value for item in node.items if item.value is not None]
    return node.value


def _plain(node: Node, *keys: str) -> str:
    return next((str(child.value) for key in keys if (child := node.children.get(key)) and child.value), "")


def _parts(content: Mapping[object, object], title: str) -> Iterator[str]:
    for key in _PARTS:
        value = content.get(key)
        if isinstance(value, list) and value:
            yield "\n".join(f"- {item}" for item in value)
        elif isinstance(value, str) and value.strip() and value.strip() != title:
            yield value.strip()
