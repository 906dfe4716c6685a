"""A copy of a folder in which others are at work."""

from __future__ import annotations

import threading
from pathlib import Path

from executor.model import Claimed
from executor.outcome import Outcome
from executor.runners import Io, Surroundings
from executor.runners.workspaces import copies
from executor.states import RunStatus


def test_files_that_come_and_go_meanwhile_are_in_nobodys_way(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data").write_text("1\n")
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            for number in range(50):
                (folder / f"left{number}").write_text("")
            (folder / "deep").mkdir()
            (folder / "deep" / "left").write_text("")
            (folder / "deep" / "left").unlink()
            (folder / "deep").rmdir()
            for number in range(50):
                (folder / f"left{number}").unlink()

    def look(claimed: Claimed, io: Io, surroundings: Surroundings) -> Outcome:
        assert (surroundings.folder / "data").read_text() == "1\n"
        return Outcome(RunStatus.SUCCEEDED)

    others = threading.Thread(target=come_and_go)
    others.start()
    claimed = Claimed(1, 1, "A", "Do it", "shell", {"blocks": [], "settings": {}}, 0, None, 1, 1)
    surroundings = Surroundings(str(folder / "tasks.md"), folder, folder, {}, {}, "token")
    try:
        ended = [copies.carry(look, claimed, None, surroundings) for _ in range(30)]  # type: ignore[arg-type]
    finally:
        is_over.set()
        others.join()
    assert {(one.status, one.error) for one in ended} == {(RunStatus.SUCCEEDED, "")}


def test_what_is_there_and_cannot_be_copied_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data").write_text("1\n")
    (folder / ".executor").write_text("no folder\n")
    claimed = Claimed(1, 1, "A", "Do it", "shell", {"blocks": [], "settings": {}}, 0, None, 1, 1)
    surroundings = Surroundings(str(folder / "tasks.md"), folder, folder, {}, {}, "token")
    ended = copies.carry(None, claimed, None, surroundings)  # type: ignore[arg-type]
    assert ended.status is RunStatus.FAILED
    assert "could not be made" in ended.error
