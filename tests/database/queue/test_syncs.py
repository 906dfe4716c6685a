"""A file and the queue brought together: every kind of change, applied to a real database."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from bench import bench

from executor.operations import control, load
from executor.operations.files import Reading
from executor.queue import events, lists, tasks
from executor.queue.events import Cursor
from executor.states import RunStatus
from loader.model import Status
from tests import make

ONE, TWO, THREE = (make.task(f"Write part {n}", f"echo {n}", id=f"T{n}") for n in (1, 2, 3))


def happened(connection, list_id):
    return [(event.kind, event.task) for event in events.since(connection, list_id, Cursor())]


def test_a_task_that_is_marked_as_blocked_has_an_event_that_says_so(connection):
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2", mark="!")))
    make.synced(connection, make.document(make.task(id="T1", mark="!"), make.task(id="T2", mark="!")))
    blocked = [task for kind, task in happened(connection, at.list_id) if kind == "task.blocked"]
    assert blocked == ["T2", "T1"]


def test_a_list_that_two_bring_in_at_once_is_synced_once(ready_database, connection, tmp_path):
    path = tmp_path / "tasks.md"
    path.write_text(make.document(make.task(id="T1")))
    together = threading.Barrier(2)

    def bring_in():
        with psycopg.connect(ready_database, autocommit=True) as own:
            together.wait()
            return load.load(own, path, actor="ann", reading=Reading(str(path))).row.list_id

    with ThreadPoolExecutor(2) as pool:
        list_id, other = (one.result() for one in [pool.submit(bring_in) for _ in range(2)])
    assert list_id == other
    assert happened(connection, list_id) == [("task.added", "T1"), ("list.synced", None)]


def test_a_new_list_brings_its_tasks_with_their_states(connection):
    text = make.document(
        ONE.replace("[ ]", "[x]"), TWO.replace("[ ]", "[-]"), make.task("wait", id="T4", mark="!"), THREE
    )
    at = bench(connection, text)
    assert at.statuses() == {"T1": "completed", "T2": "queued", "T4": "queued", "T3": "queued"}
    assert at.column("hold") == {"T1": None, "T2": None, "T4": "blocked", "T3": None}
    assert at.column("position") == {"T1": 1, "T2": 2, "T4": 3, "T3": 4}


def test_the_same_file_again_changes_nothing(connection):
    list_id, first = make.synced(connection, make.document(ONE, TWO))
    before = connection.execute("SELECT task_queue::text FROM executor.task_queue ORDER BY 1").fetchall()
    _, again = make.synced(connection, make.document(ONE, TWO))
    assert first.summary() == {"added": 2}
    assert again.summary() == {}
    assert connection.execute("SELECT task_queue::text FROM executor.task_queue ORDER BY 1").fetchall() == before
    assert happened(connection, list_id)[-1] == ("list.synced", None)


def test_a_task_put_in_front_moves_the_others_and_is_no_news_of_them(connection):
    at = bench(connection, make.document(ONE, TWO))
    _, plan = make.synced(connection, make.document(THREE, ONE, TWO))
    assert plan.summary() == {"added": 1}
    assert at.column("position") == {"T3": 1, "T1": 2, "T2": 3}
    assert ("task.changed", "T1") not in happened(connection, at.list_id)


@pytest.mark.parametrize(
    ("before", "after", "column", "value"),
    [
        (ONE, ONE.replace("part 1", "part one"), "title", "Write part one"),
        (ONE, ONE.replace("**T1**", "**T1** [P1]"), "priority", "P1"),
        (ONE, ONE.replace("**T1**", "**T1** [P0]"), "rank", 0),
        (ONE, ONE.replace("part 1", "part 1 @ann"), "assignee", "ann"),
        (ONE, ONE.replace("part 1", "part 1 #fast"), "tags", ["fast"]),
        (ONE, "## Later\n\n" + ONE, "section", ["Later"]),
        (ONE, make.task("Write part 1", None, id="T1"), "runner", "manual"),
        (ONE, make.task("Write part 1", "echo 1", id="T1", settings={"gate": "approval"}), "hold", "person"),
    ],
)
def test_what_changes_in_the_file_changes_in_the_queue_with_an_event(connection, before, after, column, value):
    at = bench(connection, make.document(before))
    _, plan = make.synced(connection, make.document(after))
    assert plan.summary() == {"changed": 1}
    assert at.column(column) == {"T1": value}
    assert happened(connection, at.list_id)[-2] == ("task.changed", "T1")
    _, again = make.synced(connection, make.document(after))
    assert again.summary() == {}


def test_a_renamed_task_keeps_its_row(connection):
    at = bench(connection, make.document(make.task("Write the chapter", "echo 1"), make.task("Other", "echo 2")))
    (run,) = at.claim()
    at.settle(run, RunStatus.FAILED)
    _, plan = make.synced(
        connection, make.document(make.task("Write the chapters", "echo 1"), make.task("Other", "echo 2"))
    )
    assert plan.summary() == {"changed": 1, "renamed": 1, "requeued": 1}
    (task_id,) = [one for one, title in at.column("title").items() if title == "Write the chapters"]
    assert at.queue_id(task_id) == run.queue_id
    assert at.column("attempts")[task_id] == 1


def test_a_removed_task_is_out_of_the_way_and_returns_with_its_history(connection):
    at = bench(connection, make.document(ONE, make.task(id="T2", depends_on=["T1"])))
    (run,) = at.claim()
    at.settle(run, RunStatus.FAILED)
    _, plan = make.synced(connection, make.document(make.task(id="T2")))
    assert plan.summary() == {"removed": 1, "changed": 1}
    assert at.statuses() == {"T2": "queued"}, "what it was skipped for is gone"
    assert tasks.counts(connection, at.list_id).total == 1
    assert at.ids(9) == ["T2"]
    _, plan = make.synced(connection, make.document(ONE, make.task(id="T2")))
    assert plan.returned == 1
    assert at.statuses() == {"T1": "failed", "T2": "running"}
    assert at.column("attempts")["T1"] == 1


def test_edges_become_those_of_the_file(connection):
    def edges():
        return connection.execute(
            "SELECT task.task_id, needed.task_id FROM executor.task_dependency AS edge"
            " JOIN executor.task_queue AS task USING (queue_id)"
            " JOIN executor.task_queue AS needed ON needed.queue_id = edge.depends_on ORDER BY 1, 2"
        ).fetchall()

    at = bench(connection, make.chain("T1", "T2", "T3"))
    assert edges() == [("T2", "T1"), ("T3", "T2")]
    make.synced(
        connection, make.document(make.task(id="T1"), make.task(id="T2"), make.task(id="T3", depends_on=["T1", "T2"]))
    )
    assert edges() == [("T3", "T1"), ("T3", "T2")]
    assert at.column("unmet") == {"T1": 0, "T2": 0, "T3": 2}
    make.synced(connection, make.document(make.task(id="T1"), make.task(id="T2"), make.task(id="T3")))
    assert edges() == []
    assert set(at.column("unmet").values()) == {0}
    assert lists.find(connection, make.PATH).sequential


@pytest.mark.parametrize(
    ("state", "base", "shown", "after"),
    [
        ("queued", " ", "x", "completed"),
        ("failed", " ", "x", "completed"),
        ("skipped", " ", "x", "completed"),
        ("completed", "x", " ", "queued"),
        ("completed", " ", " ", "completed"),
        ("running", " ", "x", "running"),
        ("queued", "x", "x", "queued"),
        ("failed", "x", "x", "failed"),
    ],
)
def test_marks_are_merged_with_the_mark_last_seen_as_the_base(connection, state, base, shown, after):
    """A mark that differs from its base is a person's word; one that does not is only behind."""
    at = bench(connection, make.document(ONE))
    run = at.claim()[0] if state in ("running", "failed") else None
    if state == "failed":
        at.settle(run, RunStatus.FAILED)
    elif state == "completed":
        tasks.complete(connection, [at.queue_id("T1")], "ann", "test")
    elif state == "skipped":
        tasks.skip(connection, [at.queue_id("T1")], "ann")
    tasks.record_marks(connection, at.list_id, {"T1": {" ": "pending", "x": "completed"}[base]})
    assert at.statuses() == {"T1": state}

    make.synced(connection, make.document(ONE.replace("[ ]", f"[{shown}]")))

    assert at.statuses() == {"T1": after}
    assert at.column("mark") == {"T1": {" ": "pending", "x": "completed"}[shown]}


def test_marks_that_the_file_lacks_are_due_until_they_are_written(connection):
    at = bench(connection, make.document(ONE, TWO))
    at.settle(at.claim()[0])
    assert tasks.marks_due(connection, at.list_id) == {"T1": Status.COMPLETED}
    tasks.record_marks(connection, at.list_id, {"T1": "completed"})
    assert tasks.marks_due(connection, at.list_id) == {}
    tasks.requeue(connection, [at.queue_id("T1")], "ann", "again")
    assert tasks.marks_due(connection, at.list_id) == {"T1": Status.PENDING}


@pytest.mark.parametrize(
    ("state", "rerun", "after"),
    [
        ("failed", False, "queued"),
        ("completed", False, "completed"),
        ("completed", True, "queued"),
        ("queued", False, "queued"),
    ],
)
def test_an_edited_task_is_queued_again_where_that_is_meant(connection, state, rerun, after):
    at = bench(connection, make.document(ONE))
    if state != "queued":
        (run,) = at.claim()
        at.settle(run, RunStatus.SUCCEEDED if state == "completed" else RunStatus.FAILED)
    make.synced(connection, make.document(ONE.replace("echo 1", "echo one")), rerun_changed=rerun)
    assert at.statuses() == {"T1": after}
    assert at.column("spec")["T1"]["blocks"][0]["content"] == "echo one\n"


def test_an_edited_task_takes_what_was_skipped_for_it_along(connection):
    text = make.document(ONE, make.task(id="T2", depends_on=["T1"]))
    at = bench(connection, text)
    at.settle(at.claim()[0], RunStatus.FAILED)
    assert at.statuses() == {"T1": "failed", "T2": "skipped"}
    make.synced(connection, text.replace("echo 1", "echo one"))
    assert at.statuses() == {"T1": "queued", "T2": "queued"}


def test_a_new_task_behind_a_failed_one_is_skipped_with_it(connection):
    at = bench(connection, make.document(ONE))
    at.settle(at.claim()[0], RunStatus.FAILED)
    make.synced(connection, make.document(ONE, make.task(id="T2", depends_on=["T1"])))
    assert at.statuses() == {"T1": "failed", "T2": "skipped"}


def test_a_sync_waits_for_a_turn_and_a_turn_for_a_sync(ready_database, connection):
    import psycopg
    from psycopg.errors import QueryCanceled

    at = bench(connection, make.document(ONE))
    with psycopg.connect(ready_database) as other:
        tasks.enter_alone(other, at.list_id)
        connection.execute("SET statement_timeout = '200ms'")
        with pytest.raises(QueryCanceled):
            at.claim()
        connection.execute("RESET statement_timeout")
    assert at.ids() == ["T1"]


BASE = make.task("Lay the base", id="T1", priority="P4")
OTHER = make.task("Do another", id="T2", priority="P2")
URGENT = make.task("Hurry", id="T3", priority="P1", depends_on=["T1"])


def test_what_blocks_an_urgent_task_is_claimed_first(connection):
    at = bench(connection, make.document(BASE, OTHER, URGENT))
    assert at.column("rank") == {"T1": 1, "T2": 2, "T3": 1}
    assert at.column("own_rank") == {"T1": 4, "T2": 2, "T3": 1}
    assert at.column("priority") == {"T1": "P4", "T2": "P2", "T3": "P1"}
    assert at.ids(3) == ["T1", "T2"]


@pytest.mark.parametrize(
    ("after", "ranks"),
    [
        ((BASE, OTHER, URGENT.replace("[P1]", "[P3]")), {"T1": 3, "T2": 2, "T3": 3}),
        ((BASE, OTHER, URGENT.replace(" (depends on T1)", "")), {"T1": 4, "T2": 2, "T3": 1}),
        ((BASE, OTHER, URGENT.replace("T1", "T2")), {"T1": 4, "T2": 1, "T3": 1}),
        ((BASE, OTHER, URGENT.replace("[ ]", "[x]")), {"T1": 4, "T2": 2, "T3": 1}),
        ((BASE, OTHER), {"T1": 4, "T2": 2}),
    ],
    ids=["another priority", "no edge", "another edge", "ticked by hand", "gone"],
)
def test_a_file_that_changed_lends_urgency_anew(connection, after, ranks):
    at = bench(connection, make.document(BASE, OTHER, URGENT))
    make.synced(connection, make.document(*after))
    assert at.column("rank") == ranks


def test_urgency_that_was_lent_is_no_news_of_the_task(connection):
    at = bench(connection, make.document(BASE, OTHER))
    _, plan = make.synced(connection, make.document(BASE, OTHER, URGENT))
    assert plan.summary() == {"added": 1}
    assert ("task.changed", "T1") not in happened(connection, at.list_id)


def test_a_person_who_skips_the_urgent_task_takes_its_urgency_away(connection):
    at = bench(connection, make.document(BASE, OTHER, URGENT))
    row = lists.find(connection, make.PATH)
    chosen = [name for name in tasks.names(connection, at.list_id) if name.task_id == "T3"]
    control.skip(connection, row, chosen, make.ACTOR)
    assert at.column("rank") == {"T1": 4, "T2": 2, "T3": 1}
    control.requeue(connection, row, chosen, make.ACTOR, with_dependents=False)
    assert at.column("rank") == {"T1": 1, "T2": 2, "T3": 1}


def test_what_the_queue_has_completed_without_the_file_lends_nothing(connection):
    text = make.document(BASE, OTHER, make.task("Hurry", id="T3", priority="P1"))
    at = bench(connection, text)
    (urgent,) = at.claim()
    at.settle(urgent)
    make.synced(connection, text.replace("**T3** [P1] Hurry", "**T3** [P1] Hurry (depends on T1)"))
    assert at.column("rank")["T1"] == 4
