"""The TCP port on 127.0.0.1: the usual one, one of its neighbours, any, or none at all."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
USUAL = 19642
NEIGHBOURS = 20


def candidates(chosen: int | None) -> Iterator[int]:
    """Ports worth a try; those that somebody listens on are left out, which a race can still prove wrong."""
    for port in [chosen] if chosen else range(USUAL, USUAL + NEIGHBOURS):
        if _bind(port) is not None:
            yield port
    if chosen is None:
        for _ in range(3):
            if (free := _bind(0)) is not None:
                yield free


def has_loopback() -> bool:
    """False in a sandbox without IPv4: the server then listens on its socket only."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
    except OSError:
        return False
    return True


def _bind(port: int) -> int | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does it
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                return None
            raise
        number: int = probe.getsockname()[1]
        return number
