"""A storm of notices, readers far behind and a huge log: claims keep their pace, and no process grows.

The long form, with `CHAOS=long`, writes 2 GB and holds claims to a tenth; the short one holds what no busy machine
changes: memory, and that readers miss nothing.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from executor.queue import steps
from executor.queue.steps import Appetite, Turn
from tests import make

LONG = os.environ.get("CHAOS") == "long"
LOG_BYTES = 2**31 if LONG else 2**26
BEHIND = 100_000
ROUNDS, TURNS = (40, 50) if LONG else (6, 20)
MEMORY_MAX = 150 * 2**20
RATIO_MAX = 1.1
# A thousand notices a second for the list that is worked on, in the name of nobody.
STORM = """
import sys, time, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    while True:
        connection.execute("SELECT pg_notify('executor', %s || ':') FROM generate_series(1, 50)", [sys.argv[2]])
        time.sleep(0.05)
"""


def peak(pid):
    """The most memory a process has had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0  # 0: it has ended


def end_of(path):
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 500))
        return file.read().decode(errors="replace")


def claims(connection, list_id, worker_id):
    """Milliseconds of each of some turns that claim one task and give it back."""
    took = []
    for _ in range(TURNS):
        began = time.perf_counter()
        with connection.transaction(force_rollback=True):
            turn = Turn(list_id, worker_id, "bench", appetite=Appetite(1, False, "infinity"))
            assert steps.take(connection, turn).claimed
        took.append((time.perf_counter() - began) * 1000)
    return took


@pytest.mark.chaos
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_disturbed_claims_keep_their_pace_and_nobody_grows(lone_desk):
    desk = lone_desk
    big = f"{make.wait_for('go')}; head -c {LOG_BYTES} /dev/zero | tr '\\0' x"
    big = f"{big}; {make.wait_for('measured')}"  # a quick disk takes the log in before the last round
    desk.write(make.document(make.task(id="BIG-1", run=big), *(make.task(id=f"T{n}") for n in range(1000))))
    worker = desk.start("run", "--only", "BIG-1")
    desk.until_running("BIG-1")
    ((list_id, worker_id),) = desk.rows("SELECT list_id, worker_id FROM executor.task_queue WHERE task_id = 'BIG-1'")
    desk.change(f"""
        INSERT INTO executor.event (list_id, kind, actor)
        SELECT {list_id}, 'task.changed', 'long ago' FROM generate_series(1, {BEHIND})
    """)
    slow = subprocess.Popen(
        [sys.executable, "-m", "executor", "events", "-f", "--json"],
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.PIPE,
    )
    storm = subprocess.Popen([sys.executable, "-c", STORM, desk.database, str(list_id)])
    fast = desk.start("events", "-f")
    log = desk.start("logs", "BIG-1", "-f")
    disturbers = [slow.pid, storm.pid, fast.pid, log.pid, worker.pid]
    readers = {"worker": worker.pid, "slow reader": slow.pid, "fast reader": fast.pid, "log reader": log.pid}
    calm, disturbed, peaks = [], [], {}

    def look():
        for name, pid in readers.items():
            if Path(f"/proc/{pid}/status").exists():
                peaks[name] = max(peaks.get(name, 0), peak(pid))

    try:
        assert slow.stdout is not None
        desk.put("go")
        slow.stdout.readline()  # and then it is not read any more: it stays behind
        desk.until(lambda: fast.out.stat().st_size > 0)
        with psycopg.connect(desk.database, autocommit=True) as connection:
            for _ in range(ROUNDS):
                look()
                disturbed += claims(connection, list_id, worker_id)
                for pid in disturbers:
                    os.kill(pid, signal.SIGSTOP)
                calm += claims(connection, list_id, worker_id)
                for pid in disturbers:
                    os.kill(pid, signal.SIGCONT)
        desk.put("measured")
        desk.until(lambda: look() or desk.status("BIG-1") == "completed", seconds=1800 if LONG else 120)
        desk.until(lambda: "list.stopped" in end_of(fast.out), seconds=120)
        assert log.process.wait(600) == 0
        assert log.out.stat().st_size == LOG_BYTES
    finally:
        for process in (slow, storm):
            process.kill()
            process.wait()
        assert slow.stdout is not None
        slow.stdout.close()
    ratio = statistics.median(disturbed) / statistics.median(calm)
    print(
        f"a claim: {statistics.median(calm):.2f} ms calm, {statistics.median(disturbed):.2f} ms disturbed: {ratio:.2f}"
    )
    print(", ".join(f"{name} {bytes_ / 2**20:.0f} MB" for name, bytes_ in peaks.items()))
    assert max(peaks.values()) < MEMORY_MAX
    numbers = [line.split()[0] for line in fast.said().splitlines() if line[:1].isdigit()]
    assert len(numbers) == len(set(numbers)) > BEHIND
    if LONG:
        assert ratio < RATIO_MAX
