"""Marks written to real files, with others writing at the same time."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import loader
from loader import write_back
from loader.exchange import exchange
from loader.model import Status, TaskList

DONE = Status.COMPLETED
ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.md"
    path.write_bytes(b"\xef\xbb\xbf# T\r\n\r\n-\t[ ] T001 a  \r\n- [ ] T002 b")
    return path


def test_a_mark_is_written_through_symlinks_with_the_mode_kept(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    first, second = tmp_path / "one.md", tmp_path / "two.md"
    first.symlink_to(file)
    second.symlink_to(first)
    result = write_back.write(second, {"T001": DONE})
    assert (result.failure, result.written, result.missing) == ("", {"T001": "x"}, ())
    assert file.read_bytes() == b"\xef\xbb\xbf# T\r\n\r\n-\t[x] T001 a  \r\n- [ ] T002 b"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert second.is_symlink()
    assert first.is_symlink()
    assert result.tasks == loader.parse(file.read_bytes())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.md", "tasks.md", "two.md"]


def test_extended_attributes_are_kept(file: Path) -> None:
    try:
        os.setxattr(file, "user.colour", b"red")
    except OSError:
        assert write_back.write(file, {"T001": DONE}).failure == ""  # no attributes here: writing works all the same
        return
    write_back.write(file, {"T001": DONE})
    assert os.getxattr(file, "user.colour") == b"red"


def test_the_returned_list_saves_the_next_parse(file: Path) -> None:
    def refuse(_: bytes) -> TaskList:
        raise AssertionError("parsed again")

    known = loader.parse(file.read_bytes())
    first = write_back.write(file, {"T001": DONE}, known=known, read=refuse)
    second = write_back.write(file, {"T002": DONE}, known=first.tasks, read=refuse)
    assert second.written == {"T002": "x"}
    assert second.tasks == loader.parse(file.read_bytes())


def test_what_was_ticked_before_is_told_as_written_and_not_as_ticked(file: Path) -> None:
    write_back.write(file, {"T001": DONE})
    both = write_back.write(file, {"T001": DONE, "T002": DONE})
    assert (both.written, both.ticked) == ({"T001": "x", "T002": "x"}, {"T002"})


def test_an_edit_since_the_last_parse_is_kept(file: Path) -> None:
    known = loader.parse(file.read_bytes())
    file.write_text("# New\n\n- [ ] T002 b changed\n- [ ] T003 c\n")
    result = write_back.write(file, {"T001": DONE, "T002": DONE}, known=known)
    assert file.read_text() == "# New\n\n- [x] T002 b changed\n- [ ] T003 c\n"
    assert (result.written, result.missing) == ({"T002": "x"}, ("T001",))


def test_an_edit_between_reading_and_writing_is_not_overwritten(file: Path) -> None:
    edits = [b"- [ ] T001 a\n- [ ] T002 edited\n", b"- [ ] T001 a\n- [ ] T002 edited again\n"]

    def read_while_somebody_edits(source: bytes) -> TaskList:
        if edits:
            file.write_bytes(edits.pop(0))
        return loader.parse(source)

    result = write_back.write(file, {"T001": DONE}, read=read_while_somebody_edits)
    assert result.failure == ""
    assert file.read_bytes() == b"- [x] T001 a\n- [ ] T002 edited again\n"


def test_an_editor_that_replaces_the_file_meanwhile_is_not_overwritten(file: Path) -> None:
    edits = [b"- [ ] T001 a\n- [ ] T009 new\n"]

    def read_while_somebody_replaces(source: bytes) -> TaskList:
        if edits:
            other = file.with_name("other")
            other.write_bytes(edits.pop())
            other.replace(file)
        return loader.parse(source)

    write_back.write(file, {"T001": DONE}, read=read_while_somebody_replaces)
    assert file.read_bytes() == b"- [x] T001 a\n- [ ] T009 new\n"


def saved_by_rename(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    other.write_bytes(content)
    other.replace(path)


@pytest.mark.parametrize("save", [Path.write_bytes, saved_by_rename])
@pytest.mark.parametrize("again", [None, Path.write_bytes, saved_by_rename])
def test_a_save_in_the_moment_before_the_rename_is_kept(
    file: Path, monkeypatch: pytest.MonkeyPatch, save: Callable[..., object], again: Callable[..., object] | None
) -> None:
    saves = [(save, b"- [ ] T001 a\n- [ ] T002 edited\n")]
    if again:
        saves.append((again, b"- [ ] T001 a\n- [ ] T002 edited again\n"))
    last = saves[-1][1]

    def exchange_at_a_bad_moment(one: Path, other: Path) -> bool:
        if saves:
            how, content = saves.pop(0)
            how(other, content)
        return exchange(one, other)

    monkeypatch.setattr(write_back, "exchange", exchange_at_a_bad_moment)
    result = write_back.write(file, {"T001": DONE})
    assert (result.failure, result.written) == ("", {"T001": "x"})
    assert file.read_bytes() == last.replace(b"[ ] T001", b"[x] T001")
    assert [path.name for path in file.parent.iterdir() if path.name.endswith("-tmp")] == []


def test_a_save_is_kept_by_an_editor_that_moves_the_file_away_meanwhile(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    def exchange_at_a_bad_moment(one: Path, other: Path) -> bool:
        nonlocal count
        count += 1
        if count == 1:
            saved_by_rename(other, b"- [ ] T001 a\n- [ ] T002 edited\n")
        if count == 2:
            other.rename(other.with_name("backup"))
        return exchange(one, other)

    monkeypatch.setattr(write_back, "exchange", exchange_at_a_bad_moment)
    assert write_back.write(file, {"T001": DONE}).failure == ""
    assert file.read_bytes() == b"- [x] T001 a\n- [ ] T002 edited\n"


def test_a_file_moved_away_in_the_moment_before_the_rename_is_gone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exchange_at_a_bad_moment(one: Path, other: Path) -> bool:
        other.rename(other.with_name("backup"))
        return exchange(one, other)

    monkeypatch.setattr(write_back, "exchange", exchange_at_a_bad_moment)
    assert write_back.write(file, {"T001": DONE}).failure == "the file is gone"
    assert [path.name for path in file.parent.iterdir()] == ["backup"]


def test_where_names_cannot_be_exchanged_the_file_is_replaced(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_back, "exchange", lambda one, other: False)
    assert write_back.write(file, {"T001": DONE}).written == {"T001": "x"}
    assert b"[x] T001" in file.read_bytes()


def test_a_file_that_never_rests_is_reported(file: Path) -> None:
    count = 0

    def read(source: bytes) -> TaskList:
        nonlocal count
        count += 1
        file.write_bytes(f"- [ ] T001 a\n- [ ] T002 {count}\n".encode())
        return loader.parse(source)

    result = write_back.write(file, {"T001": DONE}, read=read)
    assert (result.failure, result.missing) == ("the file keeps changing", ("T001",))
    assert b"[x]" not in file.read_bytes()


def test_a_vanished_file_is_a_failure_and_no_exception(tmp_path: Path) -> None:
    result = write_back.write(tmp_path / "none.md", {"T001": DONE})
    assert (result.failure, result.tasks, result.missing) == ("the file is gone", None, ("T001",))
    assert write_back.write(tmp_path, {"T001": DONE}).failure == "not a regular file"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert write_back.write(loop, {"T001": DONE}).failure


def test_a_file_that_holds_no_list_any_more_is_a_failure(file: Path) -> None:
    file.write_bytes(b"\0\0")
    result = write_back.write(file, {"T001": DONE})
    assert result.failure.startswith("not a text file")
    assert file.read_bytes() == b"\0\0"


def test_a_read_only_file_is_a_failure(file: Path) -> None:
    file.chmod(0o444)
    assert write_back.write(file, {"T001": DONE}).failure == "the file is read-only"


def test_nothing_to_change_writes_nothing(file: Path) -> None:
    write_back.write(file, {"T001": DONE})
    before = file.stat()
    result = write_back.write(file, {"T001": DONE})
    assert result.written == {"T001": "x"}
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_hard_links_stay_linked(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "hard.md"
    other.hardlink_to(file)
    assert write_back.write(file, {"T001": DONE, "T002": DONE}).failure == ""
    assert other.read_bytes() == file.read_bytes()
    assert file.read_bytes().count(b"[x]") == 2


def test_a_mark_of_another_length_in_a_hard_link_is_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.write_text("| id | depends-on |\n|--|--|\n| T1 | |\n")
    (tmp_path / "hard.md").hardlink_to(file)
    result = write_back.write(file, {"T1": DONE})
    assert "another length" in result.failure
    assert "✅" not in file.read_text()


_WRITER = """
import sys
from loader import write_back
from loader.model import Status
known = None
for task_id in sys.argv[2:]:
    result = write_back.write(sys.argv[1], {task_id: Status.COMPLETED}, known=known)
    assert not result.failure, result.failure
    known = result.tasks
"""


def test_two_writers_at_once_lose_no_mark(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    ids = [f"T{number:03d}" for number in range(40)]
    file.write_text("".join(f"- [ ] {task_id} work\n" for task_id in ids))
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(file), *part], cwd=ROOT) for part in (ids[::2], ids[1::2])
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert file.read_text() == "".join(f"- [x] {task_id} work\n" for task_id in ids)
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.md"]


def test_writing_into_ten_thousand_tasks_costs_no_parse(tmp_path: Path) -> None:
    file = tmp_path / "tasks.md"
    file.write_text("".join(f"- [ ] T{number:05d} {'word ' * 15}\n" for number in range(10_000)))
    began = time.perf_counter()
    known = loader.parse(file.read_bytes())
    parsing = time.perf_counter() - began
    began = time.perf_counter()
    result = write_back.write(file, {"T00000": DONE, "T09999": DONE}, known=known)
    writing = time.perf_counter() - began
    assert len(result.written) == 2
    assert writing < parsing / 4


def test_what_a_killed_writer_left_beside_the_file_is_removed(file: Path, tmp_path: Path) -> None:
    (tmp_path / ".tasks.md.k1ll3d.executor-tmp").write_bytes(b"half a fi")
    (tmp_path / ".tasks.md.swp").write_bytes(b"an editor's own")
    write_back.write(file, {"T001": DONE})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".tasks.md.swp", "tasks.md"]


KILLED = """
import os, signal, sys
from loader import write_back
from loader.exchange import exchange
from loader.model import Status

def exchange_and_die(one, other):
    if sys.argv[2] == "after":
        assert exchange(one, other)
    os.kill(os.getpid(), signal.SIGKILL)

write_back.exchange = exchange_and_die
write_back.write(sys.argv[1], {"T001": Status.COMPLETED})
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_writer_killed_at_the_exchange_leaves_the_old_file_or_the_new_one(
    file: Path, tmp_path: Path, when: str
) -> None:
    before = file.read_bytes()
    writer = subprocess.run([sys.executable, "-c", KILLED, file, when], cwd=ROOT, check=False)
    assert writer.returncode == -signal.SIGKILL
    assert file.read_bytes() == (before if when == "before" else before.replace(b"[ ] T001", b"[x] T001"))
    assert len(list(tmp_path.iterdir())) == 2, "and the other one beside it"
    result = write_back.write(file, {"T001": DONE, "T002": DONE})
    assert result.written == {"T001": "x", "T002": "x"}
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.md"]


def test_a_whole_file_is_rewritten_from_what_it_holds_when_it_is_written(file: Path) -> None:
    edits = [b"- [ ] T001 edited\n", b"- [ ] T001 edited again\n"]

    def change_while_somebody_edits(source: bytes) -> bytes:
        if edits:
            file.write_bytes(edits.pop(0))
        return source + b"- [ ] T009 new\n"

    assert write_back.rewrite(file, change_while_somebody_edits) == ""
    assert file.read_bytes() == b"- [ ] T001 edited again\n- [ ] T009 new\n"


def test_a_file_with_several_names_is_not_rewritten_under_one_of_them(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.md").hardlink_to(file)
    before = file.read_bytes()
    assert "another length" in write_back.rewrite(file, lambda source: source + b"\n")
    assert file.read_bytes() == before
