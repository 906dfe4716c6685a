"""Places to crash in, with the tests' server or an embedded one of their own, cleared away afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from crash_site import Site

from executor.database.embedded import Home, Server
from tests.database.embedded.embedded_processes import copy, fast_folder, servers_in, wipe


@pytest.fixture
def site(ready_database: str, tmp_path: Path) -> Iterator[Site]:
    """A site whose queue is in a database of the tests' server."""
    made = Site(tmp_path, {"DATABASE_URL": ready_database, "EXECUTOR_HOME": str(tmp_path / "home")}, ready_database)
    yield made
    made.clear()


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A folder that root's unprivileged account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="executor-crash-", dir=fast_folder()))
    folder.chmod(0o755)
    yield folder
    left = servers_in(folder)
    for process in left:
        process.kill()
    shutil.rmtree(folder)
    assert not left, f"servers left behind: {left}"


@pytest.fixture(scope="session")
def cluster(ground: Path) -> Path:
    """A home whose cluster is made and stopped: copying it costs a tenth of making one."""
    made = Home(ground / "pattern")
    server = Server(made)
    server.acquire()
    server.release()
    return made.folder


@pytest.fixture
def make_home(cluster: Path, ground: Path) -> Iterator[Callable[[], Path]]:
    """Homes with a stopped cluster that this test may do anything to."""
    made: list[Path] = []

    def make_one() -> Path:
        folder = Path(tempfile.mkdtemp(dir=ground))
        folder.chmod(0o755)
        copy(cluster, folder / "home")
        made.append(folder / "home")
        return made[-1]

    yield make_one
    for home in made:
        if (home / "pg" / "lock").exists():
            wipe(Home(home))


@pytest.fixture
def own_server(make_home: Callable[[], Path]) -> Path:
    """One of them."""
    return make_home()


@pytest.fixture
def make_embedded(make_home: Callable[[], Path], tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Sites whose queue is in an embedded server of their own."""
    made: list[Site] = []

    def make_one() -> Site:
        folder = tmp_path / f"site-{len(made)}"
        folder.mkdir()
        home = make_home()
        made.append(Site(folder, {"EXECUTOR_HOME": str(home)}, home=home))
        return made[-1]

    yield make_one
    for site in made:
        site.clear()


@pytest.fixture
def embedded(make_embedded: Callable[[], Site]) -> Site:
    """One of them."""
    return make_embedded()
