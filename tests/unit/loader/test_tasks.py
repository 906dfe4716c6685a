"""What each spelling of a task means."""

from __future__ import annotations

from datetime import timedelta

import pytest

import loader
from loader.model import Severity, Status, Task, TaskList


def parse(text: str, **options: object) -> TaskList:
    return loader.parse(text.encode(), **options)  # type: ignore[arg-type]


def one(text: str) -> Task:
    (task,) = parse(text).tasks
    return task


def codes(tasks: TaskList) -> list[str]:
    return [diagnostic.code for diagnostic in tasks.diagnostics]


NATIVE = """---
executor: {jobs: 4, timeout: 30m, retries: 2}
---
# Release 2.0

Ship it.

## Build

- [ ] **BLD-001** [P1] Build the wheel
  ```sh
  python -m build
  ```
- [ ] **BLD-002** Test it (depends on BLD-001) @ci #test
  - timeout: 10m
  ```sh
  pytest -q
  ```
  ```sh verify
  test -s report.xml
  ```
"""


def test_the_native_spelling_is_read_whole() -> None:
    tasks = parse(NATIVE)
    assert (tasks.title, tasks.description, tasks.dialect, tasks.diagnostics) == (
        "Release 2.0",
        "Ship it.",
        "native",
        (),
    )
    assert tasks.settings == {"jobs": 4, "timeout": timedelta(minutes=30), "retries": 2}
    build, check = tasks.tasks
    assert (build.task_id, build.title, build.priority, build.section) == (
        "BLD-001",
        "Build the wheel",
        "P1",
        ("Build",),
    )
    assert build.lines == (10, 13)
    assert [(block.role, block.content, block.line) for block in build.blocks] == [("run", "python -m build\n", 11)]
    assert (check.title, check.dependencies, check.assignee, check.tags) == ("Test it", ("BLD-001",), "ci", ("test",))
    assert check.settings == {"timeout": timedelta(minutes=10)}
    assert "timeout" not in check.body
    assert [block.role for block in check.blocks] == ["run", "verify"]
    assert not tasks.sequential


@pytest.mark.parametrize(
    ("text", "task_id", "title"),
    [
        ("T001 Do it", "T001", "Do it"),
        ("[T001] Do it", "T001", "Do it"),
        ("**T001**: Do it", "T001", "Do it"),
        ("**T001: Do** it", "T001", "Do it"),
        ("`T001` Do it", "T001", "Do it"),
        ("[P] T001 [US1] Do it", "T001", "Do it"),
        ("ABC-123 Do it", "ABC-123", "Do it"),
        ("NA-BOOT-INF-001 — Do it", "NA-BOOT-INF-001", "Do it"),
        ("1.1 Do it", "1.1", "Do it"),
        ("14a.1 Do it", "14a.1", "Do it"),
        ("3. Do it", "3", "Do it"),
        ("Task 3: Do it", "3", "Do it"),
        ("t001.1 Do it", "t001.1", "Do it"),
        ("Do it <!-- id: build-it -->", "build-it", "Do it"),
        ("Do it 🆔 abc", "abc", "Do it"),
        ("Do it [id:: abc]", "abc", "Do it"),
        ("Do it ^abc", "abc", "Do it"),
    ],
)
def test_an_id_is_read_in_every_family(text: str, task_id: str, title: str) -> None:
    task = one(f"- [ ] {text}\n")
    assert (task.task_id, task.title, task.explicit_id) == (task_id, title, True)


def test_a_loose_id_needs_company_or_a_reference() -> None:
    alone = parse("- [ ] t1 is slow\n- [ ] Second\n- [ ] Third\n").tasks[0]
    assert (alone.explicit_id, alone.title) == (False, "t1 is slow")
    referred = parse("- [ ] t1 is slow\n- [ ] Second\n- [ ] Third (depends on t1)\n").tasks
    assert referred[0].task_id == "t1"
    assert referred[2].dependencies == ("t1",)


@pytest.mark.parametrize(
    ("text", "priority", "rank", "raw"),
    [
        ("[P0] x", "P1", 0, "P0"),
        ("(P2) x", "P2", 2, "P2"),
        ("**P1** x", "P1", 1, "P1"),
        ("P4: x", "P4", 4, "P4"),
        ("[P7] x", "P4", 4, "P7"),
        ("🔺 x", "P1", 0, "🔺"),
        ("x ⏫", "P1", 1, "⏫"),
        ("x 🔼", "P2", 2, "🔼"),
        ("x 🔽", "P4", 4, "🔽"),
        ("x #priority:high", "P1", 1, "high"),
        ("x [priority:: low]", "P4", 4, "low"),
        ("x !!!", "P1", 0, "!!!"),
        ("see the P1 incident", "P3", 3, ""),
        ("(A) x", "P3", 3, ""),
    ],
)
def test_a_priority_is_read_in_every_spelling(text: str, priority: str, rank: int, raw: str) -> None:
    task = one(f"- [ ] {text}\n")
    assert (task.priority, task.rank, task.priority_raw) == (priority, rank, raw)


@pytest.mark.parametrize(
    ("heading", "priority"),
    [
        ("User Story 1 (Priority: P1)", "P1"),
        ("High Priority", "P1"),
        ("P2 – Later", "P2"),
        ("Phase 0 (P0: usability)", "P1"),
        ("Low priority", "P4"),
        ("Highlights", "P3"),
    ],
)
def test_a_heading_gives_its_priority_to_its_tasks(heading: str, priority: str) -> None:
    assert one(f"# T\n\n## {heading}\n\n### Sub\n\n- [ ] x\n").priority == priority


def test_front_matter_gives_the_default_priority() -> None:
    assert one("---\npriority: high\n---\n- [ ] x\n").priority == "P1"


def test_markers_at_head_and_tail_leave_the_title() -> None:
    task = one("- [ ] [P] [US1] Use `#no` and a@b.c here agent:codex @ann +site #ops/db\n")
    assert task.title == "Use `#no` and a@b.c here"
    assert (task.parallel, task.agent, task.assignee) == (True, "codex", "ann")
    assert set(task.tags) == {"US1", "site", "ops/db"}


@pytest.mark.parametrize(
    "written",
    [
        "(depends on T001, T002)",
        "(depends: T001, T002)",
        "(after T001 and T002)",
        "(depends on T001-T002)",
        "⛔ T001,T002",
        "[dependsOn:: T001, T002]",
        "blocked-by:T001,T002",
        "requires: T001, T002",
        "- depends on T001, T002",
        "<!-- id:x dep:T001,T002 -->",
        "\n  depends_on: [T001, T002]",
        "\n  - _Depends: T001, T002_",
        "\n  - **Depends on**: T001 (the schema), T002 - the rest",
        "\n  - Blocked by: T001; T002",
        "\n  after: T001..T002",
        "\n  - requires: Task T001, t002",
        "\n  - depends on:\n    - T001\n    - T002",
    ],
)
def test_a_dependency_is_read_in_every_spelling(written: str) -> None:
    tasks = parse(f"- [ ] T001 a\n- [ ] T002 b\n- [ ] Third {written}\n")
    assert tasks.tasks[2].dependencies == ("T001", "T002")
    assert tasks.tasks[2].title == "Third"
    assert tasks.diagnostics == ()


@pytest.mark.parametrize("nothing", ["none", "-", "N/A", "[]", "None"])
def test_a_dependency_on_nothing_is_none(nothing: str) -> None:
    tasks = parse(f"- [ ] a\n  - depends on: {nothing}\n")
    assert (tasks.tasks[0].dependencies, tasks.diagnostics) == ((), ())


@pytest.mark.parametrize(
    "prose", ["Remove it after the release", "It requires care", "Do this (after the release)", "Follow up on T001"]
)
def test_prose_is_never_an_edge(prose: str) -> None:
    tasks = parse(f"- [ ] T001 a\n- [ ] {prose}\n")
    assert (tasks.tasks[1].dependencies, tasks.tasks[1].title, tasks.diagnostics) == ((), prose, ())


def test_an_unknown_dependency_is_an_error_that_suggests() -> None:
    tasks = parse("- [ ] build <!-- id: build -->\n- [ ] b\n  - depends on: buld\n")
    (error,) = tasks.errors
    assert (error.code, error.line) == ("E004", 3)
    assert error.message == "unknown task 'buld' in depends on (did you mean 'build'?)"


def test_an_unknown_dependency_may_be_allowed() -> None:
    for tasks in (
        parse("- [ ] a\n  - after: T9\n", allow_missing=True),
        parse("---\nexecutor: {allow_missing: yes}\n---\n- [ ] a\n  - after: T9\n"),
    ):
        assert (tasks.errors, codes(tasks), tasks.edges) == ((), ["W107"], ())


def test_a_task_may_not_depend_on_itself() -> None:
    assert codes(parse("- [ ] T001 a (depends on T001)\n")) == ["E006"]


def test_a_cycle_shows_its_path_with_lines() -> None:
    tasks = parse(
        "- [ ] T001 a (after T003)\n- [ ] T002 b (after T001)\n- [ ] T003 c (after T002)\n- [ ] T004 d (after T003)\n"
    )
    (error,) = tasks.errors
    assert error.code == "E007"
    assert error.message == "dependency cycle: T001 (line 1) → T003 (line 3) → T002 (line 2) → T001 (line 1)"


def test_a_cycle_names_the_rules_and_lines_that_could_be_taken_out() -> None:
    (error,) = parse("- [ ] T001 a\n  - [ ] T002 b\n    - depends on: T003\n- [ ] T003 c (after T001)\n").errors
    assert error.message == "dependency cycle: T001 (line 1) → T002 (line 2) → T003 (line 4) → T001 (line 1)"
    assert error.hint == "take one of these out: depends on (line 3), after (line 4), parent (line 2)"


def test_of_a_long_cycle_only_the_ends_are_shown() -> None:
    count = 3_000
    (error,) = parse("".join(f"- [ ] T{n} a (after T{n % count + 1})\n" for n in range(1, count + 1))).errors
    assert error.message.startswith("dependency cycle: T1 (line 1) → T2 (line 2) → ")
    assert f"({count + 1 - 12} more)" in error.message
    assert error.message.endswith(f"T{count} (line {count}) → T1 (line 1)")
    assert error.hint.count("(line ") == 4


def test_a_duplicate_id_is_an_error_that_names_both_lines() -> None:
    tasks = parse("- [ ] T064 a\n\n- [ ] T064 b\n")
    assert [error.message for error in tasks.errors] == ["id 'T064' is taken: line 1 and line 3"]
    assert [task.task_id for task in tasks.tasks] == ["T064", "T064#2"]


def test_a_duplicate_id_may_get_a_suffix() -> None:
    tasks = parse("- [ ] T064 a\n- [ ] T064 b\n- [ ] T064 c\n", on_duplicate="suffix")
    assert [task.task_id for task in tasks.tasks] == ["T064", "T064#2", "T064#3"]
    assert codes(tasks) == ["W106", "W106"]


def test_derived_keys_survive_other_lines_and_markup() -> None:
    before = parse("- [ ] Write **docs**\n- [ ] Ship\n").tasks
    after = parse(
        "# New\n\n- [ ] Other\n- [x] ship @ann\n* [ ] Write docs (depends on abc)\n", allow_missing=True
    ).tasks
    assert {task.task_id for task in before} <= {task.task_id for task in after}


def test_equal_titles_under_one_parent_are_numbered() -> None:
    first, second = parse("- [ ] same\n- [ ] same\n").tasks
    assert second.task_id == f"{first.task_id}~2"


def test_a_parent_of_boxes_is_a_container_that_waits_for_them() -> None:
    tasks = parse("- [ ] parent\n  - [ ] one\n  - [ ] two\n")
    parent, one_, two = tasks.tasks
    assert parent.container
    assert (one_.parent, two.parent) == (parent.task_id, parent.task_id)
    assert [(edge.depends_on, edge.rule) for edge in tasks.edges] == [(one_.task_id, "parent"), (two.task_id, "parent")]
    assert tasks.sequential


def test_children_wait_for_what_their_parent_waits_for() -> None:
    tasks = parse("- [ ] T001 a\n- [ ] T002 b (depends on T001)\n  - [ ] T003 c\n    - [ ] T004 d\n")
    assert all("T001" in task.dependencies for task in tasks.tasks[1:])


def test_boxes_below_a_task_that_runs_are_its_steps() -> None:
    tasks = parse("- [ ] T001 a\n  ```sh\n  true\n  ```\n  - [ ] step\n    ```sh\n    false\n    ```\n- [ ] T002 b\n")
    first, _ = tasks.tasks
    assert [block.content for block in first.blocks] == ["true\n", "false\n"]
    assert "- [ ] step" in first.body
    assert codes(tasks) == ["I204"]
    ticked = parse("- [ ] T001 a\n  ```sh\n  true\n  ```\n  - [x] step\n    ```sh\n    false\n    ```\n- [x] T002 b\n")
    assert [task.fingerprint for task in ticked.tasks] == [task.fingerprint for task in tasks.tasks]


def test_fences_after_an_item_belong_to_it_until_the_next_task_or_heading() -> None:
    tasks = parse(
        "- [ ] a\n\n```sh\none\n```\n\nExpected: fine\n\n```sh verify\ntwo\n```\n\n"
        "- [ ] b\n\n## H\n\n```sh\nthree\n```\n"
    )
    first, second = tasks.tasks
    assert [block.content for block in first.blocks] == ["one\n", "two\n"]
    assert "Expected: fine" in first.body
    assert first.lines == (1, 11)
    assert second.blocks == ()


def test_fence_info_gives_role_and_attributes() -> None:
    (block,) = one("- [ ] a\n  ```SH {timeout=30s dir=sub env.X='1 2'}\n  x\n  ```\n").blocks
    assert (block.language, block.role) == ("sh", "run")
    assert block.attributes == {"timeout": "30s", "dir": "sub", "env.X": "1 2"}
    roles = {
        "sh no-run": "text",
        "json": "text",
        "": "text",
        "python verify": "verify",
        "verify": "verify",
        "prompt": "prompt",
        "node": "text",
        "sql": "run",
    }
    for info, role in roles.items():
        assert one(f"- [ ] a\n  ```{info}\n  x\n  ```\n").blocks[0].role == role, info


def test_configured_languages_run() -> None:
    task = one("---\nexecutor:\n  languages: {node: node --check}\n---\n- [ ] a\n  ```node\n  x\n  ```\n")
    assert task.blocks[0].role == "run"


def test_settings_are_read_by_lines_and_bullets() -> None:
    task = one(
        "- [ ] a\n  retries: 3\n  - env: A=1 B='two words'\n  - dir: sub\n  - Runner: agent\n  - tags: x, y\n"
        "  - parallel: yes\n  - gate: approval\n  - colour: red\n  - priority: P2\n  - assignee: @ann\n"
    )
    assert task.settings == {
        "retries": 3,
        "env": {"A": "1", "B": "two words"},
        "dir": "sub",
        "runner": "agent",
        "gate": "approval",
    }
    assert (task.tags, task.parallel, task.priority, task.assignee) == (("x", "y"), True, "P2", "ann")
    assert task.body == "- colour: red"


def test_the_pause_before_a_retry_is_a_duration_of_a_task_or_of_the_list() -> None:
    tasks = parse("---\nexecutor: {retry_delay: 2m}\n---\n- [ ] a\n  - retry delay: 0.2s\n")
    assert tasks.settings == {"retry_delay": timedelta(minutes=2)}
    assert tasks.tasks[0].settings == {"retry_delay": timedelta(milliseconds=200)}


@pytest.mark.parametrize(
    "setting",
    [
        "timeout: soon",
        "retry_delay: later",
        "retries: -1",
        "runner: magic",
        "env: A",
        "priority: mauve",
        "parallel: perhaps",
    ],
)
def test_a_known_key_with_a_bad_value_is_an_error_with_its_line(setting: str) -> None:
    tasks = parse(f"- [ ] a\n  - {setting}\n")
    assert [(error.code, error.line) for error in tasks.errors] == [("E010", 2)]


def test_a_bad_fence_attribute_is_an_error_with_its_line() -> None:
    assert [(e.code, e.line) for e in parse("- [ ] a\n  ```sh {timeout=x}\n  y\n  ```\n").errors] == [("E010", 2)]


@pytest.mark.parametrize(
    ("words", "setting", "right"),
    [
        ("{batch=10 key=id}", "", True),
        ("{batch=10}", "key: orders.id", True),
        ("{key=id}", "batch: 10", True),
        ("", "batch: 10 key: id", True),
        ("no-run {batch=many}", "", True),
        ("{batch=none key=id}", "", False),
        ("{batch=0 key=id}", "", False),
        ("{batch=10}", "", False),
        ("", "batch: 10", False),
    ],
)
def test_a_block_in_batches_says_how_many_rows_and_by_which_key(words: str, setting: str, right: bool) -> None:
    said = f"  - {setting}\n" if setting else ""
    found = parse(f"- [ ] a\n{said}  ```sql {words}\n  DELETE FROM t WHERE id <= :to\n  ```\n").errors
    assert [(error.code, error.line) for error in found] == ([] if right else [("E010", 3 if setting else 2)])


@pytest.mark.parametrize(
    ("statement", "right"),
    [
        ("UPDATE t SET a = 1 WHERE id BETWEEN :from AND :to", True),
        ("UPDATE t SET a = 1", False),
        ("UPDATE t SET a = b::to WHERE id = :tomorrow", False),
    ],
)
def test_a_block_in_batches_says_for_which_keys(statement: str, right: bool) -> None:
    found = parse(f"- [ ] a\n  ```sql {{batch=10 key=id}}\n  {statement}\n  ```\n").errors
    assert [(error.code, error.line) for error in found] == ([] if right else [("E010", 2)])


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("500ms", 0.5), ("1h30m", 5400), ("45", 45)]
)
def test_durations(written: str, seconds: float) -> None:
    assert one(f"- [ ] a\n  - timeout: {written}\n").settings["timeout"] == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("front", "code", "line"),
    [
        ("executor: {jobs: 0}", "E010", 2),
        ("executor:\n  jbos: 4", "E012", 3),
        ("executor: 3", "E010", 2),
        ("a: [1", "E011", 2),
        ("d: 2024-13-45", "E011", 1),
        ("executor: {dialect: klingon}", "E010", 2),
    ],
)
def test_front_matter_is_checked_with_its_lines(front: str, code: str, line: int) -> None:
    tasks = parse(f"---\n{front}\n---\n- [ ] a\n")
    assert [(error.code, error.line) for error in tasks.errors] == [(code, line)]
    assert len(tasks.tasks) == 1


def test_an_unclosed_front_matter_is_none() -> None:
    assert [task.title for task in parse("---\n\n- [ ] a\n").tasks] == ["a"]


def test_marks_say_a_status() -> None:
    marks = {
        " ": "pending",
        "x": "completed",
        "X": "completed",
        "~": "in_progress",
        "/": "in_progress",
        "*": "in_progress",
    }
    marks |= {"-": "in_progress", "!": "blocked", "?": "blocked", ">": "pending"}
    tasks = parse("".join(f"- [{mark}] task {mark}.\n" for mark in marks))
    assert [task.status.value for task in tasks.tasks] == list(marks.values())
    assert tasks.diagnostics == ()


def test_a_legend_overrides_the_dialect_and_the_dialect_the_default() -> None:
    assert parse("- [-] a\n", dialect="obsidian").tasks[0].status is Status.SKIPPED
    assert parse("- [~] a\n", dialect="kiro").tasks[0].status is Status.PENDING
    legend = "Legend: `[~]` blocked, `[o]` done\n\n- [~] a\n- [o] b\n"
    tasks = parse(legend, dialect="kiro")
    assert [task.status for task in tasks.tasks] == [Status.BLOCKED, Status.COMPLETED]
    assert tasks.vocabulary[Status.COMPLETED] == "o"


def test_optional_boxes_and_sections_are_optional() -> None:
    assert one("- [ ]* 1.1 tests\n").optional
    assert one("# T\n\n## Optional extras\n\n- [ ] a\n").optional


def test_archived_sections_are_read_as_completed() -> None:
    assert one("# T\n\n## Done\n\n- [ ] a\n").status is Status.COMPLETED


def test_table_columns_are_found_by_name() -> None:
    tasks = parse(
        "| Status | Pri | Task | ID | Depends on | Owner | Verify | Risk |\n|--|--|--|--|--|--|--|--|\n"
        "| [x] | P0 | Make \\| it | EXE-1 | - | ann | `make test` | low |\n"
        "| [ ] | | Ship it | EXE-2 | EXE-1 | | | |\n| done | P2 | Say it | EXE-3 | EXE-1, EXE-2 | | |\n"
    )
    make, ship, say = tasks.tasks
    assert (make.task_id, make.title, make.rank, make.assignee, make.status) == (
        "EXE-1",
        "Make | it",
        0,
        "ann",
        "completed",
    )
    assert [(block.role, block.content) for block in make.blocks] == [("verify", "make test\n")]
    assert make.body == "Risk: low"
    assert (ship.dependencies, ship.status) == (("EXE-1",), Status.PENDING)
    assert (say.dependencies, say.status) == (("EXE-1", "EXE-2"), Status.COMPLETED)
    assert tasks.diagnostics == ()


def test_a_table_of_other_things_is_no_task_list() -> None:
    tasks = parse("| ID | Description |\n|--|--|\n| alpha | a word |\n\n- [ ] a\n")
    assert [task.title for task in tasks.tasks] == ["a"]


def test_a_row_that_repeats_a_box_is_not_a_second_task() -> None:
    tasks = parse("- [ ] T001 a\n\n| ID | Status |\n|--|--|\n| T001 | [ ] |\n")
    assert (len(tasks.tasks), codes(tasks)) == (1, ["I205"])


def test_the_sections_path_leaves_the_title_out() -> None:
    task = one("# T\n\n## Phase 1: Setup\n\n### Models\n\n- [ ] a\n")
    assert task.section == ("Phase 1: Setup", "Models")


def test_errors_are_of_severity_error_only() -> None:
    tasks = parse("- [?] a\n- [ ]\n")
    assert {diagnostic.severity for diagnostic in tasks.diagnostics} == {Severity.WARNING}
    assert tasks.errors == ()


def test_a_line_may_name_thousands_of_tasks_that_it_depends_on() -> None:
    ids = [f"T{number:05d}" for number in range(1, 1001)]
    boxes = "".join(f"- [ ] {task_id} a\n" for task_id in ids)
    tasks = loader.parse(f"{boxes}- [ ] T09999 all of it (depends on {', '.join(ids)}) @ci\n".encode())
    assert tasks.diagnostics == ()
    assert tasks.tasks[-1].dependencies == tuple(ids)
    assert (tasks.tasks[-1].title, tasks.tasks[-1].assignee) == ("all of it", "ci")
