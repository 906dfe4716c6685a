"""Many workers on one list for a long time, one of them killed or stopped every second: what a fleet lives through.

CHAOS=long soaks for five minutes (`make chaos`), SOAK_SECONDS=3600 for an hour with 20,000 tasks. CHAOS_SEED repeats a
run as far as chance allows.
"""

from __future__ import annotations

import os
import random
import shlex
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest
from crash_record import check_events
from crash_site import Site, Worker

from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_SECONDS = float(os.environ.get("SOAK_SECONDS") or (300 if _LONG else 10))
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
# Each task takes a lock in the target database as long as it runs, and notes in a table when it began and ended. The
# client sleeps, not the server: a server that sleeps does not see that its client was killed, and keeps the lock.
_STAMP = """\
SELECT pg_try_advisory_lock(7, :task) AS alone \\gset
INSERT INTO stamp (task, run, alone) VALUES (:task, :run, :'alone');
\\! sleep {seconds}
UPDATE stamp SET ended_at = clock_timestamp() WHERE run = :run;
"""


@pytest.fixture
def chance() -> random.Random:
    print(f"CHAOS_SEED={_SEED}")
    return random.Random(_SEED)


def _stamped(site: Site, programs: Path, tasks: int, seconds: float) -> None:
    """A list of tasks of so many seconds, of which some wait for others."""
    with closing(site.connect()) as connection:
        connection.execute(
            "CREATE TABLE stamp ("
            " task integer, run bigint PRIMARY KEY, alone boolean, began_at timestamptz DEFAULT clock_timestamp(),"
            " ended_at timestamptz)"
        )
    (site.folder / "stamp.sql").write_text(_STAMP.format(seconds=seconds))
    site.environ["STAMPS"] = site.conninfo or ""
    # psql takes a tenth of the time that Python takes to begin, so that the workers have most of the machine.
    run = (
        f'exec {shlex.quote(str(programs / "psql"))} -X -q -d "$STAMPS" -v ON_ERROR_STOP=1'
        ' -v task="${EXECUTOR_TASK_ID#T-}" -v run="$EXECUTOR_RUN_ID" -f stamp.sql'
    )
    site.write(
        *(
            make.task(
                id=f"T-{number}", run=run, depends_on=[f"T-{number - 7}"] if number % 5 == 0 and number > 9 else ()
            )
            for number in range(1, tasks + 1)
        )
    )


def _worker(site: Site) -> Worker:
    """Another `executor worker`, which takes what there is."""
    return site.begin("worker", "-j", "2")


def _left(site: Site) -> int:
    (left,) = site.rows("SELECT count(*) FROM executor.task_queue WHERE status <> 'completed'")[0]
    return int(left)


def _disturb(site: Site, workers: list[Worker], chance: random.Random) -> None:
    """Kill one worker, or stop it as people do, and put another in its place."""
    place = chance.randrange(len(workers))
    worker = workers[place]
    if chance.random() < 0.7:
        worker.kill()
    else:
        worker.send(chance.choice((signal.SIGTERM, signal.SIGINT)))
    workers[place] = _worker(site)


def _check(site: Site) -> None:
    assert site.rows("SELECT task_id FROM executor.task_queue WHERE status <> 'completed'") == []
    once = "SELECT queue_id FROM executor.run WHERE status = 'succeeded' GROUP BY queue_id HAVING count(*) > 1"
    assert site.rows(once) == [], "each task completed once in the record"
    assert site.rows("SELECT task FROM stamp WHERE NOT alone") == [], "no task was run by two workers at the same time"
    beside = """
        SELECT one.task, one.run, other.run FROM stamp AS one JOIN stamp AS other USING (task)
        WHERE one.run <> other.run AND other.began_at BETWEEN one.began_at AND one.ended_at
    """
    assert site.rows(beside) == [], "nor by their stamps"
    lost = """
        SELECT task_id FROM executor.task_queue JOIN executor.run USING (queue_id)
        WHERE run.status = 'succeeded' AND NOT EXISTS (
            SELECT FROM stamp WHERE stamp.run = run.run_id AND ended_at IS NOT NULL
        )
    """
    assert site.rows(lost) == [], "what is completed was done"
    unknown = "SELECT run FROM stamp WHERE NOT EXISTS (SELECT FROM executor.run WHERE run.run_id = stamp.run)"
    assert site.rows(unknown) == [], "what was done is in the record"
    assert site.rows("SELECT task_id FROM executor.task_queue WHERE attempts > 20") == []
    check_events(site)


@pytest.mark.chaos
def test_a_fleet_of_which_one_is_killed_every_second_does_everything_once(
    site: Site, programs: Path, chance: random.Random
) -> None:
    site.environ["EXECUTOR_LEASE"] = "3"
    _stamped(site, programs, tasks=int(_SECONDS * 6), seconds=1.1)
    site.command("sync", str(site.file))
    workers = [_worker(site) for _ in range(4)]
    until, disturbed = time.monotonic() + _SECONDS, 0
    while _left(site) and time.monotonic() < until:
        _disturb(site, workers, chance)
        disturbed += 1
        time.sleep(1.0)  # the beat of this test, not a wait for anything
    site.until(lambda: not _left(site), "the rest is done in peace", seconds=_SECONDS * 3 + 60)
    for worker in workers:
        worker.send(signal.SIGTERM)
    for worker in site.started:
        worker.process.wait(30)
    _check(site)
    assert site.rows("SELECT worker_id FROM executor.worker WHERE lease_until >= now()") == []
    print(f"{disturbed} workers killed or stopped")
    assert disturbed >= min(10, _SECONDS / 3)


@pytest.mark.chaos
@pytest.mark.skipif(not _LONG, reason="compares two long runs: `make chaos`")
def test_disturbance_costs_at_most_half_as_much_again(site: Site, programs: Path, chance: random.Random) -> None:
    """Eight workers, 5,000 tasks, one worker killed or stopped every second, against the same undisturbed."""
    site.environ["EXECUTOR_LEASE"] = "3"
    _stamped(site, programs, tasks=5000, seconds=0)
    undisturbed = _carried(site, None)
    with closing(site.connect()) as connection:
        connection.execute("DELETE FROM executor.executor_state")
        connection.execute("DELETE FROM executor.event")
        connection.execute("DELETE FROM stamp")
    site.file.write_bytes(site.text)
    disturbed = _carried(site, chance)
    print(f"undisturbed {undisturbed:.0f} s, disturbed {disturbed:.0f} s")
    assert disturbed <= undisturbed * 1.5


def _carried(site: Site, chance: random.Random | None) -> float:
    """Seconds from the first worker to the last task."""
    site.command("sync", str(site.file))
    workers = [_worker(site) for _ in range(8)]
    began = time.monotonic()
    while _left(site):
        if chance is not None:
            _disturb(site, workers, chance)
        time.sleep(1.0)
    took = time.monotonic() - began
    for worker in workers:
        worker.kill()
    _check(site)
    return took
