"""Ids and front matter written into lists: nothing else changes, neither in the bytes nor in what is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loader
from loader import labels
from loader.labels import Labelled
from loader.model import TaskList

COMMENT = re.compile(rb" <!-- id: [0-9a-f]{10}(?:~\d+)? -->")


def labelled(source: bytes, name: str = "tasks.md") -> Labelled:
    def read(data: bytes) -> TaskList:
        return loader.parse(data, name=name)

    return labels.label(source, read(source), read)


def facts(tasks: TaskList) -> list[tuple[object, ...]]:
    return [(task.task_id, task.title, task.fingerprint, task.status, task.dependencies) for task in tasks.tasks]


@pytest.mark.parametrize(
    "source",
    [
        b"- [ ] one\n- [x] two\n",
        b"- [ ] one\r\n  text\r\n- [ ] two",
        b"\xef\xbb\xbf1. [ ] one  \n   ```sh\n   true\n   ```\n2. [ ] same\n3. [ ] same\n",
        b"- [ ] parent\n\t- [ ] child `code` @ann #tag\n\t- [ ] child \xe2\x8f\xb3 2026-01-02\n",
        b"- [ ] T001 has an id\n- [ ] has none (depends on T001)\n",
        b"## P1\n\n* [~] going on\n  - timeout: 10m\n",
    ],
)
def test_only_comments_are_added_and_every_task_keeps_its_key(source: bytes) -> None:
    found = labelled(source)
    assert found.refused == {}
    assert COMMENT.sub(b"", found.source) == source
    before, after = loader.parse(source), loader.parse(found.source)
    assert facts(after) == facts(before)
    assert all(task.explicit_id for task in after.tasks)
    assert after.dialect == before.dialect
    assert [task.task_id for task in before.tasks if not task.explicit_id] == list(found.added)


def test_a_list_whose_ids_all_show_is_left_alone() -> None:
    source = labelled(b"- [ ] one\n- [ ] two\n").source
    assert labelled(source) == Labelled(source)


def test_a_title_that_changes_keeps_its_id_from_then_on() -> None:
    (before,) = loader.parse(b"- [ ] one\n").tasks
    (after,) = loader.parse(labelled(b"- [ ] one\n").source.replace(b"one", b"quite another")).tasks
    assert after.task_id == before.task_id


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("tasks.md", b"| ID | Task | Status |\n|---|---|---|\n| | one | todo |\n| A-2 | two | todo |\n", "column"),
        ("prd.json", b'{"userStories": [{"title": "one", "passes": false}]}', "field `id`"),
    ],
)
def test_a_carrier_with_a_place_of_its_own_for_ids_says_so(name: str, source: bytes, why: str) -> None:
    found = labelled(source, name)
    assert found.source == source
    assert [why in reason for reason in found.refused.values()] == [True]


def test_todo_txt_shows_its_ids_as_it_does() -> None:
    source = b"x done\nopen +project\n"
    found = labelled(source, "todo.txt")
    assert re.sub(rb" id:[0-9a-f]{10}", b"", found.source) == source
    assert len(found.added) == 2


def test_a_title_with_an_open_comment_is_left_alone_and_the_others_are_not() -> None:
    source = b"- [ ] one\n- [ ] two <!-- open\n  closed --> here\n- [ ] three\n"
    found = labelled(source)
    assert len(found.added) + len(found.refused) == len(loader.parse(source).tasks)
    assert facts(loader.parse(found.source)) == facts(loader.parse(source))


_TITLE = st.text(alphabet="ab Z19`*_[]()<>!-#@:~\\", min_size=1, max_size=12)
_LINE = st.one_of(
    st.tuples(st.sampled_from(["- [ ] ", "- [x] ", "  - [ ] ", "1. [ ] ", "## ", "", "    "]), _TITLE).map("".join),
    st.sampled_from(["", "```", "<!--", "-->", "---", "text"]),
)


@given(st.lists(_LINE, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_list_it_reads_as_before(lines: list[str], end: str) -> None:
    source = end.join(lines).encode()
    before = loader.parse(source)
    if before.errors:
        return
    found = labelled(source)
    after = loader.parse(found.source)
    assert COMMENT.sub(b"", found.source) == source or not found.added or COMMENT.search(source)
    assert facts(after) == facts(before)
    lacking = {task.task_id for task in before.tasks if not task.explicit_id}
    assert {*found.added, *found.refused} == lacking
    assert {task.task_id for task in after.tasks if not task.explicit_id} == set(found.refused)


def prefaced(source: bytes) -> bytes | None:
    return labels.preface(source, loader.parse(source), loader.parse)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"- [ ] one\n", b"---\nexecutor: {jobs: 1}\n---\n- [ ] one\n"),
        (b"# T\r\n- [ ] one\r\n", b"---\r\nexecutor: {jobs: 1}\r\n---\r\n# T\r\n- [ ] one\r\n"),
        (b"\xef\xbb\xbf- [ ] one\n", b"\xef\xbb\xbf---\nexecutor: {jobs: 1}\n---\n- [ ] one\n"),
        (b"---\ntitle: T\n---\n- [ ] one\n", b"---\nexecutor: {jobs: 1}\ntitle: T\n---\n- [ ] one\n"),
        (b"---\n\n- [ ] one\n", b"---\nexecutor: {jobs: 1}\n---\n---\n\n- [ ] one\n"),
    ],
)
def test_front_matter_goes_where_it_belongs(source: bytes, expected: bytes) -> None:
    assert prefaced(source) == expected


def test_a_dialect_that_means_something_is_named() -> None:
    source = b"## 1. First\n\n- [ ] 1.1 one\n- [ ] 1.2 two\n\n## 2. Second\n\n- [ ] 2.1 three\n"
    before = loader.parse(source)
    assert before.dialect == "openspec"
    made = prefaced(source)
    assert made is not None
    assert made.startswith(b"---\nexecutor: {jobs: 1, dialect: openspec}\n---\n")
    assert [edge.depends_on for edge in loader.parse(made).edges] == [edge.depends_on for edge in before.edges]


def test_the_cases_of_the_loader_survive_their_ids() -> None:
    """Every dialect, by the lists that the loader's own tests keep."""
    seen = 0
    for path in sorted((Path(__file__).parents[1] / "cases").glob("*.md")):
        for source in re.findall(r"^`{4,}markdown[^\n]*\n(.*?)^`{4,}$", path.read_text(encoding="utf-8"), re.M | re.S):
            before = loader.parse(source.encode())
            if before.errors:
                continue
            found = labelled(source.encode())
            assert facts(loader.parse(found.source)) == facts(before), path.name
            seen += 1
    assert seen > 5
