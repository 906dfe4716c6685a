"""A folder of files that are one task each: read as one list, marked one word a file, also while people edit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loader
from loader import folder_write_back, folders, write_back
from loader.model import Status, TaskList

DONE = Status.COMPLETED

FILE = """---
id: {id}
title: {id} is drawn
status: To Do
dependencies: [{needs}]
{more}---

## Description

Draw it.

```sh
echo {id}
```

## Acceptance Criteria

- [ ] #1 it is drawn

```sh
echo an example
```
"""


def file(id: str, needs: str = "", more: str = "") -> bytes:
    return FILE.format(id=id, needs=needs, more=more).encode()


def told(tasks: TaskList, *codes: str) -> list[tuple[str, str, int]]:
    return [(found.code, found.file, found.line) for found in tasks.diagnostics if found.code in codes]


def test_a_folder_of_such_files_is_a_list() -> None:
    sources = {
        "b.md": file("BACK-12", "BACK-2"),
        "a.md": file("BACK-2", more="parent_task_id: BACK-12\n"),
        "README.md": b"# Hello\n",
    }
    tasks = loader.parse_folder(sources)
    assert [(task.task_id, task.file, task.parent) for task in tasks.tasks] == [
        ("BACK-2", "a.md", "BACK-12"),
        ("BACK-12", "b.md", None),
    ]
    assert tasks.tasks[1].dependencies == ("BACK-2",)
    assert [(found.code, found.file, found.line) for found in tasks.diagnostics] == [
        ("I210", "README.md", 1),
        ("I201", "a.md", 19),
        ("I201", "b.md", 18),
    ]
    assert folders.patch(sources, tasks, {"BACK-2": DONE}).sources == {
        "a.md": sources["a.md"].replace(b"To Do", b"Done")
    }


def test_messages_about_a_folder_name_its_files() -> None:
    tasks = loader.parse_folder({"a.md": file("BACK-1", "NOPE-1"), "b.md": file("BACK-1")})
    assert told(tasks, "E004", "E005") == [("E004", "a.md", 5), ("E005", "b.md", 1)]
    assert "a.md:1 and b.md:1" in tasks.errors[1].message


@pytest.mark.parametrize("sources", [{}, {"a.md": b""}, {"a.md": b"- [ ] a\n"}, {"a.md": b"\0", "b.md": b"---"}])
def test_a_folder_without_a_task_says_what_to_do(sources: dict[str, bytes]) -> None:
    tasks = loader.parse_folder(sources)
    (error,) = (found for found in tasks.errors if found.code == "E003")
    assert "folder" in error.message
    assert "front matter" in error.hint


def test_the_fences_of_a_file_are_its_blocks_but_not_those_among_its_criteria() -> None:
    tasks = loader.parse_folder({"a.md": b"---\nexecutor: {}\n---\n", "b.md": file("T-1")})
    assert [(block.role, block.content, block.line) for block in tasks.tasks[0].blocks] == [("run", "echo T-1\n", 12)]
    python = file("T-1").replace(b"```sh\necho T-1", b"```python\nprint()")
    assert [block.role for block in loader.parse_folder({"a.md": python}).tasks[0].blocks] == ["text"]


def test_a_list_among_the_files_is_not_passed_over_in_silence() -> None:
    tasks = loader.parse_folder({"a.md": file("T-1"), "more.md": b"- [ ] a\n- [ ] b\n"})
    assert told(tasks, "W114", "I210") == [("W114", "more.md", 1)]


def test_a_file_with_settings_and_no_task_speaks_for_the_list() -> None:
    sources = {"README.md": b"---\nexecutor: {jobs: 3}\n---\n# Sprint\n", "a.md": file("T-1", more="timeout: 5m\n")}
    tasks = loader.parse_folder(sources)
    assert (tasks.title, tasks.settings["jobs"]) == ("Sprint", 3)
    assert tasks.tasks[0].settings["timeout"].total_seconds() == 300  # type: ignore[attr-defined]


def test_a_table_or_fence_in_a_file_that_is_a_task_makes_no_other_task() -> None:
    more = b"\n## Plan\n\n| ID | Status |\n|--|--|\n| X-1 | todo |\n\n" + b"```yaml\nid: Y-1\ntitle: y\n```\n" * 2
    tasks = loader.parse_folder({"a.md": file("T-1") + more})
    assert [task.task_id for task in tasks.tasks] == ["T-1"]
    assert len(told(tasks, "I208")) == 1


PLAN = """---
phase: 03-model
plan: {plan}
wave: {wave}
depends_on: [{needs}]
---

<objective>
Do {plan}
</objective>
"""


def plan(plan: str, wave: int, needs: str = "") -> bytes:
    return PLAN.format(plan=plan, wave=wave, needs=needs).encode()


def test_gsd_plans_wait_for_the_wave_before() -> None:
    sources = {
        "03-01-PLAN.md": plan("01", 1),
        "03-02-PLAN.md": plan("02", 1),
        "03-03-PLAN.md": plan("03", 2, '"03-01-PLAN.md", "2"'),
        "03-04-PLAN.md": plan("04", 3),
        "03-01-SUMMARY.md": b"# Done\n",
    }
    tasks = loader.parse_folder(sources)
    assert (tasks.dialect, [task.task_id for task in tasks.tasks]) == ("gsd", ["03-01", "03-02", "03-03", "03-04"])
    assert [task.title for task in tasks.tasks] == ["Do 01", "Do 02", "Do 03", "Do 04"]
    assert [task.status for task in tasks.tasks][:2] == [DONE, Status.PENDING]
    assert [(edge.task_id, edge.depends_on, edge.rule, edge.line) for edge in tasks.edges] == [
        ("03-03", "03-01", "depends_on", 5),
        ("03-03", "03-02", "depends_on", 5),
        ("03-04", "03-03", "wave 3", 4),
    ]
    assert [task.parallel for task in tasks.tasks] == [True, True, False, False]
    done = folders.patch(sources, tasks, {"03-02": DONE, "03-01": DONE}).sources
    assert done == {"03-02-PLAN.md": sources["03-02-PLAN.md"].replace(b"]\n---\n", b"]\nstatus: done\n---\n")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {"a.md": file("T-1"), "b.md": file("T-2", "T-1"), "c.md": file("T-3")}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".hidden.md").write_bytes(file("T-9"))
    (tmp_path / "notes.txt").write_bytes(file("T-8"))
    (tmp_path / "old.md").mkdir()
    (tmp_path / "gone.md").symlink_to("nowhere")
    return tmp_path


def test_marks_go_to_the_files_of_their_tasks_and_nowhere_else(folder: Path) -> None:
    before = folder_write_back.sources(folder)
    assert list(before) == ["a.md", "b.md", "c.md"]
    written = write_back.write_list(folder, {"T-1": DONE, "T-3": DONE, "T-7": DONE}, read=_read)
    assert (written.failure, written.written, written.missing) == ("", {"T-1": "Done", "T-3": "Done"}, ("T-7",))
    assert folder_write_back.sources(folder) == {
        "a.md": before["a.md"].replace(b"To Do", b"Done"),
        "b.md": before["b.md"],
        "c.md": before["c.md"].replace(b"To Do", b"Done"),
    }
    assert written.tasks == loader.parse_folder(folder_write_back.sources(folder))


def _read(sources: bytes | object) -> TaskList:
    assert isinstance(sources, dict)
    return loader.parse_folder(sources)


def test_an_edit_made_meanwhile_is_kept_and_the_mark_is_put_into_it(folder: Path) -> None:
    known = loader.parse_folder(folder_write_back.sources(folder))
    (folder / "a.md").write_bytes(file("T-1").replace(b"Draw it.", b"Draw it well."))
    (folder / "d.md").write_bytes(file("T-4"))
    written = write_back.write_list(folder, {"T-1": DONE}, known=known, read=_read)
    assert written.failure == ""
    text = (folder / "a.md").read_text()
    assert "Draw it well." in text
    assert "status: Done" in text
    assert written.tasks == loader.parse_folder(folder_write_back.sources(folder))


def test_a_file_that_is_another_task_by_now_is_not_marked(folder: Path) -> None:
    known = loader.parse_folder(folder_write_back.sources(folder))
    (folder / "a.md").rename(folder / "z.md")
    (folder / "a.md").write_bytes(file("T-5"))
    written = write_back.write_list(folder, {"T-1": DONE}, known=known, read=_read)
    assert written.failure == ""
    assert "status: Done" in (folder / "z.md").read_text()
    assert "status: To Do" in (folder / "a.md").read_text()


def test_a_folder_that_is_gone_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    assert folder_write_back.write(tmp_path / "none", {"T-1": DONE}).failure == "the folder is gone"


_WORDS = st.sampled_from(["To Do", "In Progress", "Done", "'Blocked'", "perhaps", ""])
_FILES = st.dictionaries(
    st.sampled_from(["a.md", "b.md", "c.md", "d.md", "e.md"]),
    st.builds(
        lambda number, word, needs, end: (
            f"---{end}id: T-{number}{end}" + (f"status: {word}{end}" if word else "") + f"dependencies: [{needs}]{end}"
            f"parent: T-{needs[2:]}{end}---{end}Text{end}- [ ] box{end}"
        ).encode(),
        st.integers(1, 6),
        _WORDS,
        st.sampled_from(["", "T-1", "T-2", "T-3"]),
        st.sampled_from(["\n", "\r\n"]),
    ),
)


@settings(deadline=None)
@given(_FILES, st.data())
def test_only_statuses_change_and_they_read_as_they_were_wanted(files: dict[str, bytes], data: st.DataObject) -> None:
    before = loader.parse_folder(files, on_duplicate="suffix", allow_missing=True)
    ids = [task.task_id for task in before.tasks]
    wanted = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from([DONE, Status.PENDING]))) if ids else {}
    patched = folders.patch(files, before, wanted)
    now = {**files, **patched.sources}
    after = loader.parse_folder(now, on_duplicate="suffix", allow_missing=True)
    statuses = {task.task_id: task.status for task in after.tasks}
    assert {task_id: statuses[task_id] for task_id in wanted} == wanted
    assert [task.mark_place for task in patched.tasks.tasks] == [task.mark_place for task in after.tasks]
    assert patched.tasks.sha256 == after.sha256
    for name, content in patched.sources.items():
        assert _without_status(content) == _without_status(files[name])


def _without_status(content: bytes) -> list[bytes]:
    return [line for line in content.split(b"\n") if not line.startswith(b"status:")]
