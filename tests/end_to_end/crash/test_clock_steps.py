"""The wall clock of a worker's machine jumps by an hour, forth and back: nothing that it does goes by that clock."""

from __future__ import annotations

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from crash_record import check_effects, check_events
from crash_site import Site, act_until

from tests import make

_FOUND = importlib.util.find_spec("libfaketime")
_LIBRARY = Path(str(_FOUND and _FOUND.origin)).parent / "vendor/libfaketime/src/libfaketime.so.1"
_HOUR = 3600


@pytest.fixture
def step(site: Site) -> Callable[[int], None]:
    """Sets the wall clock of what is started here so many seconds off, also while it runs; other clocks go on."""
    offset = site.folder / "offset"
    offset.write_text("+0")
    site.environ |= {
        "LD_PRELOAD": str(_LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }

    def to(seconds: int) -> None:
        before = int(subprocess.check_output(["date", "+%s"], env=site.environ))
        offset.write_text(f"{seconds:+d}")
        after = int(subprocess.check_output(["date", "+%s"], env=site.environ))
        assert abs(after - before) > _HOUR / 2, "the clock that is to be stepped does step"

    return to


@pytest.mark.skipif(_FOUND is None, reason="libfaketime is for Linux on x86")
def test_steps_of_the_wall_clock_move_no_lease_retry_time_limit_or_duration(
    site: Site, step: Callable[[int], None]
) -> None:
    retried = "[ -e tried ] || { touch tried; exit 1; }"
    site.write(
        make.task(id="LONG", run=act_until("go")),
        make.task(id="LIMIT", run="sleep 600", settings={"timeout": "3s"}),
        make.task(id="RETRY", run=retried, settings={"retries": 1, "retry_delay": "3s"}),
        keep_going=True,
    )
    worker = site.start("-j", "3", EXECUTOR_LEASE="2")
    site.begun("LONG")
    site.until(lambda: (site.folder / "tried").exists(), "the first attempt of RETRY")
    step(_HOUR)
    _renewed(site)
    assert (site.runs("LIMIT"), site.runs("RETRY")) == (["running"], ["failed"]), "neither is over an hour too early"
    step(-_HOUR)
    site.until(lambda: site.runs("LIMIT") == ["timed_out"], "nor an hour too late")
    site.until(lambda: site.runs("RETRY") == ["failed", "succeeded"], "nor is the retry")
    step(_HOUR)
    _renewed(site)
    site.put("go")
    assert site.end(worker) == 1
    assert site.runs("LONG") == ["succeeded"], "its lease was never lost"
    took = dict(
        site.rows(
            "SELECT task_id, extract(epoch FROM max(ended_at - run.started_at))::float8"
            " FROM executor.run JOIN executor.task_queue USING (queue_id) GROUP BY task_id"
        )
    )
    assert 3 <= took["LIMIT"] < 10
    assert took["RETRY"] < 3 <= took["LONG"] < 60
    ((waited,),) = site.rows(
        "SELECT extract(epoch FROM max(run.started_at) - min(ended_at))::float8"
        " FROM executor.run JOIN executor.task_queue USING (queue_id) WHERE task_id = 'RETRY'"
    )
    assert 2 <= waited < 10
    assert site.ticks() == 2, "boxes are ticked whatever the time"
    check_effects(site)
    check_events(site)


def _renewed(site: Site) -> None:
    """Wait until the lease was renewed, by as much as it is long."""
    query = "SELECT lease_until, lease_until - now() BETWEEN interval '0' AND interval '2 s' FROM executor.worker"
    ((before, _),) = site.rows(query)
    site.until(lambda: site.rows(query)[0][0] > before, "another beat")
    assert site.rows(query)[0][1], "no hour too long, no hour too short"
