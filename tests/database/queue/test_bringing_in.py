"""A parsed file meets the queue: only while it is still there, and without an event when it says nothing new."""

from __future__ import annotations

import pytest

from executor.operations import bringing, load
from executor.operations.files import Reading
from executor.operations.load import Source
from executor.queue import tasks
from tests import make

LIST = make.document(make.task(id="T1"), make.task(id="T2"))


@pytest.fixture
def source(tmp_path, connection):
    path = tmp_path / "tasks.md"
    path.write_text(LIST)
    made = Source(path, Reading(str(path)))
    load.load(connection, path, actor=make.ACTOR, reading=made.reading)
    return made


def statuses(connection):
    return dict(connection.execute("SELECT task_id, status FROM executor.task_queue ORDER BY position").fetchall())


def syncs(connection):
    return connection.execute("SELECT count(*) FROM executor.event WHERE kind = 'list.synced'").fetchone()[0]


def tick(source, connection, task_id):
    """As a worker and its scribe: completed, ticked in the file, and known to be ticked there."""
    list_id, queue_id = connection.execute(
        "SELECT list_id, queue_id FROM executor.task_queue WHERE task_id = %s", (task_id,)
    ).fetchone()
    tasks.complete(connection, [queue_id], make.ACTOR, "done")
    source.path.write_text(source.path.read_text().replace(f"- [ ] **{task_id}**", f"- [x] **{task_id}**"))
    tasks.record_marks(connection, list_id, {task_id: "completed"})


@pytest.mark.parametrize("checked", [True, False])
def test_bytes_from_before_a_tick_take_it_back_unless_the_file_is_looked_at_again(source, connection, checked):
    before = source.parse(source.read())
    tick(source, connection, "T1")
    brought_in = bringing.bring_in(connection, source, before, actor=make.ACTOR, checked=checked)
    assert (brought_in is None) is checked
    assert statuses(connection)["T1"] == ("completed" if checked else "queued")


def test_a_file_that_is_gone_by_then_changes_nothing(source, connection):
    parsed = source.parse((LIST + make.task(id="T3")).encode())
    source.path.unlink()
    assert bringing.bring_in(connection, source, parsed, actor=make.ACTOR) is None
    assert list(statuses(connection)) == ["T1", "T2"]


def test_a_save_that_says_nothing_new_makes_no_event(source, connection):
    assert syncs(connection) == 1
    source.path.write_text(LIST + "\nSome words.\n")
    tick(source, connection, "T1")
    loaded = bringing.bring_in(connection, source, source.parse(source.read()), actor=make.ACTOR)
    assert loaded is not None
    assert (loaded.summary, tasks.marks_due(connection, loaded.row.list_id), syncs(connection)) == ({}, {}, 1)
    assert loaded.row.source_sha256 == source.parse(source.read()).sha256
    source.path.write_text(source.path.read_text().replace("# A list", "# Another list"))
    assert bringing.bring_in(connection, source, source.parse(source.read()), actor=make.ACTOR)
    assert syncs(connection) == 2, "a title is news"


def test_a_tick_that_a_save_overtook_is_due_again(source, connection):
    tick(source, connection, "T1")
    source.path.write_text(make.document(make.task(id="T1"), make.task("Changed", id="T2")))
    loaded = bringing.bring_in(
        connection, source, source.parse(source.read()), actor=make.ACTOR, just_marked=[frozenset({"T1"})]
    )
    assert loaded is not None
    assert (loaded.overtaken, tasks.marks_due(connection, loaded.row.list_id)) == (("T1",), {"T1": "completed"})
    assert statuses(connection)["T1"] == "completed"
