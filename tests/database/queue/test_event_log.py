"""Events are read in the order in which they became visible, and none is missed."""

from __future__ import annotations

import psycopg
from bench import bench

from executor.queue import events, lists
from executor.queue.events import Cursor
from tests import make


def kinds(found):
    return [event.kind for event in found]


def test_a_late_commit_is_never_missed(ready_database, connection):
    """The earlier event commits last: a reader that went by ids alone would already be past it."""
    list_id = lists.create(connection, make.PATH)
    with psycopg.connect(ready_database) as slow:
        lists.pause(slow, list_id, "slow")  # not committed
        connection.execute(
            "INSERT INTO executor.event (list_id, kind, actor) VALUES (%s, 'task.added', 'fast')", [list_id]
        )
        assert events.since(connection, list_id, Cursor()) == []
        slow.commit()
    found = events.since(connection, list_id, Cursor())
    assert kinds(found) == ["list.paused", "task.added"]
    assert events.since(connection, list_id, events.after(found, Cursor())) == []


def test_a_transaction_that_is_held_open_delays_events_and_loses_none(ready_database, connection):
    at = bench(connection, make.document(make.task(id="T1")))
    cursor = events.newest(connection, at.list_id)
    with psycopg.connect(ready_database) as other:
        other.execute("SELECT pg_current_xact_id()")
        at.settle(at.claim()[0])
        assert events.since(connection, at.list_id, cursor) == []
    assert kinds(events.since(connection, at.list_id, cursor)) == ["task.started", "task.completed"]


def test_a_reader_goes_on_behind_any_event(connection):
    at = bench(connection, make.document(make.task(id="T1"), make.task(id="T2")))
    for run in at.claim(2):
        at.settle(run)
    found = events.since(connection, at.list_id, Cursor())
    for number, event in enumerate(found):
        cursor = events.cursor_of(connection, at.list_id, event.id)
        assert events.since(connection, at.list_id, cursor) == found[number + 1 :]
    assert events.since(connection, at.list_id, events.newest(connection, at.list_id)) == []


def test_a_thousand_at_a_time_are_all_of_them_in_the_end(connection):
    list_id = lists.create(connection, make.PATH)
    source = "SELECT %s, 'task.added', n::text FROM generate_series(1, 2500) AS n"
    connection.execute(f"INSERT INTO executor.event (list_id, kind, actor) {source}".encode(), [list_id])
    actors, cursor = [], Cursor()
    while found := events.since(connection, list_id, cursor):
        actors += [int(event.actor) for event in found]
        cursor = events.after(found, cursor)
    assert actors == list(range(1, 2501))


def test_every_change_of_state_is_an_event_with_who_did_it(connection):
    at = bench(connection, make.chain("T1", "T2"))
    at.settle(at.claim()[0])
    found = events.since(connection, at.list_id, Cursor())
    assert [(event.kind, event.task, event.actor) for event in found] == [
        ("task.added", "T1", "tester"),
        ("task.added", "T2", "tester"),
        ("list.synced", None, "tester"),
        ("list.started", None, "tester"),
        ("task.started", "T1", "bench"),
        ("task.completed", "T1", "bench"),
    ]
    assert found[-1].detail["run"] == "succeeded"
    assert found[-1].as_dict()["at"].endswith("Z")


def test_output_comes_with_its_text_whatever_the_bytes(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    (run,) = at.claim()
    at.output(run, "naïve ☃".encode(), b"\xff\0")
    texts = [
        event.detail["text"] for event in events.since(connection, at.list_id, Cursor()) if event.kind == "task.output"
    ]
    assert texts == ["naïve ☃", "\N{REPLACEMENT CHARACTER}\0"]


def test_lists_do_not_hear_of_each_other(connection):
    one = bench(connection, make.document(make.task(id="T1")))
    other = bench(connection, make.document(make.task(id="T1")), path="/lists/other.md")
    one.settle(one.claim()[0])
    assert kinds(events.since(connection, other.list_id, Cursor())) == ["task.added", "list.synced", "list.started"]
