"""Eight at once on a fresh home, some of them killed: one server, no stale lock, no process left behind.

Users of the server that do nothing but use it, and whole commands. CHAOS=long does each fifty times as this user and
fifty times as an ordinary one (`make chaos`).
"""

from __future__ import annotations

import os
import pwd
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from embedded_processes import Clients, eventually, group_of, interpreter, process_environ, servers_in, wipe

from executor.database.embedded import Home, Server, State
from tests import make

_LONG = os.environ.get("CHAOS") == "long"
_ROUNDS = 50 if _LONG else 1
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
_ACCOUNTS = {one.pw_name for one in pwd.getpwall()}
_ORDINARY = [name for name in ("games",) if name in _ACCOUNTS and os.geteuid() == 0]


_WORDS = (("run", "tasks.md"), ("status", "tasks.md"), ("sync", "tasks.md"), ("doctor",))
_PATIENCE = 60.0


@pytest.fixture
def chance() -> random.Random:
    print(f"CHAOS_SEED={_SEED}")
    return random.Random(_SEED)


@pytest.fixture(params=[None, *_ORDINARY])
def user(request: pytest.FixtureRequest) -> str | None:
    """Who starts them all; None is whoever runs the tests."""
    name: str | None = request.param
    return name


@pytest.fixture
def fresh_home(folder: Path, user: str | None) -> Callable[[], Home]:
    """Homes that do not exist yet, in folders of the user's own."""

    def make_one() -> Home:
        made = Path(tempfile.mkdtemp(dir=folder))
        made.chmod(0o755)
        if user:
            os.chown(made, pwd.getpwnam(user).pw_uid, -1)
        return Home(made / "home")

    return make_one


@pytest.mark.chaos
def test_eight_users_at_once_on_a_fresh_home_with_kills(
    fresh_home: Callable[[], Home], clients: Clients, chance: random.Random, user: str | None
) -> None:
    for _ in range(_ROUNDS):
        home = fresh_home()
        _round(home, clients, chance, user)
        wipe(home)


@pytest.mark.chaos
def test_eight_commands_at_once_on_a_fresh_home_with_kills(
    fresh_home: Callable[[], Home], chance: random.Random, user: str | None
) -> None:
    for _ in range(_ROUNDS):
        home = fresh_home()
        _commands(home, chance, user)
        wipe(home)


def _commands(home: Home, chance: random.Random, user: str | None) -> None:
    """Most run a list of their own, others look on; the survivors succeed, and what was killed is carried through."""
    started = [
        _begin(home, _desk(home, number, user), user, *chance.choices(_WORDS, (6, 1, 1, 1))[0]) for number in range(8)
    ]
    victims = chance.sample(started, chance.randint(1, 3))
    for victim in victims:
        time.sleep(chance.uniform(0.0, 1.2))  # the moment is the input of this test
        victim.process.kill()
    for one in started:
        one.end()
        unheard_of = one.words[0] == "status" and one.process.returncode == 2  # of a list that nobody has run here
        assert one.process.returncode == 0 or unheard_of or one in victims, (one.words, one.said)
    assert eventually(lambda: not servers_in(home.pg)), "nothing is left after the last one"
    status = Server(home).status()
    assert (status.state, status.in_use, status.kept) == (State.STOPPED, False, False)
    late = [_begin(home, victim.desk, user, "run", "tasks.md") for victim in victims]
    for one in late:
        one.end()
        assert one.process.returncode == 0, one.said
        assert (one.desk / "tasks.md").read_text().count("[x]") == 2
    assert eventually(lambda: not servers_in(home.pg))
    assert not list(home.pg.glob("init-*"))


@dataclass(eq=False)
class _Command:
    """A command at work, and the folder of its list."""

    process: subprocess.Popen[str]
    words: tuple[str, ...]
    desk: Path
    said: str = ""

    def end(self) -> None:
        self.said = self.process.communicate(timeout=_PATIENCE)[0]


def _desk(home: Home, number: int, user: str | None) -> Path:
    """A folder with a list of two tasks."""
    made = home.folder.parent / f"desk-{number}"
    made.mkdir()
    (made / "tasks.md").write_text(make.document(make.task(id="A", run="true"), make.task(id="B", depends_on=["A"])))
    if user:
        for path in (made, made / "tasks.md"):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
    return made


def _begin(home: Home, desk: Path, user: str | None, *words: str) -> _Command:
    process = subprocess.Popen(
        [interpreter(user), "-m", "executor", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=process_environ(home.folder, HOME=str(desk)),
        cwd=desk,
        start_new_session=True,
        user=user,
        group=group_of(user),
        extra_groups=[] if user else None,
    )
    return _Command(process, words, desk)


def _round(home: Home, clients: Clients, chance: random.Random, user: str | None) -> None:
    users = [clients.start(home.folder, user=user) for _ in range(8)]
    victims = chance.sample(users, chance.randint(1, 3))
    for one in users:
        one.tell("acquire")
    for victim in victims:
        time.sleep(chance.uniform(0.0, 0.8))  # the moment is the input of this test
        victim.kill()
    left = [one for one in users if one not in victims]
    answers = {tuple(one.hear().split()[:2]) for one in left}
    assert len(answers) == 1, answers
    assert {word for word, _ in answers} == {"ready"}
    assert {one.ask("query") for one in left} == {"('executor',)"}
    assert sum(map(_is_postmaster, servers_in(home.pg))) == 1
    late = clients.start(home.folder, user=user)
    assert late.ask("acquire").split()[0] == "ready", "no lock is stale"
    for one in (*left, late):
        assert one.ask("release") == "left"
        one.end()
    assert eventually(lambda: not servers_in(home.pg)), "nothing is left after the last one"
    assert not list(home.pg.glob("init-*"))


def _is_postmaster(process: psutil.Process) -> bool:
    return "-D" in process.cmdline()
