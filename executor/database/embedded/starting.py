"""From a home without a running server to one with it: the steps of a start, in their order."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from executor.database.embedded import account, binaries, bincache, cluster, launch, placing
from executor.database.embedded.home import Home


class Started(Struct, frozen=True):
    """`child` is None where a server that somebody else started turned out to be faster."""

    data: Path
    child: subprocess.Popen[bytes] | None


def start(home: Home, *, wait: float, free_min: int, notice: Callable[[str], None]) -> Started:
    """Start the cluster of this home, made first if there is none; call under the lock.

    DatabaseError with a reason; nothing half-made or half-started is then left.
    """
    data = home.place().newest()
    who = account.choose(home.account, data)
    place = placing.choose_place(home, who, notice)
    data = place.newest()
    found = binaries.find(home, place, cluster.major_of(data) if data else None)
    programs = bincache.settle(found, home, place, who)
    target = data or place.data(programs.major)
    ours = cluster.Cluster(home, place, who, programs, target)
    cluster.remove_unfinished(place)
    if data is None:
        notice(f"creating the database in {target} (PostgreSQL {programs.version}, once)")
        cluster.create(ours, free_min=free_min)
    return Started(target, launch.start(ours, wait=wait))
