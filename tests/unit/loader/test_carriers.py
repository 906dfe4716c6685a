"""Lists that are no lists of boxes: YAML, whole files, folders, JSON and todo.txt."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loader
from loader import jsons, marks
from loader.model import Status, TaskList

DONE = Status.COMPLETED


def ids(tasks: TaskList) -> list[str]:
    return [task.task_id for task in tasks.tasks]


def rewritten(text: str, name: str, wanted: dict[str, Status]) -> str:
    """The text after marking; what was written reads as what was wanted."""
    before = loader.parse(text.encode(), name=name)
    patched = marks.patch(text.encode(), before, wanted)
    after = loader.parse(patched.source, name=name)
    assert patched.tasks == after
    statuses = {task.task_id: task.status for task in after.tasks}
    assert {task_id: statuses[task_id] for task_id in wanted} == wanted
    return patched.source.decode()


FENCES = """# Build

```yaml
id: T-001
title: "Add the table"
status: pending  # for now
priority: high
```

```yaml
id: T-002
action: CREATE
title: Use it
status: "in_progress"
depends_on: ["T-001"]
validation:
  command: "make test"
```
"""


def test_yaml_fences_are_tasks_when_there_are_two() -> None:
    tasks = loader.parse(FENCES.encode())
    first, second = tasks.tasks
    assert (first.task_id, first.title, first.priority, first.carrier) == ("T-001", "Add the table", "P1", "yaml")
    assert (second.status, second.dependencies) == (Status.IN_PROGRESS, ("T-001",))
    assert [(block.role, block.content) for block in second.blocks] == [("verify", "make test\n")]
    assert "status" not in first.body
    alone = FENCES.partition("```yaml\nid: T-002")[0]
    assert ids(loader.parse(alone.encode())) == []


def test_a_yaml_status_changes_in_place() -> None:
    assert rewritten(FENCES, "tasks.md", {"T-002": Status.BLOCKED}) == FENCES.replace("in_progress", "blocked")
    crlf = FENCES.replace("\n", "\r\n")
    assert rewritten(crlf, "tasks.md", {"T-001": DONE}) == crlf.replace("pending", "done")


FILE = """---
id: BACK-12
title: Draw a board
status: To Do
assignee: ['@ann']
labels: [web, ui]
dependencies: [{}]
priority: medium
---

## Description

Draw it.

## Acceptance Criteria
- [ ] #1 it is drawn
"""


def test_a_file_with_id_and_status_is_one_task() -> None:
    text = FILE.format("")
    tasks = loader.parse(text.encode(), name="back-12.md")
    (task,) = tasks.tasks
    assert (task.task_id, task.title, task.priority, task.assignee) == ("BACK-12", "Draw a board", "P2", "ann")
    assert (task.tags, task.carrier, task.lines) == (("web", "ui"), "file", (1, 16))
    assert "#1 it is drawn" in task.body
    assert rewritten(text, "x.md", {"BACK-12": DONE}) == text.replace("To Do", "Done")
    assert "status: In Progress" in rewritten(text, "x.md", {"BACK-12": Status.IN_PROGRESS})


PRD = {
    "project": "Shop",
    "userStories": [
        {"id": "US-002", "title": "Pay", "acceptanceCriteria": ["über 🎉"], "priority": 2, "passes": False},
        {"id": "US-001", "title": "Cart", "priority": 1, "passes": True, "notes": 'said "passes": false'},
    ],
}


def test_user_stories_come_in_their_order_of_priority() -> None:
    text = json.dumps(PRD, indent=2, ensure_ascii=False)
    tasks = loader.parse(text.encode(), name="scripts/prd.json")
    assert (tasks.title, tasks.dialect, tasks.sequential) == ("Shop", "prd-json", True)
    assert ids(tasks) == ["US-001", "US-002"]
    assert [task.status for task in tasks.tasks] == [Status.COMPLETED, Status.PENDING]
    assert tasks.tasks[1].body == "- über 🎉"
    after = rewritten(text, "prd.json", {"US-001": Status.PENDING, "US-002": DONE})
    assert [story["passes"] for story in json.loads(after)["userStories"]] == [True, False]
    assert len(after) == len(text)


MASTER = {
    "master": {
        "tasks": [
            {"id": 1, "title": "Base", "status": "done", "dependencies": [], "priority": "high", "details": "All."},
            {
                "id": 2,
                "title": "Rest",
                "status": "pending",
                "dependencies": [1],
                "subtasks": [
                    {"id": 1, "title": "One", "status": "pending", "dependencies": []},
                    {"id": 2, "title": "Two", "status": "pending", "dependencies": [1]},
                ],
            },
        ]
    },
    "later": {"tasks": [{"id": 1, "title": "Else", "status": "pending"}]},
}


def test_task_master_subtasks_count_within_their_parent() -> None:
    text = json.dumps(MASTER)
    tasks = loader.parse(text.encode(), name="tasks.json")
    assert {task.task_id: task.dependencies for task in tasks.tasks} == {
        "1": (),
        "2": ("1", "2.1", "2.2"),
        "2.1": ("1",),
        "2.2": ("2.1", "1"),
    }
    assert [found.code for found in tasks.diagnostics] == ["I209"]
    assert '"title": "Two", "status": "done"' in rewritten(text, "tasks.json", {"2.1": DONE, "2.2": DONE})


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"tasks": 3}', "[" * 5000, "[" * 200_000, '{"a": 1e9}', "nul"])
def test_json_that_is_no_list_is_an_error(text: str) -> None:
    tasks = loader.parse(text.encode(), name="tasks.json")
    assert [found.code for found in tasks.errors] == ["E014"]


def test_json_escapes_that_are_no_text_are_replaced() -> None:
    text = r'{"tasks": [{"id": "\ud800", "title": "a\u0000b", "status": "pending"}]}'
    (task,) = loader.parse(text.encode(), name="x.json").tasks
    assert task.title.encode()
    assert "\0" not in task.title


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["done", "pending", "1", "1.1"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "tasks", "status", "passes", "userStories", "title", "subtasks"]), inner
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_is_read_without_an_exception(value: object) -> None:
    text = json.dumps(value)
    loader.parse(text.encode(), name="tasks.json")
    assert _is(jsons.parse(text), value)


def _is(node: jsons.Node, value: object) -> bool:
    if isinstance(value, dict):
        return all(_is(node.children[key], inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(_is(item, inner) for item, inner in zip(node.items, value, strict=True))
    return node.value == value


TODO = """(A) 2026-03-02 Call Ann +family @phone due:2026-03-09 id:call
x 2026-03-03 2026-03-02 Water the plants
Write to Bob dep:call

x-ray the box (B)
"""


def test_todo_txt_is_read_by_its_name() -> None:
    tasks = loader.parse(TODO.encode(), name="todo.txt")
    call, water, write, box = tasks.tasks
    assert (call.task_id, call.title, call.priority) == ("call", "Call Ann +family @phone due:2026-03-09", "P1")
    assert (call.tags, water.status, water.title) == (("family", "phone"), DONE, "Water the plants")
    assert (write.dependencies, box.priority, box.lines) == (("call",), "P3", (5, 5))
    after = rewritten(TODO, "todo.txt", {"call": DONE, water.task_id: Status.PENDING})
    assert after == TODO.replace("(A)", "x (A)").replace("x 2026-03-03", "2026-03-03")
    assert loader.parse(TODO.encode(), name="todo.md").errors


@given(st.text(), st.sampled_from(["todo.txt", "prd.json", "a.md"]))
def test_any_text_under_any_name_is_read(text: str, name: str) -> None:
    loader.parse(text.encode("utf-8", "replace"), name=name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "---\nid: B-1\nstatus: a" + " " * 300_000 + "b\n---\n"),
        ("a.md", "| id |" + "|" * 100_000 + " depends-on |" * 3_000 + "\n|--|\n"),
        ("a.md", "# P\n\n### Task 1: " + "a (" * 100_000 + "\n\n- [ ] s\n"),
        ("a.md", "- [ ] T001 " + "dep: (" * 50_000 + "\n"),
        ("a.md", "- [ ] a 🔁" + " 📅" * 50_000 + "\n"),
        ("todo.txt", "(A) " + "+a " * 100_000),
        ("a.json", '{"tasks": [' + '{"id": 1, "x": "' + '\\"' * 100_000 + '"}]}'),
    ],
)
def test_long_lines_take_no_long_time(name: str, text: str) -> None:
    began = time.process_time()
    loader.parse(text.encode(), name=name)
    assert time.process_time() - began < 2


BARE = """- notes
  ```yaml
  id: T-001
  title: One
  meta:
    status: draft
  ```

```yaml
id: T-002
depends_on: [T-001]
```

```yaml
{id: T-003, title: Three}
```
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_yaml_task_without_a_status_gets_a_line_for_it(end: str) -> None:
    text = BARE.replace("\n", end)
    tasks = loader.parse(text.encode())
    assert [(found.code, found.message) for found in tasks.diagnostics] == [
        ("W113", "task 'T-003' has no field for its status, so its end cannot be written here")
    ]
    after = rewritten(text, "tasks.md", {"T-001": DONE, "T-002": DONE})
    expected = BARE.replace("draft\n", "draft\n  status: done\n").replace("001]\n", "001]\nstatus: done\n")
    assert after == expected.replace("\n", end)
    assert rewritten(after, "tasks.md", {"T-001": Status.PENDING, "T-002": DONE}) == after.replace(
        "  status: done", "  status: pending"
    )


def test_a_line_that_would_read_as_something_else_is_not_written() -> None:
    text = FENCES.replace("status: pending  # for now\n", "").replace("high\n", "high\n...\n")
    before = loader.parse(text.encode())
    patched = marks.patch(text.encode(), before, {"T-001": DONE, "T-002": DONE})
    assert patched.source.decode() == text.replace("in_progress", "completed")
    assert dict(patched.written) == {"T-002": "completed"}
    assert patched.tasks == loader.parse(patched.source)
