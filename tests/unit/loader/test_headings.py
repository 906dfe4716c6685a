"""Headings that are tasks, their steps, and what around them is none."""

from __future__ import annotations

import loader
from loader import marks
from loader.model import Status, TaskList

PLAN = """# Plan

## Validation

- [ ] all of it works

### Task 1: Write the parser

**Files:**
- Create: `parser.py`

- [x] **Step 1: Write a failing test**

```python
assert parse("") == []
```

- [ ] **Step 2: Run it**

```sh
pytest -q
```

### Task 2: Document it (depends on Task 1)

- [ ] a page
- [ ] an example

## Success criteria

- [ ] users are happy
"""


def parse(text: str) -> TaskList:
    return loader.parse(text.encode())


def codes(tasks: TaskList) -> list[tuple[str, int]]:
    return [(diagnostic.code, diagnostic.line) for diagnostic in tasks.diagnostics]


def test_a_heading_is_the_task_and_its_boxes_are_steps() -> None:
    tasks = parse(PLAN)
    first, second = tasks.tasks
    assert (first.task_id, first.title, first.section) == ("1", "Write the parser", ("Validation",))
    assert first.lines == (7, 22)
    assert [(step.mark, step.line) for step in first.steps] == [("x", 12), (" ", 18)]
    assert (first.carrier, first.status) == ("heading", Status.PENDING)
    assert [(block.language, block.role) for block in first.blocks] == [("python", "text"), ("sh", "run")]
    assert first.body.startswith("**Files:**")
    assert (second.title, second.dependencies) == ("Document it", ("1",))
    assert codes(tasks) == [("I207", 5), ("I201", 31)]


def test_completing_a_heading_ticks_its_steps_and_nothing_else() -> None:
    tasks = parse(PLAN)
    patched = marks.patch(PLAN.encode(), tasks, {"1": Status.COMPLETED})
    assert patched.source.decode() == PLAN.replace("- [ ] **Step 2", "- [x] **Step 2")
    assert patched.tasks == loader.parse(patched.source)
    assert patched.written == {"1": "x"}
    back = marks.patch(patched.source, patched.tasks, {"1": Status.PENDING})
    assert back.source.decode() == PLAN.replace("- [x] **Step 1", "- [ ] **Step 1")


def test_an_unticked_step_makes_a_completed_task_pending() -> None:
    text = "# P\n\n### Task 1: a\n\n- [x] one\n- [x] two\n"
    assert parse(text).tasks[0].status is Status.COMPLETED
    assert parse(text.replace("[x] two", "[ ] two")).tasks[0].status is Status.PENDING


def test_a_heading_without_steps_gets_a_sign() -> None:
    text = "# P\n\n## BLD-1: Build\n\n```sh\nmake\n```\n\n## BLD-2: Ship\n\nafter: BLD-1\n"
    patched = marks.patch(text.encode(), parse(text), {"BLD-1": Status.COMPLETED})
    assert patched.source.decode() == text.replace("## BLD-1", "## ✅ BLD-1")
    first, second = patched.tasks.tasks
    assert (first.task_id, first.status, second.dependencies) == ("BLD-1", Status.COMPLETED, ("BLD-1",))
    assert marks.patch(patched.source, patched.tasks, {"BLD-1": Status.PENDING}).source.decode() == text


def test_a_box_in_the_heading_is_its_mark() -> None:
    text = "# P\n\n### [x] Task 1: a\n\n- [ ] one\n\n### [ ] Task 2: b\n\n- [ ] two\n"
    first, second = parse(text).tasks
    assert (first.status, second.status, first.steps) == (Status.COMPLETED, Status.PENDING, ())
    patched = marks.patch(text.encode(), parse(text), {"2": Status.COMPLETED})
    assert patched.source.decode() == text.replace("[ ] Task 2", "[x] Task 2")


def test_headings_over_boxes_with_ids_are_sections() -> None:
    text = "# P\n\n## Task 1: Setup\n\n- [ ] T001 a\n- [ ] T002 b\n\n## Task 2: Rest\n\n- [ ] 1.1 c\n"
    assert [task.carrier for task in parse(text).tasks] == ["checkbox"] * 3


def test_numbered_headings_are_tasks_only_in_a_section_called_tasks() -> None:
    text = "# P\n\n## Tasks\n\n### 1. Build\n\n- [x] a\n\n### 2. Ship\n\n- [ ] b\n"
    assert [(task.task_id, task.title) for task in parse(text).tasks] == [("1", "Build"), ("2", "Ship")]
    assert [task.title for task in parse(text.replace("## Tasks", "## Sprint")).tasks] == ["a", "b"]


def test_a_task_in_a_task_is_its_child() -> None:
    text = "# P\n\n## Task 1: All\n\nFirst.\n\n### Task 1a: Half\n\n- [x] a\n\n### Task 1b: Rest\n\n- [ ] b\n"
    tasks = parse(text)
    assert [(task.task_id, task.parent) for task in tasks.tasks] == [("1", None), ("1a", "1"), ("1b", "1")]
    whole = tasks.tasks[0]
    assert (whole.container, whole.dependencies, whole.body) == (True, ("1a", "1b"), "First.")


def test_groups_and_bold_fields_are_read() -> None:
    text = (
        "# Wish\n\n## Groups\n\n### Group A: Engine\n\n**Goal:** run\n\n- [ ] it runs\n\n**depends-on:** none\n\n"
        "### Group B: Wheels\n\n- [ ] they turn\n\n**depends-on:** A\n**Requires:** a good road\n"
    )
    first, second = parse(text).tasks
    assert (first.task_id, first.dependencies, second.dependencies) == ("A", (), ("A",))
    assert "a good road" in second.body


def test_few_task_headings_do_not_take_the_other_boxes_tasks_away() -> None:
    text = "# P\n\n## Chores\n\n- [ ] a\n- [ ] b\n- [ ] c\n\n## Plan\n\n### Task 1: x\n\n- [ ] step\n"
    assert [task.title for task in parse(text).tasks] == ["a", "b", "c", "x"]


def test_a_box_with_an_id_is_a_task_beside_headings() -> None:
    text = "# P\n\n### Task 1: x\n\n- [ ] one\n- [ ] two\n\n## Then\n\n- [ ] T900 ship\n- [ ] look\n"
    tasks = parse(text)
    assert [task.task_id for task in tasks.tasks] == ["1", "T900"]
    assert codes(tasks) == [("I207", 11)]


def test_a_table_in_the_body_of_a_task_is_text() -> None:
    text = "# P\n\n### Task 1: x\n\n- [ ] one\n\n| ID | Status |\n|--|--|\n| A-1 | [ ] |\n"
    tasks = parse(text)
    assert [task.task_id for task in tasks.tasks] == ["1"]
    assert codes(tasks) == [("I208", 7)]


def test_a_heading_in_a_fence_or_a_section_of_notes_is_no_task() -> None:
    text = "# P\n\n- [ ] a\n\n## Notes\n\n### Task 9: x\n\n- [ ] b\n\n```md\n### Task 8: y\n- [ ] c\n```\n"
    assert [task.title for task in parse(text).tasks] == ["a"]


def test_a_step_beside_the_children_of_a_task_is_still_a_step() -> None:
    source = b"# Plan\n\n## Task 4: A\n\n- [ ] a\n\n#### Task 5: B\n\n- [ ] b\n\n### More\n\n- [ ] c\n"
    before = loader.parse(source)
    assert [(task.task_id, [step.line for step in task.steps]) for task in before.tasks] == [("4", [5, 13]), ("5", [9])]
    assert [step.body_line for step in before.tasks[0].steps] == [0, -1]
    after = marks.patch(source, before, {"4": Status.COMPLETED})
    assert after.tasks == loader.parse(after.source)


def test_a_step_beside_the_children_of_a_marked_task_is_named() -> None:
    tasks = loader.parse(b"# Plan\n\n## [ ] Task 4: A\n\n- [ ] a\n\n#### Task 5: B\n\n- [ ] b\n\n### More\n\n- [ ] c\n")
    assert [(task.task_id, task.mark_place.length) for task in tasks.tasks] == [("4", 1), ("5", 1)]
    assert 13 in [diagnostic.line for diagnostic in tasks.diagnostics]
