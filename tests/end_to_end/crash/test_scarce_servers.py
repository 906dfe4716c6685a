"""The server lacks something for a while - room, connections, locks, the right to write - and no run is lost by it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import psycopg
import pytest
from crash_record import check_completed
from crash_site import Site, act, act_until

from tests import make
from tests.database.embedded.embedded_processes import servers_in

_ROLE = "ALTER ROLE CURRENT_USER IN DATABASE {} SET {}"


@pytest.fixture
def small_disk(ground: Path, tmp_path: Path) -> Iterator[Site]:
    """A site whose embedded server has a small file system of its own."""
    point = ground / "disk"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=755", "tmpfs", point], check=True)
    made = Site(tmp_path, {"EXECUTOR_HOME": str(point / "home")}, home=point / "home")
    yield made
    made.clear()
    made.server().stop(force=True)
    made.until(lambda: not servers_in(point) and subprocess.run(["umount", point]).returncode == 0, "unmounted")
    point.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system to fill")
def test_a_disk_that_fills_up_under_a_list_and_is_emptied_again_costs_no_finished_work(small_disk: Site) -> None:
    small_disk.write(
        make.task(id="A", run=act_until("go")),
        make.task(
            id="LOUD",
            run="until [ -e full ]; do sleep 0.01; done\nhead -c 40000000 /dev/urandom | base64\n" + act(),
            settings={"retries": 9},
        ),
        *(make.task(id=f"T-{number}", run=act(0.05)) for number in range(30)),
        retry_delay="100ms",
    )
    ballast = Path(str(small_disk.home)).parent / "ballast"
    worker = small_disk.start("-j", "3")
    small_disk.begun("A")
    with suppress(OSError):  # full, as it is meant to be
        ballast.write_bytes(b"\1" * (400 << 20))
    small_disk.put("full")

    def troubled() -> bool:
        return "nothing can be recorded now" in worker.said() or "the database is gone" in worker.said()

    small_disk.until(troubled, "the server is out of room")
    assert worker.process.poll() is None
    small_disk.put("go")
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=900m", ballast.parent], check=True)
    assert small_disk.end(worker, 60) == 0
    with small_disk.looked_at():
        check_completed(small_disk)
        failed = small_disk.rows("SELECT count(*) FROM executor.run WHERE status = 'failed'")
        assert failed == [(0,)], "a full disk of the server is no failure of a task"


def test_a_server_with_no_connection_left_is_waited_for(site: Site) -> None:
    with closing(site.connect()) as admin, ExitStack() as taken:
        role = f"short_of_{admin.info.dbname}"
        admin.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 8".encode())
        taken.callback(admin.execute, f"DROP OWNED BY {role}; DROP ROLE {role}".encode())
        for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
            admin.execute(f"GRANT ALL ON ALL {kind} IN SCHEMA executor TO {role}".encode())
        admin.execute(f"GRANT ALL ON SCHEMA executor TO {role}".encode())
        plain = psycopg.conninfo.make_conninfo(site.conninfo or "", user=role)
        site.environ["DATABASE_URL"] = plain
        site.write(make.task(id="A", run=act_until("go")), *(make.task(id=f"T-{n}", run=act()) for n in range(9)))
        worker = site.start("-j", "2")
        site.begun("A")
        admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT 0".encode())
        admin.execute("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = %s", [role])
        site.until(lambda: "too many connections" in worker.said(), "none is left for it")
        site.put("go")
        site.until(lambda: site.effects("A"), "what runs goes on")
        admin.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1".encode())
        assert site.end(worker) == 0
        check_completed(site)
        assert site.runs("A") == ["succeeded"]


@pytest.mark.parametrize("setting", ["lock_timeout = '100ms'", "statement_timeout = '300ms'"])
def test_a_turn_that_the_server_gave_up_is_taken_again(site: Site, setting: str) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act(), depends_on=["A"]))
    with closing(site.connect()) as other:
        name = other.info.dbname
        other.execute(_ROLE.format(name, setting).encode())
        worker = site.start("-j", "2")
        site.begun("A")
        with other.transaction():
            other.execute("SELECT FROM executor.task_queue FOR UPDATE")
            site.put("go")
            site.until(lambda: "nothing can be recorded now" in worker.said(), "its end cannot be settled")
        assert site.end(worker) == 0
        assert "takes things in again" in worker.said()
        other.execute(_ROLE.format(name, setting.split(" ")[0] + " = DEFAULT").encode())
    check_completed(site)
    assert site.runs("A") == ["succeeded"], "it ran once"


def test_a_server_that_becomes_read_only_is_waited_for_as_if_it_were_gone(site: Site) -> None:
    site.write(make.task(id="A", run=act_until("go")), make.task(id="B", run=act(), depends_on=["A"]))
    with closing(site.connect()) as other:
        name = other.info.dbname
        worker = site.start("-j", "2")
        site.begun("A")
        other.execute(_ROLE.format(name, "default_transaction_read_only = on").encode())
        other.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE application_name = 'executor run'"
        )
        site.put("go")
        site.until(lambda: "the database is gone" in worker.said(), "it looks for one it can write to")
        other.execute("SET default_transaction_read_only = off")
        other.execute(_ROLE.format(name, "default_transaction_read_only = off").encode())
        assert site.end(worker, 30) == 0
    check_completed(site)


def test_a_transaction_that_somebody_holds_open_slows_no_claims_down(site: Site) -> None:
    site.write(*(make.task(id=f"T-{number}", run=act()) for number in range(60)))
    with closing(site.connect()) as other, other.transaction():
        other.execute("SELECT pg_current_xact_id(), count(*) FROM pg_class")
        assert site.run("-j", "4") == 0
    check_completed(site)
