"""Who reads on as things happen sees each event once, in the order of all readers, however many write at a time."""

from __future__ import annotations

import random
import threading

import psycopg
from bench import bench

from executor.operations import following
from executor.operations.following import Line
from executor.queue import events, lists, steps
from executor.queue.events import Cursor
from tests import make

WRITERS = 6
COMMITS = 25


def line(database, list_id=None, **options):
    return Line(lambda: psycopg.connect(database, autocommit=True), list_id, **options)


def write(database, list_id, writer):
    """Transactions of one to five events that overlap with those of others; some are undone, some are told of late."""
    dice = random.Random(writer)
    with psycopg.connect(database) as connection:
        for commit in range(COMMITS):
            number = dice.randint(1, 5)
            for one in range(number):
                connection.execute(
                    "INSERT INTO executor.event (list_id, kind, actor) VALUES (%s, 'task.changed', %s)",
                    [list_id, f"{writer} {commit} {one} {number}"],
                )
                connection.execute("SELECT pg_sleep(%s)", [dice.random() / 200])
            connection.rollback() if dice.random() < 0.1 else connection.commit()
            if dice.random() < 0.5:
                steps.tell(connection, list_id)
                connection.commit()


def follow(database, list_id, written, *, since=0):
    """Everything a follower sees until all writers are through and nothing more can come."""
    over = threading.Event()
    reader = line(database, list_id, is_left=over.is_set)
    seen = []

    def read():
        for event in following.log(reader, since=since, text=False, follow=True):
            seen.append(event)
        reader.close()

    thread = threading.Thread(target=read)
    thread.start()
    for one in written:
        one.join()
    with psycopg.connect(database, autocommit=True) as connection:
        (last,) = connection.execute("SELECT count(*) FROM executor.event").fetchone()
        for _ in range(200):
            if len(seen) >= last:
                break
            thread.join(0.05)
    over.set()
    thread.join(10)
    assert not thread.is_alive()
    return seen


def test_followers_of_concurrent_writers_see_each_event_once_in_one_order(ready_database, connection):
    ids = [lists.create(connection, f"/lists/{name}.md") for name in ("a", "b")]
    threads = [
        threading.Thread(target=write, args=(ready_database, ids[writer % 2], writer)) for writer in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    seen = follow(ready_database, None, threads)
    written = connection.execute("SELECT event_id FROM executor.event").fetchall()
    assert sorted(event.id for event in seen) == sorted(event_id for (event_id,) in written)
    assert len({event.xid for event in seen}) > WRITERS
    assert [(event.xid, event.id) for event in seen] == sorted((event.xid, event.id) for event in seen)
    for list_id, path in zip(ids, ("/lists/a.md", "/lists/b.md"), strict=True):
        alone = list(following.log(line(ready_database, list_id), since=0, text=False, follow=False))
        assert alone == [event for event in seen if event.list == path]


def test_reading_on_after_any_number_shows_the_rest_of_what_all_see(ready_database, connection):
    list_id = lists.create(connection, make.PATH)
    threads = [threading.Thread(target=write, args=(ready_database, list_id, writer)) for writer in range(3)]
    for thread in threads:
        thread.start()
    seen = follow(ready_database, list_id, threads)
    for place in range(0, len(seen), 17):
        rest = list(following.log(line(ready_database, list_id), since=seen[place].id, text=False, follow=False))
        assert rest == seen[place + 1 :]


def test_a_number_that_is_gone_misses_nothing(ready_database, connection):
    list_id = lists.create(connection, make.PATH)
    with psycopg.connect(ready_database) as slow:
        slow.execute("INSERT INTO executor.event (list_id, kind, actor) VALUES (%s, 'task.added', 'slow')", [list_id])
        for actor in ("gone", "kept"):
            lists.pause(connection, list_id, actor)
            lists.resume(connection, list_id, actor)
        slow.execute("INSERT INTO executor.event (list_id, kind, actor) VALUES (%s, 'task.added', 'late')", [list_id])
    found = events.since(connection, list_id, Cursor())
    gone = [event for event in found if event.actor == "gone"][-1]
    connection.execute("DELETE FROM executor.event WHERE actor IN ('gone', 'slow')")
    rest = list(following.log(line(ready_database, list_id), since=gone.id, text=False, follow=False))
    assert {event.actor for event in rest} == {"kept", "late"}


def test_a_page_holds_a_megabyte_of_output_and_all_pages_hold_all_of_it(connection):
    at = bench(connection, make.document(make.task(id="T1")))
    (run,) = at.claim()
    for first in range(0, 60, 20):
        at.output(run, *[bytes([65 + first + at]) * 65536 for at in range(20)], first=first)
    cursor, texts = Cursor(), []
    while page := events.since(connection, at.list_id, cursor):
        printed = [str(event.detail["text"]) for event in page if event.kind == "task.output"]
        assert len("".join(printed)) <= 2**20 + 65536
        texts += printed
        cursor = events.after(page, cursor)
    assert [text[0] for text in texts] == [chr(65 + at) for at in range(60)]
    assert all(len(text) == 65536 for text in texts)
    assert all("text" not in event.detail for event in events.since(connection, at.list_id, Cursor(), text=False))


def test_output_of_an_attempt_that_is_yet_to_begin_is_waited_for(ready_database, connection):
    at = bench(connection, make.document(make.task(id="T1")))
    reader = line(ready_database, at.list_id)
    pieces = following.output(reader, at.queue_id("T1"), 0, follow=True, next_attempts=True)
    (run,) = at.claim()
    at.output(run, b"one", b"two")
    assert [next(pieces) for _ in range(3)] == [following.Attempt(1), b"one", b"two"]
    at.output(run, b"three", first=2)
    at.settle(run)
    assert list(pieces) == [b"three"]
    reader.close()


def test_a_storm_of_notices_costs_a_reader_few_questions(ready_database, connection):
    list_id = lists.create(connection, make.PATH)
    reader = line(ready_database, list_id)
    reader.ask(events.newest, list_id)
    over = threading.Event()

    def storm():
        with psycopg.connect(ready_database, autocommit=True) as other:
            while not over.is_set():
                steps.tell(other, list_id)

    thread = threading.Thread(target=storm)
    thread.start()
    try:
        asked = 0
        (began,) = connection.execute("SELECT clock_timestamp()").fetchone()
        while asked < 20:
            reader.wait()
            reader.ask(events.newest, list_id)
            asked += 1
        (took,) = connection.execute("SELECT clock_timestamp() - %s", [began]).fetchone()
    finally:
        over.set()
        thread.join()
        reader.close()
    assert took.total_seconds() > 20 * 0.04
