"""Real servers in folders of their own under /tmp: made, used, and gone without a process left behind."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded_processes import QUICK, Clients, copy, fast_folder, servers_in, wipe

from executor.database.embedded import Home, Server


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    """A folder that root's unprivileged account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="executor-test-", dir=fast_folder()))
    folder.chmod(0o755)
    yield folder
    left = [process for process in servers_in(folder) if process.is_running()]
    for process in left:
        process.kill()
    shutil.rmtree(folder)
    assert not left, f"servers left behind: {left}"


@pytest.fixture
def folder(workshop: Path) -> Iterator[Path]:
    """One test's own corner of the workshop."""
    made = Path(tempfile.mkdtemp(dir=workshop))
    made.chmod(0o755)
    yield made
    for pg in [*made.glob("*/pg"), *made.glob("*/*/pg")]:
        if (pg / "lock").exists():
            wipe(Home(pg.parent))


@pytest.fixture
def home(folder: Path) -> Home:
    """A home that does not exist yet."""
    return Home(folder / "home")


@pytest.fixture(scope="session")
def pattern(workshop: Path) -> Path:
    """A home whose cluster is made and stopped: copying it costs a tenth of making one."""
    made = Home(workshop / "pattern")
    server = Server(made, limits=QUICK)
    server.acquire()
    server.release()
    return made.folder


@pytest.fixture
def made(pattern: Path, folder: Path) -> Home:
    """A home with a stopped cluster in it."""
    copy(pattern, folder / "home")
    return Home(folder / "home")


@pytest.fixture
def data(made: Home) -> Path:
    found = made.place().newest()
    assert found is not None
    return found


@pytest.fixture
def server(made: Home) -> Server:
    """Not started."""
    return Server(made, limits=QUICK)


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    for client in made.started:
        client.kill()
        for stream in (client.process.stdin, client.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()


@pytest.fixture
def mounted(folder: Path) -> Iterator[Path]:
    """A small file system, to be filled, locked or forbidden to execute."""
    point = folder / "mounted"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m,mode=755", "tmpfs", point], check=True)
    yield point
    subprocess.run(["umount", "--lazy", point], check=True)
