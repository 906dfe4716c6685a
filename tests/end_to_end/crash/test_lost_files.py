"""The list's file is deleted or broken under a run: the queue stands, the run goes on, the boxes are ticked later."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from crash_record import check_completed, check_effects
from crash_site import Site, act, act_until

from tests import make


def _half_way(site: Site) -> None:
    site.write(make.task(id="A", run=act()), make.task(id="B", run=act_until("go")), make.task(id="C", run=act(0.1)))


def _ticked(site: Site) -> bytes:
    """The file with A ticked while B runs."""
    site.begun("B")
    site.until(lambda: site.ticks() == 1, "A is ticked")
    return site.file.read_bytes()


@pytest.mark.parametrize("broken", [None, b"", b"\x00\xff\xfe broken", b"# A list\n\n```sh\n- [ ] unclosed\n"])
def test_a_file_that_is_gone_or_broken_half_way_hinders_nothing(site: Site, broken: bytes | None) -> None:
    _half_way(site)
    worker = site.start()
    before = _ticked(site)
    site.file.unlink()
    if broken is not None:
        site.file.write_bytes(broken)
    site.put("go")
    assert site.end(worker) == 0
    assert site.rows("SELECT count(*) FROM executor.run WHERE status = 'succeeded'") == [(3,)]
    assert (site.file.read_bytes() if site.file.exists() else None) == broken, "nobody's text is overwritten"
    site.file.write_bytes(before)
    assert site.run() == 0
    assert site.rows("SELECT count(*) FROM executor.run") == [(3,)], "nothing is done again"
    check_completed(site)


def test_a_worker_killed_without_its_file_is_followed_by_one_that_needs_none(site: Site) -> None:
    _half_way(site)
    worker = site.start()
    before = _ticked(site)
    site.file.unlink()
    worker.kill()
    site.put("go")
    assert site.run() == 0
    assert "is gone; going on from the queue" in site.started[-1].said()
    site.file.write_bytes(before)
    assert site.run() == 0
    check_completed(site)


def test_an_edit_made_while_tasks_run_survives_the_marks_and_a_kill(site: Site) -> None:
    _half_way(site)
    worker = site.start()
    edit = (b"# A list", b"# A list, edited\n\nBy hand.")
    site.file.write_bytes(_ticked(site).replace(*edit))
    site.text = site.text.replace(*edit)
    worker.kill()
    site.put("go")
    assert site.run() == 0
    check_completed(site)


def test_a_scratch_folder_that_was_tidied_away_is_made_again(site: Site) -> None:
    scratch = Path(tempfile.mkdtemp(dir=site.folder))
    _half_way(site)
    worker = site.start(TMPDIR=str(scratch))
    site.begun("B")
    shutil.rmtree(next(scratch.glob("executor-*")))
    site.put("go")
    assert site.end(worker) == 0
    site.until(lambda: not list(scratch.iterdir()), "the worker takes its folder with it")
    check_completed(site)


def test_killed_workers_leave_no_scratch_folder(site: Site) -> None:
    scratch = Path(tempfile.mkdtemp(dir=site.folder))
    _half_way(site)
    worker = site.start(TMPDIR=str(scratch))
    site.begun("B")
    os.kill(worker.pid, signal.SIGKILL)
    worker.process.wait()
    site.until(lambda: not list(scratch.iterdir()), "the guard removes it", 2.0)
    site.put("go")
    assert site.run() == 0
    check_effects(site)
