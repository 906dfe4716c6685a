"""The lease is kept whatever a beat meets, and nobody waits for an answer for longer than it lasts."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from bench import bench

from executor import clock, processes
from executor.engine import heartbeat
from executor.engine.guard import Guard
from executor.engine.heartbeat import Lease
from executor.engine.inbox import Inbox
from executor.engine.lifeline import Lifeline
from executor.engine.messages import Beaten, BeatFailed
from executor.queue import workers
from tests import make

LEASE = timedelta(seconds=1.5)


@pytest.fixture
def beating(ready_database, connection, tmp_path):
    """Starts the heartbeat of a worker that is on the books; gives the inbox, and ends it with the test."""
    bench(connection, make.document(make.task(id="T1")))
    own = processes.own()
    guard, stops = Guard(own, Path(tmp_path)), []

    def start(attach, loop):
        worker_id = workers.register(
            connection,
            name="w",
            host=own.host,
            boot_id=own.boot_id,
            pid_namespace=own.pid_namespace,
            pid=own.pid,
            pid_started=own.pid_started,
            slots=1,
            labels=[],
            version="1",
            lease=LEASE,
        )
        inbox = Inbox()
        until = clock.boottime() + LEASE.total_seconds()
        stops.append(heartbeat.start(attach, Lease(worker_id, own, LEASE, until), inbox, guard, loop))
        return inbox

    yield start
    for stop in stops:
        stop.set()
    guard.close()


def heard(inbox, kind):
    """The first message of this kind, which must come soon."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for message in inbox.drain(0.5):
            if isinstance(message, kind):
                return message
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.parametrize("lack", [RuntimeError("can't start new thread"), OSError(24, "Too many open files")])
def test_what_the_machine_lacks_for_a_moment_ends_no_heartbeat(beating, ready_database, lack):
    lacking = [lack, lack]

    def attach(purpose):
        if lacking:
            raise lacking.pop()
        return psycopg.connect(ready_database, autocommit=True)

    inbox = beating(attach, Lifeline())
    assert heard(inbox, BeatFailed).reason == str(lack)
    assert heard(inbox, Beaten)


def test_the_loop_is_let_go_when_the_lease_is_over_though_the_heartbeat_still_waits(beating, ready_database):
    over, loop = threading.Event(), Lifeline()

    def attach(purpose):
        over.wait(60)
        raise OSError("a server that never answered")

    with psycopg.connect(ready_database, autocommit=True) as waiting:
        beating(attach, loop)
        loop.hold(waiting)
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            waiting.execute("SELECT pg_sleep(60)")
        assert time.monotonic() - began < 20
    over.set()


def test_a_connection_for_which_there_is_no_second_descriptor_is_used_all_the_same(ready_database, monkeypatch):
    def none_left(descriptor):
        raise OSError(24, "Too many open files")

    loop = Lifeline()
    with psycopg.connect(ready_database, autocommit=True) as connection:
        with monkeypatch.context() as short:
            short.setattr("os.dup", none_left)
            loop.hold(connection)
            loop.cut()
        assert connection.execute("SELECT 1").fetchone() == (1,)
        loop.hold(connection)
        loop.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    loop.close()
