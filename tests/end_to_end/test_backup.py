"""A backup as a person takes one, loses everything, and goes on from it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from tests import make
from tests.desk import Desk


@pytest.fixture
def enterable():
    """A folder for a server of its own, which root's unprivileged account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="executor-backup-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_everything_is_lost_and_comes_back(lone_desk: Desk, enterable: Path):
    lone_desk.write(make.document(make.task(id="A", run="echo kept"), make.task(id="B", run="exit 3")))
    assert lone_desk.do("run").code == 1
    home = {"EXECUTOR_HOME": str(enterable)}
    answer = lone_desk.do("db", "backup", "--json", env=home)
    assert answer.code == 0, answer.said
    made = answer.json
    assert made["tables"]["run"]["rows"] == 2
    assert made["lists"] == [{"path": str(lone_desk.folder / "tasks.md"), "files": 1, "as_last_read": True}]
    ticked = lone_desk.read()

    (lone_desk.folder / "tasks.md").unlink()
    lone_desk.change("DROP SCHEMA executor CASCADE")
    verified = lone_desk.do("db", "verify-backup", "--json", env=home).json
    assert verified["tables"] == made["tables"]
    assert verified["seconds"] > 0
    assert sorted(path.name for path in enterable.iterdir()) == ["backups", "pg"]
    assert not list(enterable.rglob("scratch-*")), "the server it was tried on is gone"

    restored = lone_desk.do("db", "restore", made["path"], "--lists", "--json")
    assert restored.json["tables"] == made["tables"]
    assert lone_desk.read() == ticked
    assert lone_desk.do("logs", "A").out == "kept\n"
    before = lone_desk.value("SELECT max(run_id) FROM executor.run")
    events = len(lone_desk.do("events", "--json").lines)
    assert lone_desk.do("requeue", "A").code == 0
    assert lone_desk.do("run", "-k").code == 1
    assert lone_desk.value("SELECT max(run_id) FROM executor.run") > before + 1_000_000
    told = lone_desk.do("events", "--json").lines
    assert len(told) > events
    assert [one["id"] for one in told] == sorted(one["id"] for one in told), "new events come after the old ones"

    refused = lone_desk.do("db", "restore", made["path"])
    assert refused.code == 4
    assert "[DB_NOT_EMPTY]" in refused.err
    assert "--replace" in refused.err


def test_a_backup_that_is_killed_leaves_nothing_behind(lone_desk: Desk):
    folder = lone_desk.folder / "backups"
    lone_desk.write(make.document(make.task(id="A")))
    lone_desk.do("run")
    with psycopg.connect(lone_desk.database) as other:
        other.execute("LOCK TABLE executor.task_queue IN ACCESS EXCLUSIVE MODE")
        running = lone_desk.start("db", "backup", "backups/one.backup")
        lone_desk.until(lambda: folder.exists() and any(folder.iterdir()), "it began to write")
        running.process.kill()
        running.process.wait()
    assert not (folder / "one.backup").exists()
    answer = lone_desk.do("db", "backup", "backups/one.backup")
    assert answer.code == 0, answer.said
    assert os.listdir(folder) == ["one.backup"]  # noqa: PTH208 - every entry, whatever its name
    assert lone_desk.do("db", "backups", "backups").out.count("1 list, 1 task, 1 run") == 1
    again = lone_desk.do("db", "backup", "backups/one.backup")
    assert (again.code, "[DB_BACKUP]" in again.err) == (4, True)
