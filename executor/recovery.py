"""What a crash left on this machine: dead workers' processes are ended, then their tasks are queued again, at once."""

from __future__ import annotations

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
    dead = [peer for peer in workers.of_host(connection, own.host) if _is_dead(peer, own)]
    for peer in dead:
        ended = processes.end(processes.token(peer.boot_id, peer.pid_namespace, peer.pid, peer.pid_started))
        logger.info("worker %s is dead; %d of its processes were left", peer.name, ended)
    if dead:
        workers.leave(connection, [peer.worker_id for peer in dead])
    workers.expire(connection)
    return workers.lose_runs(connection, actor)


def _is_dead(peer: Peer, own: processes.Identity) -> bool:
    if peer.boot_id != own.boot_id:
        return True
    if peer.pid_namespace != own.pid_namespace:
        return False
    return not processes.alive(peer.pid, peer.pid_started)
