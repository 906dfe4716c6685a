"""What a crash left on this machine: dead workers' processes are ended, then their tasks are queued again, at once."""

from __future__ import annotations

import glob
import tempfile
from pathlib import Path
from typing import Any

from psycopg import Connection

from executor import processes
from executor.log import logger
from executor.model import Lost, Peer
from executor.queue import workers


def recover(connection: Connection[Any], own: processes.Identity, actor: str) -> list[Lost]:
    """Take back every run of workers of this machine that are dead, and of any worker whose lease is over.

    A worker of another machine, or of another container of this one, cannot be seen from here: its lease decides.
    """
    here = [peer for peer in workers.of_host(connection, own.host) if _is_seen(peer, own)]
    gone = [peer for peer in here if peer.lease_over or not processes.exists(peer.pid, peer.pid_started)]
    for peer in gone:
        token = processes.token(peer.boot_id, peer.pid_namespace, peer.pid, peer.pid_started)
        if token != own.token:
            # Also of one that is alive: without a lease its guard has ended them, unless that was killed.
            ended = processes.end(token)
            logger.info("worker %s is gone; %d of its processes were left", peer.name, ended)
            _remove_scratch(token)
    with connection.transaction():  # with a worker off the books and its runs not lost, nobody would look for them
        workers.be_brief(connection)
        workers.leave(connection, [peer.worker_id for peer in gone])
        workers.expire(connection)
        return workers.lose_runs(connection, actor)


def dead(connection: Connection[Any], own: processes.Identity) -> set[int]:
    """The ids of workers of this machine whose processes are gone."""
    here = [peer for peer in workers.of_host(connection, own.host) if _is_seen(peer, own)]
    return {peer.worker_id for peer in here if not processes.exists(peer.pid, peer.pid_started)}


def _remove_scratch(token: str) -> None:
    """What its guard would have removed, had it not been killed too."""
    import shutil  # brings three compressors along, which no ordinary run needs

    for left in Path(tempfile.gettempdir()).glob(f"{glob.escape(processes.scratch_prefix(token))}*"):
        processes.end_containers(left)
        shutil.rmtree(left, ignore_errors=True)


def _is_seen(peer: Peer, own: processes.Identity) -> bool:
    """Does its pid mean something here? A host's name proves nothing: cloned machines and images share it."""
    return peer.boot_id == own.boot_id and peer.pid_namespace == own.pid_namespace
