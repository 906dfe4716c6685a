"""Eight commands at once on a fresh home, some of them killed: one server, no stale lock, no process left behind.

CHAOS=long does it fifty times as this user and fifty times as an ordinary one (`make chaos`).
"""

from __future__ import annotations

import os
import pwd
import random
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from embedded_processes import Clients, eventually, servers_in, wipe

from executor.database.embedded import Home

_LONG = os.environ.get("CHAOS") == "long"
_ROUNDS = 50 if _LONG else 1
_SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 30))
_ACCOUNTS = {one.pw_name for one in pwd.getpwall()}
_ORDINARY = [name for name in ("games",) if name in _ACCOUNTS and os.geteuid() == 0]


@pytest.mark.chaos
@pytest.mark.parametrize("user", [None, *_ORDINARY])
def test_eight_commands_at_once_on_a_fresh_home_with_kills(folder: Path, clients: Clients, user: str | None) -> None:
    print(f"CHAOS_SEED={_SEED}")
    chance = random.Random(_SEED)
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    for _ in range(_ROUNDS):
        home = Home(Path(tempfile.mkdtemp(dir=folder)) / "home")
        home.folder.parent.chmod(0o755)
        if user:
            os.chown(home.folder.parent, pwd.getpwnam(user).pw_uid, -1)
        _round(home, clients, chance, user)
        wipe(home)


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
