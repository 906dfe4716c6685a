"""What agents must not change is put back, and marks of ours are told from theirs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

import loader
from executor.runners.agents.keeper import Keeper

LIST = "# Work\n\n- [ ] **A-1** One\n- [ ] **A-2** Two\n- [ ] **A-3** Three\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.md"
    path.write_text(LIST)
    return path


def keeper(path: Path, *, ticks: bool = True) -> Keeper:
    return Keeper(path, partial(loader.parse, name=path.name), path.parent, ticks=ticks)


def record(**statuses: str) -> dict[str, str]:
    return {
        "A-1": "queued",
        "A-2": "queued",
        "A-3": "queued",
        **{id.replace("_", "-"): one for id, one in statuses.items()},
    }


def tick(text: str, *ids: str) -> str:
    for id in ids:
        text = text.replace(f"[ ] **{id}**", f"[x] **{id}**")
    return text


def test_a_tick_that_nobody_has_recorded_is_taken_back_and_ours_stays(path: Path):
    kept = keeper(path)
    kept.enter(path.parent, [])
    path.write_text(tick(LIST, "A-1", "A-2"))
    changes = kept.leave(path.parent, [], lambda: record(A_1="completed", A_2="running"))
    assert path.read_text() == tick(LIST, "A-1")
    assert (changes.ticked, changes.paths) == (("A-2",), ())


def test_an_edit_is_taken_back_with_the_marks_of_ours_kept(path: Path):
    kept = keeper(path)
    kept.enter(path.parent, [])
    path.write_text(tick(LIST, "A-1").replace("Three", "Something easier") + "- [ ] **B-1** Mine\n")
    changes = kept.leave(path.parent, [], lambda: record(A_1="completed"))
    assert path.read_text() == tick(LIST, "A-1")
    assert changes.paths == ("tasks.md",)
    assert "+- [ ] **B-1** Mine" in changes.diff


@pytest.mark.parametrize("ticks", [True, False])
@pytest.mark.parametrize(
    "left",
    [None, LIST, LIST.replace("Three", "Something easier")],
    ids=["nothing", "an old copy", "an edited old copy"],
)
def test_a_tick_of_ours_that_an_agent_overwrote_is_there_again(path: Path, left: str | None, ticks: bool):
    kept = keeper(path, ticks=ticks)
    kept.enter(path.parent, [])
    path.write_text(tick(LIST, "A-1"))  # while the agent works, which has read the list before
    path.unlink() if left is None else path.write_text(left)
    kept.leave(path.parent, [], lambda: record(A_1="completed"))
    assert path.read_text() == (tick(LIST, "A-1") if ticks else LIST)


def test_a_list_that_is_gone_or_broken_is_there_again(path: Path):
    for spoil in (path.unlink, lambda: path.write_bytes(b"\xff\xfe nothing"), lambda: path.write_text("")):
        kept = keeper(path)
        kept.enter(path.parent, [])
        spoil()
        assert kept.leave(path.parent, [], record).paths == ("tasks.md",)
        assert path.read_text() == LIST


def test_agents_side_by_side_share_what_was_there_before_the_first(path: Path):
    kept = keeper(path)
    kept.enter(path.parent, [])
    path.write_text(LIST + "spoiled by the first\n")
    kept.enter(path.parent, [])  # the second begins with the first one's edit in the file
    assert kept.leave(path.parent, [], record).paths == ("tasks.md",)
    assert path.read_text() == LIST
    assert kept.leave(path.parent, [], record).paths == ()
    path.write_text(LIST + "a person's edit, when nobody is at work\n")
    kept.enter(path.parent, [])
    assert kept.leave(path.parent, [], record).paths == ()
    assert path.read_text().endswith("at work\n")


def test_protected_paths_are_put_back_new_ones_taken_away(path: Path):
    (path.parent / "tests" / "deep").mkdir(parents=True)
    check, deep = path.parent / "tests" / "check.sh", path.parent / "tests" / "deep" / "a.txt"
    check.write_text("exit 1")
    deep.write_bytes(b"\0binary")
    (path.parent / ".hidden").write_text("h")
    patterns = ["tests", ".hid*", "*.cfg"]
    kept = keeper(path)
    kept.enter(path.parent, patterns)
    check.write_text("exit 0")
    deep.unlink()
    deep.parent.rmdir()
    (path.parent / "tests" / "new.sh").write_text("x")
    (path.parent / ".hidden").unlink()
    (path.parent / "other.txt").write_text("may be written")
    changes = kept.leave(path.parent, patterns, record)
    assert set(changes.paths) == {".hidden", "tests/check.sh", "tests/deep/a.txt", "tests/new.sh"}
    assert (check.read_text(), deep.read_bytes(), (path.parent / ".hidden").read_text()) == ("exit 1", b"\0binary", "h")
    assert not (path.parent / "tests" / "new.sh").exists()
    assert (path.parent / "other.txt").exists()


def test_a_copy_of_the_list_in_the_agents_own_tree_is_protected_too(path: Path):
    tree = path.parent / "tree"
    tree.mkdir()
    (tree / "tasks.md").write_text(LIST)
    kept = keeper(path)
    kept.enter(tree, [])
    (tree / "tasks.md").write_text(tick(LIST, "A-1"))
    assert kept.leave(tree, [], record).paths == ("tasks.md",)
    assert (tree / "tasks.md").read_text() == LIST
