from __future__ import annotations

import os

from executor.watch import stamp


def test_every_way_of_writing_a_file_changes_its_stamp(tmp_path):
    path = tmp_path / "tasks.md"
    seen = [stamp.take(path)]
    path.write_text("one\n")
    seen.append(stamp.take(path))
    with path.open("a") as file:
        file.write("two\n")
    seen.append(stamp.take(path))
    beside = tmp_path / "beside"
    beside.write_text("one\ntwo\n")
    os.utime(beside, ns=(0, path.stat().st_mtime_ns))
    beside.replace(path)
    seen.append(stamp.take(path))
    assert seen[0] is None
    assert len({one.parts for one in seen[1:]}) == 3
    assert stamp.take(path) == seen[-1]


def test_the_stamp_of_a_folder_is_that_of_its_lists(tmp_path):
    (tmp_path / "a.md").write_text("a")
    before = stamp.take(tmp_path)
    (tmp_path / "b.txt").write_text("b")
    (tmp_path / ".c.md").write_text("c")
    assert stamp.take(tmp_path) == before
    (tmp_path / "d.md").write_text("d")
    assert stamp.take(tmp_path) != before
    (tmp_path / "e.md").symlink_to("nowhere")
    assert stamp.take(tmp_path) is not None, "a link to nowhere is no file of it"
