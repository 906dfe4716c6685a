"""A server for one purpose: made next to the cluster, and gone afterwards, whoever is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from executor.database.embedded import account, placing
from executor.database.embedded.flock import Flock
from executor.database.embedded.home import Home, Place
from executor.database.embedded.server import Server
from executor.errors import DatabaseError

_PREFIX = "scratch-"
_PATIENCE = 30.0


@contextmanager
def home(of: Home, *, notice: Callable[[str], None], durable: bool) -> Iterator[Home]:
    """A home of its own for a cluster, on the disk of `of` and for the same account; its server is stopped at the end.

    Not `durable`: what is in it need not outlive a power cut, and is written faster.
    """
    place = _place(of, notice)
    guard, users = Flock(place.folder / "scratch.lock"), None
    if not guard.own(wait=_PATIENCE):
        raise DatabaseError(
            f"another process makes a scratch server in {place.folder}", hint="try again in a while", code="DB_LOCKED"
        )
    try:
        _sweep(place)
        made = Home(_folder(place), binaries=of.binaries, account=of.account)
        placing.make_home(made)
        users = Flock(made.users)
        users.share(wait=_PATIENCE)
    finally:
        guard.release()
    if not durable:
        (made.pg / "user.conf").write_text("fsync = off\nfull_page_writes = off\n", encoding="utf-8")
    try:
        yield made
    finally:
        users.release()
        _remove(made)


def _place(of: Home, notice: Callable[[str], None]) -> Place:
    placing.make_home(of)
    return placing.choose_place(of, account.choose(of.account, of.place().newest()), notice)


def _folder(place: Place) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place.folder))
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return folder


def _sweep(place: Place) -> None:
    """What killed processes left, servers included; call under the guard."""
    for folder in place.folder.glob(f"{_PREFIX}*/"):
        users = Flock(folder / "pg" / "users")
        if not users.path.parent.exists() or users.own(wait=0):
            users.release()
            _remove(Home(folder))


def _remove(made: Home) -> None:
    Server(made).stop(force=True)
    shutil.rmtree(made.folder)
