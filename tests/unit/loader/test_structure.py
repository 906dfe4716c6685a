"""The order that dialects give: never against what the file says, never an exception, never too many edges."""

from __future__ import annotations

import os
from csv import DictReader
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loader
from loader import dialects, marks
from loader.model import Status, TaskList

LINES = st.lists(
    st.sampled_from(
        [
            *("- [ ] T001 a", "- [x] T002 [P] b", "- [ ] T003 [P] [US1] c (depends on T001, T004)", "  - [ ] T004 d"),
            *(
                "- [ ] 1. a",
                "- [ ] 1.1 (P) b",
                "  - [ ] 1.2 c",
                "- [ ]* 2. d",
                "- [~] 2.0 e",
                "- [ ] 2.1 f",
                "  - [ ] g",
            ),
            *("  - _Depends: 1.2, 2_", "_Depends:_ T001、T002", "  - _Requirements: 1_", "text", "", "", "---", "# H"),
            *("## Phase 1: A", "## Phase 2: B", "## 1. C", "  - [ ] g", "### Task 1: D", "### Task 2: E"),
            *("### ✅ Task 3: F", "## Work Package WP01: G", "### Group A: H", "**depends-on:** B", "### Group B: I"),
            *("```json", '{"waves": [["1", "2"], ["1.1"]]}', "```", "```yaml", "id: Y-1", "status: done", "> - [ ] q"),
            *("| id | depends-on | verify |", "|--|--|--|", "| X1 | X2 | true |", "| ✅ X2 | - | - |", "<!-- c -->"),
            *(
                "---\nexecutor: {}\n---",
                "---\nid: B-1\nstatus: To Do\n---",
                "- [ ] x ⛔ a1 📅 2026-01-01",
                "- [ ] y 🆔 a1",
            ),
        ]
    ),
    max_size=16,
)


def codes(tasks: TaskList) -> set[str]:
    return {found.code for found in tasks.diagnostics}


@settings(deadline=None)
@given(LINES, st.sampled_from([None, *dialects.NAMES]))
def test_a_dialect_makes_no_circle_of_its_own(lines: list[str], dialect: str | None) -> None:
    source = "\n".join(lines).encode()
    tasks = loader.parse(source, dialect=dialect, on_duplicate="suffix", allow_missing=True)
    of_structure = [edge for edge in tasks.edges if edge.rule.endswith(" order") or edge.rule.startswith("wave")]
    if of_structure and "E007" in codes(tasks):
        plain = loader.parse(source, dialect="plain", on_duplicate="suffix", allow_missing=True)
        nested = {task.task_id for task in tasks.tasks if task.parent}
        assert "E007" in codes(plain) or nested != {task.task_id for task in plain.tasks if task.parent}
    assert {edge.task_id for edge in tasks.edges} <= {task.task_id for task in tasks.tasks}


@settings(deadline=None)
@given(LINES, st.data())
def test_a_mark_written_changes_no_verdict(lines: list[str], data: st.DataObject) -> None:
    source = "\n".join(lines).encode()
    tasks = loader.parse(source)
    ids = [task.task_id for task in tasks.tasks]
    wanted = data.draw(st.dictionaries(st.sampled_from(ids), st.just(Status.COMPLETED))) if ids else {}
    patched = marks.patch(source, tasks, wanted)
    assert patched.tasks == loader.parse(patched.source)


@pytest.mark.parametrize("count", [10, 3000])
def test_wide_phases_are_joined_with_few_edges(count: int) -> None:
    boxes = "".join(f"- [ ] T{number:05d} [P] [US1] a\n" for number in range(2 * count))
    lines = boxes.splitlines(keepends=True)
    text = "## Phase 1: A\n\n" + "".join(lines[:count]) + "\n## Phase 2: B\n\n" + "".join(lines[count:])
    tasks = loader.parse(text.encode())
    assert len(tasks.edges) < 3 * count
    gate = tasks.tasks[count]
    assert len(gate.dependencies) == count
    assert all(task.dependencies == (gate.task_id,) for task in tasks.tasks[count + 1 :])


def test_nobody_waits_for_an_optional_task() -> None:
    tasks = loader.parse(b"- [ ] 1. a\n- [ ]* 2. b\n- [ ] 3. (P) c\n", dialect="cc-sdd")
    assert [task.dependencies for task in tasks.tasks] == [(), ("1",), ("1",)]


def test_structure_makes_a_list_a_graph() -> None:
    assert not loader.parse(b"## 1. A\n\n- [ ] 1.1 a\n- [ ] 1.2 b\n").sequential
    assert loader.parse(b"- [ ] a\n- [ ] b\n").sequential


def test_the_dialect_that_was_asked_for_is_the_reason() -> None:
    asked = loader.parse(b"- [ ] a\n", dialect="kiro")
    told = loader.parse(b"---\nexecutor: {dialect: kiro}\n---\n- [ ] a\n")
    assert (asked.dialect, asked.dialect_reason) == ("kiro", "--dialect")
    assert (told.dialect, told.dialect_reason) == ("kiro", "`dialect` in the front matter")
    other = loader.parse(b"- [ ] a 2026-01-01\n- [ ] t001 b\n- [ ] t002 c\n", dialect="kiro")
    assert other.dialect_reason == "--dialect; by its signs it is aidevops: task ids such as t001 (line 2)"


FIXTURES = Path(os.environ.get("EXECUTOR_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))
_VERDICTS = {
    "aidevops-todo": {"aidevops", "ai-dev-tasks"},
    "heading-task": {"superpowers", "ralphex", "genie", "plain"},
    "kiro": {"kiro", "cc-sdd"},
    "plain-priority": {"plain"},
    "table-dag": {"specd"},
    "fence-traps": {"plain", "gsd"},
    "conductor": {"conductor", "plain"},  # the template of a workflow, without a commit
    "obsidian": {"obsidian", "plain"},  # one file is the output of a test, without boxes
    "task-file": {"plain"},
}


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no real task lists in {FIXTURES}: set EXECUTOR_FIXTURES")
def test_real_lists_are_told_apart() -> None:
    with (FIXTURES / "INDEX.tsv").open(encoding="utf-8") as index:
        rows = list(DictReader(index, delimiter="\t"))
    for row in rows:
        tasks = loader.parse((FIXTURES / row["file"]).read_bytes(), name=row["path"])
        assert tasks.dialect in _VERDICTS.get(row["dialect"], {row["dialect"]}), row["file"]
        assert tasks.dialect_reason


def test_a_task_cannot_block_itself() -> None:
    tasks = loader.parse(b"- [ ] t001 a blocks:t001\n- [ ] t002 b blocks:t009\n")
    assert [found.code for found in tasks.errors] == ["E006", "E004"]


def test_every_dialect_has_a_sign_to_show() -> None:
    assert set(dialects.SIGNS) == {dialect.name for dialect in dialects.TABLE}
    for text, told in (("- [ ] a\n- [ ] t001 b\n- [x] t002 c\n", "(line 2)"), ("- [ ] a\n", "no sign")):
        assert told in loader.parse(text.encode()).dialect_reason
    assert loader.parse(b"- [ ] a\n", name="x/fix_plan.md").dialect_reason == "the name of the file"
    assert loader.parse(b"\0").dialect_reason
    assert loader.parse(b"{}", name="tasks.json").dialect_reason
