"""Which task is which after an edit."""

from __future__ import annotations

import json
import time

import loader
from loader import as_json, identity
from loader.identity import Known, Matches
from loader.model import TaskList


def parse(text: str) -> TaskList:
    return loader.parse(text.encode())


def between(before: str, after: str) -> tuple[dict[str, str], Matches]:
    """The pairs as titles, new to old, and the matches."""
    old, new = parse(before).tasks, parse(after).tasks
    known = [Known(task.task_id, task.title, task.body, task.parent, task.section, task.explicit_id) for task in old]
    matches = identity.match(known, new)
    old_titles = {task.task_id: task.title for task in old}
    new_titles = {task.task_id: task.title for task in new}
    return {new_titles[key]: old_titles[value] for key, value in matches.renamed.items()}, matches


def test_moved_and_reformatted_tasks_are_the_same() -> None:
    _, matches = between(
        "- [ ] a one\n- [ ] b two\n", "# H\n\n* [x] **B two**\n\n## S\n\n- [ ] a one @ann\n- [ ] new\n"
    )
    assert (len(matches.same), matches.renamed, len(matches.added), matches.removed) == (2, {}, 1, ())


def test_a_similar_title_under_the_same_parent_is_a_rename() -> None:
    renamed, matches = between(
        "- [ ] Write the documentation\n- [ ] Ship it\n", "- [ ] Write the documentations\n- [ ] Dance\n"
    )
    assert renamed == {"Write the documentations": "Write the documentation"}
    assert (len(matches.added), len(matches.removed)) == (1, 1)


def test_the_same_body_is_a_rename() -> None:
    renamed, _ = between("- [ ] Alpha\n  make it so\n", "- [ ] Something else\n  make it so\n")
    assert renamed == {"Something else": "Alpha"}


def test_a_renamed_parent_takes_its_children_along() -> None:
    renamed, matches = between(
        "- [ ] Prepare the release\n  - [ ] build\n  - [ ] test\n",
        "- [ ] Prepare a release\n  - [ ] build\n  - [ ] test\n",
    )
    assert renamed == {"Prepare a release": "Prepare the release", "build": "build", "test": "test"}
    assert (matches.added, matches.removed) == ((), ())


def test_a_similar_title_elsewhere_is_another_task() -> None:
    renamed, _ = between("- [ ] p\n  - [ ] Write the docs\n", "- [ ] p\n- [ ] Write the doc\n")
    assert renamed == {}


def test_a_written_id_is_not_renamed_for_a_similar_title() -> None:
    renamed, matches = between("- [ ] T001 Write tests for A\n", "- [ ] T050 Write tests for B\n")
    assert (renamed, matches.added, matches.removed) == ({}, ("T050",), ("T001",))
    renamed, _ = between("- [ ] Write tests for A\n", "- [ ] T050 Write tests for A\n")
    assert renamed == {"Write tests for A": "Write tests for A"}


def test_a_list_that_grows_past_t99_keeps_its_ids() -> None:
    for count in (99, 150, 198, 199, 250, 999, 1200):
        names = [f"T{number}" for number in range(1, count + 1)]
        parsed = parse("".join(f"- [ ] {name}: do it\n" for name in names))
        assert [task.task_id for task in parsed.tasks] == names, count


def test_one_word_like_an_id_among_sure_ids_stays_a_word() -> None:
    parsed = parse("".join(f"- [ ] T{number}: do it\n" for number in range(100, 110)) + "- [ ] S3 upload\n")
    assert parsed.tasks[-1].title == "S3 upload"


def test_the_most_alike_are_paired_first() -> None:
    renamed, _ = between(
        "- [ ] Import users from file\n- [ ] Import users from files\n",
        "- [ ] Import users from files!\n- [ ] Import users from file?\n",
    )
    assert renamed == {
        "Import users from files!": "Import users from files",
        "Import users from file?": "Import users from file",
    }


def test_many_changed_tasks_are_matched_in_bounded_time() -> None:
    before = "".join(f"- [ ] Task about subject number {number} old\n" for number in range(3000))
    after = before.replace(" old", " new")
    old, new = parse(before).tasks, parse(after).tasks
    known = [Known(task.task_id, task.title, task.body, task.parent, task.section) for task in old]
    began = time.perf_counter()
    matches = identity.match(known, new)
    assert time.perf_counter() - began < 10
    assert len(matches.renamed) > 2900


def test_the_json_shape_is_stable() -> None:
    shape = as_json.as_dict(
        parse("---\nexecutor: {timeout: 1m}\n---\n# T\n\n- [ ] T001 a (after T9)\n  ```sh\n  x\n  ```\n")
    )
    json.dumps(shape)
    assert set(shape) >= {"title", "dialect", "settings", "tasks", "diagnostics"}
    assert shape["settings"] == {"timeout": 60.0}
    (task,) = shape["tasks"]  # type: ignore[misc]
    assert set(task) >= {
        *("id", "title", "priority", "section", "mark", "status", "dependencies", "parallel", "optional", "assignee"),
        *("agent", "tags", "settings", "lines", "position", "body", "blocks"),
    }
    assert set(task["blocks"][0]) == {"lang", "role", "attributes", "content", "line"}
    assert set(shape["diagnostics"][0]) >= {"code", "severity", "line", "column", "message"}  # type: ignore[index]
