"""Marks patched into bytes: one mark a task and not one byte more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import loader
from loader import marks
from loader.model import Status

DONE = Status.COMPLETED


def patched(text: str | bytes, wanted: dict[str, Status]) -> marks.Patched:
    source = text if isinstance(text, bytes) else text.encode()
    result = marks.patch(source, loader.parse(source), wanted)
    assert result.tasks == loader.parse(result.source)
    return result


def test_one_byte_changes() -> None:
    result = patched("- [ ] T001 a\r\n* [X] T002 b  \r\n\t1) [ ] T003 c", {"T001": DONE})
    assert result.source == b"- [X] T001 a\r\n* [X] T002 b  \r\n\t1) [ ] T003 c"
    assert result.written == {"T001": "X"}


def test_the_files_own_marks_are_used() -> None:
    assert patched("- [/] T001 a\n- [ ] T002 b\n", {"T002": Status.IN_PROGRESS}).source.endswith(b"- [/] T002 b\n")
    assert patched("- [ ] T001 a\n", {"T001": Status.IN_PROGRESS}).source == b"- [~] T001 a\n"
    legend = "`[~]` blocked, `[✔]` done\n\n- [ ] T001 a\n- [ ] T002 b\n"
    result = patched(legend, {"T001": DONE, "T002": Status.IN_PROGRESS})
    assert result.source.decode() == "`[~]` blocked, `[✔]` done\n\n- [✔] T001 a\n- [/] T002 b\n"


def test_a_status_without_a_mark_leaves_the_box() -> None:
    result = patched("- [ ] T001 a\n", {"T001": Status.SKIPPED})
    assert (result.source, result.written) == (b"- [ ] T001 a\n", {"T001": " "})


def test_unknown_ids_are_missing() -> None:
    assert patched("- [ ] T001 a\n", {"T009": DONE}).missing == ("T009",)


def test_bytes_that_are_not_the_lists_are_not_touched() -> None:
    tasks = loader.parse(b"- [ ] T001 a\n")
    result = marks.patch(b"xx- [ ] T001 a\n", tasks, {"T001": DONE})
    assert (result.source, result.missing) == (b"xx- [ ] T001 a\n", ("T001",))


def test_a_container_is_ticked_with_its_last_child() -> None:
    text = "- [ ] T001 a\n  - [ ] T002 b\n    - [ ] T003 c\n    - [x] T004 d\n  - [ ] T005 e\n"
    first = patched(text, {"T003": DONE})
    assert first.written == {"T002": "x", "T003": "x"}
    second = patched(first.source, {"T005": DONE})
    assert second.written == {"T001": "x", "T005": "x"}


@pytest.mark.parametrize(
    ("cell", "status", "expected"),
    [
        ("[ ]", DONE, "[x]"),
        ("`[x]`", Status.PENDING, "`[ ]`"),
        ("Todo", DONE, "Done"),
        ("done", Status.PENDING, "todo"),
        ("⬜", DONE, "✅"),
        ("", DONE, "[x]"),
        ("TODO", Status.IN_PROGRESS, "IN PROGRESS"),
    ],
)
def test_a_status_cell_keeps_its_kind_of_mark(cell: str, status: Status, expected: str) -> None:
    row = "| E-1 | {} | a |\n| E-2 | [ ] | b |\n"
    head = "| ID | Status | Task |\n|--|--|--|\n"
    result = patched(head + row.format(cell), {"E-1": status, "E-2": DONE})
    assert result.source.decode().replace("  ", " ") == (head + row.format(expected)).replace("| [ ] | b", "| [x] | b")


def test_a_word_nobody_knows_is_not_written_elsewhere() -> None:
    text = "| ID | Status | Task |\n|--|--|--|\n| E-1 | banana | a |\n| E-2 | wip | b |\n"
    assert patched(text, {"E-2": Status.PENDING}).source.decode() == text.replace("wip", "todo")


def test_what_a_cell_says_beside_its_word_goes_with_it() -> None:
    head = "| ID | Status | Task |\n|--|--|--|\n"
    text = head + "| E-1 | wip — unverified | a |\n| E-2 | ⏳ **OPEN** | b |\n| E-3 | todo | c |\n"
    result = patched(text, {"E-1": DONE, "E-2": DONE, "E-3": Status.IN_PROGRESS})
    assert result.source.decode() == head + "| E-1 | done | a |\n| E-2 | DONE | b |\n| E-3 | in progress | c |\n"
    assert result.tasks.tasks == loader.parse(result.source).tasks


def test_what_is_written_into_decoration_is_found_there_again() -> None:
    text = "| ID | Status |\n|--|--|\n| E-1 | ✅ Done |\n| E-2 | `[ [x]` |\n"
    result = patched(text, {"E-2": DONE})
    assert result.tasks.tasks == loader.parse(result.source).tasks


def test_a_mark_before_an_id_keeps_its_table_a_list() -> None:
    text = (
        "| Task | What | Depends-on | Done |\n|--|--|--|--|\n| T0.1 | Wire it | none\n| T0.2 | Press it | T0.1 | ☐ |\n"
    )
    result = patched(text, {"T0.1": DONE})
    assert result.source.decode() == text.replace("| T0.1 | Wire", "| ✅ T0.1 | Wire")
    assert loader.parse(result.source).tasks == result.tasks.tasks


def test_a_prefix_is_found_again_where_there_is_no_id() -> None:
    head = "| ID | Task | Deps |\n|---|---|---|\n"
    source = head + "| A-1 | a | A-3 |\n| | b | |\n|  | c | |\n"
    tasks = loader.parse(source.encode()).tasks
    done = patched(source, {task.task_id: DONE for task in tasks})
    assert done.source.decode() == head + "| ✅ A-1 | a | A-3 |\n|✅  | b | |\n|✅   | c | |\n"
    assert patched(done.source, {task.task_id: Status.PENDING for task in tasks}).source.decode() == source


def test_a_bare_mark_taken_out_of_a_cell_leaves_an_empty_one() -> None:
    row = "| ID | Task | Done |\n|---|---|---|\n| A-1 | a |{}|\n| A-2 | b | |\n"
    result = patched(row.format("x "), {"A-1": Status.PENDING})
    assert result.source.decode() == row.format("  ")
    assert patched(result.source, {"A-1": DONE}).source.decode() == row.format(" [x] ")


@pytest.mark.parametrize("mark", ["~", "*"])
def test_a_bare_mark_that_could_be_decoration_is_found_again(mark: str) -> None:
    legend = f"`[{mark}]` done, `[-]` skipped\n\n"
    row = legend + "| ID | Task | Status |\n|---|---|---|\n| A-1 | a | {} |\n| A-2 | b | k |\n"
    result = patched(row.format("k"), {"A-1": DONE})
    assert result.source.decode() == row.format(mark)
    assert result.tasks.tasks[0].status is DONE


def test_decoration_on_one_side_of_a_word_goes_with_it() -> None:
    head = "| ID | Task | Status |\n|---|---|---|\n| A-1 | a | {} |\n| A-2 | b | ✅ Done |\n"
    result = patched(head.format("-->`what[x]`"), {"A-1": DONE})
    assert result.source.decode() == head.format("✅ Done")


def test_a_heading_whose_bracket_holds_more_than_a_mark_has_no_box() -> None:
    text = "### [ \x1f] Task 1: a\n\n- [ ] one\n\n### [ ] Task 2: b\n\n- [ ] two\n"
    result = patched(text, {task.task_id: DONE for task in loader.parse(text.encode()).tasks})
    assert "[ \x1f]" in result.source.decode()


def test_an_archived_task_keeps_its_mark_for_its_section_says_that_it_is_completed() -> None:
    text = "## Done\n\n- [x] T001 a\n- [ ] T002 b\n\n## Open\n\n- [x] T003 c\n"
    result = patched(text, {"T001": Status.PENDING, "T002": Status.PENDING, "T003": Status.PENDING})
    assert result.source.decode() == text.replace("[x] T003", "[ ] T003")
    assert result.written == {"T001": "x", "T002": " ", "T003": " "}


def test_a_mark_that_stands_in_the_text_of_another_task_changes_there_too() -> None:
    """Found by the fuzzer: blocks that are tasks below a heading that is one."""
    text = "## Group A: all\n```yaml\n```\n```yaml\nid: T-001\nstatus: e\n```\n```yaml\nid: T-002\nstatus: done\n```\n"
    result = patched(text, {"T-002": Status.PENDING})
    assert [task.carrier for task in result.tasks.tasks] == ["heading", "yaml", "yaml"]
    assert result.source.decode() == text.replace("done", "pending")


def test_a_prefix_comes_before_an_id_and_goes() -> None:
    text = "| id | depends-on |\n|--|--|\n| T1 | |\n| ✅ T2 | T1 |\n|T3|T1|\n"
    result = patched(text, {"T1": DONE, "T2": Status.PENDING, "T3": DONE})
    assert result.source.decode() == "| id | depends-on |\n|--|--|\n| ✅ T1 | |\n| T2 | T1 |\n|✅ T3|T1|\n"
    assert patched(result.source, {"T1": Status.PENDING, "T2": DONE, "T3": Status.PENDING}).source == text.encode()


def test_a_warning_about_a_mark_goes_with_the_mark() -> None:
    assert patched("- [%] T001 a\n", {"T001": DONE}).tasks.diagnostics == ()


_ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])
_MARKS = st.sampled_from(" xX~/-!?>")
_TITLES = st.sampled_from(["plain", "über 🎉", "T{:03d} sure", "**B-{}** bold", "`c[x]` code", "same", "1.{} dotted"])
_STATUSES = st.sampled_from([Status.PENDING, Status.COMPLETED, Status.IN_PROGRESS, Status.BLOCKED])


@st.composite
def lists(draw: st.DrawFn) -> bytes:
    lines, depth = [], 0
    for number in range(draw(st.integers(1, 12))):
        depth = draw(st.integers(0, min(depth + 1, 4)))
        bullet = draw(st.sampled_from(["- ", "* ", "+ "]))
        indent = draw(st.sampled_from(["  "])) * depth
        lines.append(f"{indent}{bullet}[{draw(_MARKS)}] {draw(_TITLES).format(number)}")
        extra = draw(st.sampled_from([None, None, "text [x] more  ", "- no box", "\ttabbed"]))
        if extra is not None:
            lines.append(f"{indent}  {extra}")
        if draw(st.booleans()) and not depth:
            lines += ["", f"## Section {number}", ""]
            depth = -1
    if draw(st.booleans()):
        for number in range(draw(st.integers(1, 3))):
            lines += [
                "",
                draw(st.sampled_from(["### Task {}: Do", "### ✅ Task {}: Do", "### [x] Task {}: Do"])).format(number),
            ]
            lines += ["", "Prose [x] here.", ""]
            lines += [f"- [{draw(_MARKS)}] step {step}" for step in range(draw(st.integers(0, 3)))]
            lines += ["", "```sh", "true", "```"]
        lines += ["", "## After", ""]
    if draw(st.booleans()):
        lines += ["", "| ID | Status |", "|--|--|", "| W-1 | [ ] |", "| W-2 | done |", "| W-3 | |", "| W-4 | ✅ |"]
    ending = draw(_ENDINGS)
    bom = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    return bom + (ending.join(lines) + draw(st.sampled_from(["", ending]))).encode()


@settings(deadline=None)
@given(lists(), st.data())
def test_any_marks_written_are_read_again_and_nothing_else_changed(source: bytes, data: st.DataObject) -> None:
    before = loader.parse(source)
    ids = [task.task_id for task in before.tasks]
    wanted = data.draw(st.dictionaries(st.sampled_from(ids), _STATUSES)) if ids else {}
    result = marks.patch(source, before, wanted)
    after = loader.parse(result.source)
    assert result.tasks == after
    statuses = {task.task_id: task.status for task in after.tasks}
    for task in before.tasks:
        if task.task_id in wanted:
            status = wanted[task.task_id]
            may_be_written = not task.steps or status in (Status.PENDING, Status.COMPLETED)
            assert statuses[task.task_id] == (status if may_be_written else task.status)
    assert set(result.written) >= set(wanted)
    untouched = [task for task in before.tasks if task.task_id not in result.written]
    assert all(statuses[task.task_id] == task.status for task in untouched)
    assert _without_marks(source, before) == _without_marks(result.source, after)


def _without_marks(source: bytes, tasks: loader.TaskList) -> bytes:
    """The bytes around the marks; brackets that came with a mark go with it."""
    parts, at = [], 0
    places = [step.mark_place for task in tasks.tasks for step in task.steps]
    places += [task.mark_place for task in tasks.tasks if not task.steps]
    for place in sorted(places, key=lambda place: place.start):
        parts.append(source[at : place.start])
        at = place.start + place.length
    return re.sub(rb"\| *(?:\[\])? *\|", b"||", b"".join([*parts, source[at:]]))


def test_patching_keeps_what_it_does_not_know() -> None:
    tasks = loader.parse(b"- [ ] T001 a\n")
    assert marks.patch(b"- [ ] T001 a\n", replace(tasks, title="x"), {"T001": DONE}).tasks.title == "x"
