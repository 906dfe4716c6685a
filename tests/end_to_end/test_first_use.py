"""Without any database named: the embedded server is started, shared, kept and stopped by the commands themselves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import make
from tests.desk import Desk


@pytest.fixture
def newcomer() -> Iterator[Desk]:
    """A desk whose home root's unprivileged account can enter, with no database."""
    folder = Path(tempfile.mkdtemp(prefix="executor-first-"))
    folder.chmod(0o755)
    (folder / "work").mkdir()
    (folder / "home").mkdir()
    desk = Desk(folder / "work", folder / "home", "")
    yield desk
    desk.clear()
    desk.do("db", "stop", "--force")
    assert not servers(folder)
    shutil.rmtree(folder)


def servers(folder: Path) -> list[psutil.Process]:
    """Every postgres at work below a folder."""
    return [
        one
        for one in psutil.process_iter(["name", "cwd"])
        if one.info["name"] == "postgres" and one.info["cwd"] and Path(one.info["cwd"]).is_relative_to(folder)
    ]


def test_from_nothing_to_a_finished_list_and_nothing_is_left_running(newcomer):
    newcomer.write(make.document(make.task(id="ONE-1"), make.task("Ask", None, id="ASK-2")))

    first = newcomer.do("run", seconds=60)
    assert first.code == 3, first.said
    assert "[x] **ONE-1**" in newcomer.read()
    newcomer.until(lambda: not servers(newcomer.folder.parent), "the last user stopped the server")

    assert newcomer.do("db", "status", "--json").json["state"] != "running"
    assert newcomer.do("db", "start").code == 0
    assert newcomer.do("done", "ASK-2").code == 0
    assert newcomer.do("run").code == 0
    url = newcomer.do("db", "url")
    assert url.out.startswith("postgresql://")
    secret = newcomer.do("db", "url", "--password").out.split("://")[1].split("@")[0].split(":")[1]
    assert secret not in url.out
    counted = newcomer.do("db", "psql", "--", "-At", "-c", "SELECT count(*) FROM executor.task_queue")
    assert counted.out.strip() == "2"
    assert newcomer.do("doctor").code == 0
    assert servers(newcomer.folder.parent), "kept until it is told to stop"
    assert newcomer.do("db", "stop").out == "stopped\n"
    assert newcomer.do("db", "stop").out == "not running\n"


def test_a_missing_server_program_is_one_coded_line(newcomer):
    newcomer.write(make.document(make.task()))
    answer = newcomer.do("run", env={"EXECUTOR_PG_BIN": str(newcomer.folder)})
    assert answer.code == 4
    assert "[DB_" in answer.err
    assert "hint:" in answer.err
