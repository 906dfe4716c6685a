"""Every line that looks like a task is accounted for: a task, a step, a diagnostic, or the rule that left it out."""

from __future__ import annotations

import os
from collections import Counter
from csv import DictReader
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loader
from loader import accounts, dialects
from loader.accounts import Account


def explained(text: str, name: str = "tasks.md", dialect: str | None = None) -> list[Account]:
    source = text.encode()
    return accounts.of(source, loader.parse(source, name=name, dialect=dialect))


LIST = """---
title: "- [ ] front"
note: |
  - [ ] in front matter
---
# All

- [ ] **A-1** first
  - [x] inside
- [P] tasks = parallel
- [x](link) and - [2026-01-29] date
-[ ] not one
- [ ]

```text
- [ ] in code
| ID | Status |
### Task 9: in code
```

<!--
- [ ] in a comment
-->

> - [ ] quoted
> | ID | Task |

| ID | Task | Status |
|----|------|--------|
| A-2 | second | todo |
|  |  |  |

| Name | Colour |
|------|--------|
| a    | red    |

<details>
- [ ] in a block
</details>

text

        - [ ] indented

## Notes

- [ ] a note

## Task 7: a section

## ABC-1 Build

- [ ] A-7 below
- [ ] A-8 below
"""

VERDICTS = [
    (4, "I206"),
    (8, "A-1"),
    (9, "inside"),
    (10, "I203"),
    (12, "W102"),
    (13, "W103"),
    (16, "code fence from line 15"),
    (17, "code fence from line 15"),
    (18, "code fence from line 15"),
    (22, "HTML comment from line 21"),
    (25, "I202"),
    (26, "block quote from line 25"),
    (28, "the header of a table of tasks"),
    (30, "A-2"),
    (31, "W111"),
    (33, "a table without an id and a title, status or dependency"),
    (35, "a table without an id and a title, status or dependency"),
    (38, "W105"),
    (43, "W108"),
    (47, "I201"),
    (49, "a section: no task stands below it"),
    (51, "a section: the tasks stand below it"),
    (53, "A-7"),
    (54, "A-8"),
]


def test_each_line_gets_the_rule_that_decided_on_it() -> None:
    tasks = {task.task_id: task for task in loader.parse(LIST.encode()).tasks}
    shown = [
        (one.line, one.code or (tasks[one.task_id].title if one.line == 9 else one.task_id) or one.reason)
        for one in explained(LIST)
    ]
    assert shown == VERDICTS


def test_steps_and_criteria_around_headings_that_are_tasks() -> None:
    text = "# P\n\n- [ ] a criterion\n\n### Task 1: Do\n\n- [ ] s\n\n| ID | Task |\n|--|--|\n| X-1 | y |\n"
    assert [(one.line, one.verdict, one.code, one.task_id) for one in explained(text)] == [
        (3, "diagnostic", "I207", ""),
        (5, "task", "", "1"),
        (7, "step", "", "1"),
        (9, "diagnostic", "I208", ""),
        (11, "rule", "", ""),
    ]


@pytest.mark.parametrize(("fence", "code"), [("```", "E008"), ("<!--", "E009")])
def test_what_is_hidden_by_something_unclosed_is_named_by_the_error(fence: str, code: str) -> None:
    found = explained(f"- [ ] a\n\n{fence}\n- [ ] b\n")
    assert [(one.verdict, one.code) for one in found] == [("task", ""), ("diagnostic", code)]


def test_other_kinds_of_files_are_told_as_well() -> None:
    assert [one.look for one in explained("a\n\nb\n", "todo.txt")] == ["line", "line"]
    assert [one.look for one in explained('{"tasks": [{"id": 1, "title": "a"}]}', "tasks.json")] == ["object"]
    assert explained("\0") == []
    folder = {"a.md": b"---\nid: A-1\nstatus: done\n---\n- [ ] c\n", "b.md": b"- [ ] of another list\n"}
    assert [(one.file, one.line, one.verdict) for one in accounts.of(folder, loader.parse_folder(folder))] == [
        ("a.md", 1, "task"),
        ("a.md", 5, "diagnostic"),
    ]


_LINES = st.lists(
    st.one_of(
        st.sampled_from([line for line in LIST.split("\n") if line]),
        st.sampled_from(
            ["", "", "  - [ ] b", "    1. [x] c", "> text", "- a", "- - [ ] d", "-\n  [ ] e", "```", "~~~"]
        ),
        st.sampled_from(
            ["### Task 1: F", "### Task 2: G", "- [ ] 1.1 h", "```yaml\nid: Y\ntitle: y\n```", "\t- [ ] i"]
        ),
        st.sampled_from(
            ["1. x\n2. [ ] j", "- [ ] **T001** k\n  ```sh\n  true\n  ```\n  - [ ] step", "* [~]\tl", "| a |"]
        ),
        st.sampled_from(["<div>", "</div>", "<!--", "-->", "---", "===", "  | ID | Task |\n  |--|--|\n  | Q-1 | r |"]),
    ),
    max_size=14,
)


@settings(deadline=None)
@given(_LINES, st.sampled_from([None, *dialects.NAMES]))
def test_no_line_is_lost_in_any_list(lines: list[str], dialect: str | None) -> None:
    found = explained("\n".join(lines), dialect=dialect)
    assert not [one for one in found if one.verdict == "lost"]
    assert len({one.line for one in found}) == len(found)


FIXTURES = Path(os.environ.get("EXECUTOR_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no real task lists in {FIXTURES}: set EXECUTOR_FIXTURES")
def test_every_box_of_real_lists_is_accounted_for() -> None:
    with (FIXTURES / "INDEX.tsv").open(encoding="utf-8") as index:
        rows = list(DictReader(index, delimiter="\t"))
    for row in rows:
        source = (FIXTURES / row["file"]).read_bytes()
        tasks = loader.parse(source, name=row["path"])
        found = accounts.of(source, tasks)
        assert not [one for one in found if one.verdict == "lost"], row["file"]
        assert sum(one.look == "box" for one in found) == int(row["raw_line_matches"]), row["file"]
        outside = [one for one in found if not one.reason.startswith(("code fence", "HTML comment"))]
        assert sum(one.look == "box" for one in outside) == int(row["ext_checkbox_items"]), row["file"]
        counts = Counter(one.verdict for one in found)
        assert (counts["task"], counts["step"]) == (len(tasks.tasks), sum(len(task.steps) for task in tasks.tasks))
