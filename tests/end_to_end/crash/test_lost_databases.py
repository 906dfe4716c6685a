"""The database is killed, restarted or deleted under a run, alone or with everything else: the list is completed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from crash_record import check_completed, check_file
from crash_site import Site, act, act_until

from executor.database.embedded import Home, Server
from executor.queue import steps
from executor.queue.steps import Appetite, Turn
from tests import make
from tests.conftest import free_port

# The loop's connection: of all that a worker has, the one that matters.
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name IN ('executor run', 'executor worker') AND datname = current_database()"
)


@pytest.fixture
def kept_server(own_server: Path) -> Iterator[Server]:
    """A server that runs until it is stopped, for sites that name it in DATABASE_URL: at one port, whoever starts."""
    server = Server(Home(own_server, port=free_port()))
    yield server
    server.stop(force=True)


@pytest.fixture
def remote(kept_server: Server, tmp_path: Path) -> Iterator[Site]:
    """A site with a server that nobody restarts but the test."""
    conninfo = kept_server.keep().conninfo()
    made = Site(tmp_path, {"DATABASE_URL": conninfo, "EXECUTOR_HOME": str(tmp_path / "home")}, conninfo)
    yield made
    made.clear()


def _down(server: Server) -> None:
    pid = server.status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)


@contextmanager
def _standing_still(server: Server) -> Iterator[None]:
    """Stopped with all its processes, as in a paused container: connections stay, and nothing is answered."""
    postmaster = psutil.Process(server.status().pid)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


def test_the_worker_restarts_its_own_server_and_its_tasks_go_on(embedded: Site) -> None:
    embedded.write(
        make.task(id="A", run=act_until("go")),
        *(make.task(id=f"T-{number}", run=act(0.05)) for number in range(10)),
        make.task(id="Z", run=act(), depends_on=["A"]),
    )
    worker = embedded.start("-j", "2")
    embedded.begun("A")
    killed = embedded.postmaster()
    os.kill(killed, signal.SIGKILL)
    embedded.until(lambda: embedded.postmaster() not in (0, killed), "another server")
    embedded.put("go")
    assert embedded.end(worker) == 0
    with embedded.looked_at():
        assert embedded.runs("A") == ["succeeded"], "it ran through"
        check_completed(embedded)


def test_a_restarted_remote_server_costs_no_run(remote: Site, kept_server: Server) -> None:
    remote.write(
        make.task(id="A", run=act_until("go")),
        make.task(id="B", run=act_until("gone")),
        *(make.task(id=f"T-{number}", run=act()) for number in range(10)),
    )
    worker = remote.start("-j", "2")
    remote.begun("A", "B")
    _down(kept_server)
    remote.until(lambda: "database is gone" in worker.said(), "it has noticed")
    remote.put("gone")
    remote.until(lambda: remote.effects("B"), "B ends while there is no database")
    remote.until(lambda: "no database yet" in worker.said(), "it looks in vain")
    kept_server.keep()
    remote.put("go")
    assert remote.end(worker) == 0
    assert {status for (status,) in remote.rows("SELECT status FROM executor.run")} == {"succeeded"}
    check_completed(remote)


def test_an_outage_longer_than_the_lease_ends_the_tasks_and_counts_as_no_failure(
    remote: Site, kept_server: Server
) -> None:
    remote.write(make.task(id="A", run="[ -e back ] || sleep 600\n" + act()))
    worker = remote.start(EXECUTOR_LEASE="2")
    remote.until(lambda: len(remote.left()) >= 2, "A at work")
    _down(kept_server)
    remote.none_left(4.0)
    remote.put("back")
    kept_server.keep()
    assert remote.end(worker) == 0
    assert remote.runs("A") == ["lost", "succeeded"]
    assert remote.rows("SELECT attempts, failures FROM executor.task_queue") == [(2, 0)]
    check_completed(remote)


def test_a_server_that_stands_still_for_longer_than_the_lease_is_named(remote: Site, kept_server: Server) -> None:
    remote.write(make.task(id="A", run="[ -e back ] || sleep 600\n" + act()))
    worker = remote.start(EXECUTOR_LEASE="2")
    remote.until(lambda: len(remote.left()) >= 2, "A at work")
    enough = time.monotonic() + 4.0  # its task ends with the lease, and is then to be recorded
    with _standing_still(kept_server):
        remote.none_left(4.0)
        remote.until(lambda: time.monotonic() > enough, "longer than the lease")
        remote.put("back")
    assert remote.end(worker) == 0
    assert "the database gave no answer" in worker.said()
    assert [status for status in remote.runs("A") if status != "cancelled"] == ["lost", "succeeded"]  # not begun
    assert remote.rows("SELECT attempts, failures FROM executor.task_queue") == [(2, 0)]
    check_completed(remote)


def test_interrupting_twice_during_an_outage_ends_the_tasks_and_leaves(remote: Site, kept_server: Server) -> None:
    remote.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()))
    worker = remote.start()
    remote.begun("A")
    _down(kept_server)
    remote.until(lambda: "no database yet" in worker.said(), "it looks in vain")
    worker.send(signal.SIGINT)
    remote.until(lambda: "Ctrl-C again" in worker.said(), "the first is heard")
    worker.send(signal.SIGINT)
    assert remote.end(worker, 5.0) == 130
    remote.none_left()
    kept_server.keep()
    remote.put("go")
    assert remote.run() == 0
    check_completed(remote)


def test_a_server_that_stands_still_keeps_nobody_who_wants_to_leave(remote: Site, kept_server: Server) -> None:
    remote.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()))
    worker = remote.start(EXECUTOR_LEASE="2")
    remote.begun("A")
    with _standing_still(kept_server):
        remote.until(lambda: "the database is gone" in worker.said(), "it waits for an answer no longer")
        worker.send(signal.SIGINT)
        remote.until(lambda: "Ctrl-C again leaves" in worker.said(), "the first is heard")
        worker.send(signal.SIGINT)
        assert remote.end(worker, 5.0) == 130
        remote.none_left()
    remote.put("go")
    assert remote.run() == 0
    check_completed(remote)


def test_a_server_that_stands_still_keeps_nobody_who_is_leaving(remote: Site, kept_server: Server) -> None:
    remote.write(make.task(id="A", run=act()))
    worker = remote.start(EXECUTOR_LEASE="4", EXECUTOR_FAULT="ended-not-left:stop")
    remote.until(lambda: "stopped at ended-not-left" in worker.said(), "A is done")
    with _standing_still(kept_server):
        worker.send(signal.SIGCONT)
        assert remote.end(worker, 40.0) == 4
    assert "Traceback" not in worker.said()
    assert remote.run() == 0
    check_completed(remote)


def test_a_loud_task_obeys_an_interrupt_while_nobody_takes_its_output(remote: Site, kept_server: Server) -> None:
    remote.write(make.task(id="A", run="[ -e quiet ] || yes\n" + act()))
    worker = remote.start()
    remote.until(lambda: len(remote.left()) >= 2, "A at work")
    _down(kept_server)
    remote.until(lambda: "no database yet" in worker.said(), "it looks in vain")
    remote.until(lambda: _stands_still(remote), "the task waits for room")
    assert worker.peak_megabytes() < 80
    worker.send(signal.SIGTERM)
    assert remote.end(worker, 5.0) == 130
    remote.none_left()
    kept_server.keep()
    remote.put("quiet")
    assert remote.run() == 0
    check_completed(remote)


def test_everything_killed_at_once_is_finished_by_the_next_run(embedded: Site) -> None:
    embedded.write(
        *(make.task(id=f"A-{number}", run=act(0.1)) for number in range(12)),
        make.task(id="Z", run="[ -e again ] || sleep 600\n" + act(), depends_on=["A-0"]),
    )
    worker = embedded.start("-j", "4")
    embedded.until(lambda: embedded.effects("A-3"), "half of it is done")
    victims = [embedded.postmaster(), worker.guard(), *embedded.left(), worker.pid]
    # One dies after the other here, and the worker could still record that a task was ended by a signal.
    os.kill(worker.pid, signal.SIGSTOP)
    for pid in victims:
        _kill(pid)
    worker.kill()
    embedded.put("again")
    assert embedded.run("-j", "4") == 0
    with embedded.looked_at():
        check_completed(embedded)


def test_a_deleted_database_is_rebuilt_from_the_marks_with_a_warning(embedded: Site) -> None:
    embedded.write(
        *(make.task(id=f"A-{number}", run=act()) for number in range(5)),
        make.task(id="Y", run=act_until("go"), depends_on=["A-4"]),
        make.task(id="Z", run=act(), depends_on=["Y"]),
    )
    worker = embedded.start("-j", "4")
    embedded.begun("Y")
    embedded.until(lambda: embedded.ticks() == 5, "five boxes ticked")
    _kill(embedded.postmaster())
    worker.kill()
    embedded.none_left()
    assert embedded.home
    place = Home(embedded.home).place().folder
    for folder in {place, embedded.home}:
        shutil.rmtree(folder, ignore_errors=True)
    embedded.home.mkdir(mode=0o755)
    embedded.put("go")
    assert embedded.run("-j", "4") == 0
    assert "5 tasks ticked" in embedded.started[-1].said()
    assert [embedded.effects(f"A-{number}") for number in range(5)] == [1] * 5, "not done again"
    assert embedded.effects("Y") == embedded.effects("Z") == 1
    check_file(embedded)


def test_a_claim_whose_answer_was_lost_is_carried_out_by_its_worker(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()), make.task(id="C", run=act()))
    worker = site.start()
    site.begun("A")
    with site.connect() as connection:
        row = connection.execute(
            "SELECT worker_id, list_id, name FROM executor.worker JOIN executor.worker_list USING (worker_id)"
        ).fetchone()
        assert row is not None
        worker_id, list_id, name = row
        claim = steps.take(
            connection,
            Turn(list_id, worker_id, name, appetite=Appetite(1, in_order=False, stop_if_failed_since="infinity")),
        )
        assert [claimed.task_id for claimed in claim.claimed] == ["B"]
        connection.execute(_CUT_OFF)
    site.until(lambda: site.effects("B"), "B is carried out, though its worker was not told")
    site.put("go")
    assert site.end(worker) == 0
    assert {status for (status,) in site.rows("SELECT status FROM executor.run")} == {"succeeded"}
    check_completed(site)


def test_another_database_in_the_old_ones_place_is_never_mistaken_for_it(remote: Site, kept_server: Server) -> None:
    remote.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act()))
    worker = remote.start()
    remote.begun("A")
    with remote.connect() as connection:
        connection.execute("UPDATE executor.worker SET pid = 1, pid_started = 1")  # the same id, somebody else's
        connection.execute(_CUT_OFF)
    remote.until(lambda: "taken for dead" in worker.said(), "it sees that the entry is not its own")
    remote.put("go")
    assert not [status for (status,) in remote.rows("SELECT status FROM executor.run") if status == "succeeded"]
    worker.kill()


def _stands_still(site: Site) -> bool:
    """Has the task used no processor for a while?"""
    before = _ticks_used(site)
    time.sleep(0.2)  # what is measured is this stretch of time
    return before == _ticks_used(site)


def _ticks_used(site: Site) -> int:
    used = 0
    for pid in site.left():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used


def _kill(pid: int) -> None:
    assert pid > 1
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
