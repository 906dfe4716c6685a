"""A pooler in front of a real server that lends a session for one transaction at a time, as PgBouncer does."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from psycopg.conninfo import conninfo_to_dict, make_conninfo

SESSIONS = 3
KEY = struct.pack("!cIII", b"K", 12, 1, 1)  # a session number of its own, as no server session is the client's
ENDS = (b"Q", b"S", b"c", b"f")  # after these the server says when it is ready: psycopg's COPY is a simple query


class Message(NamedTuple):
    kind: bytes
    frame: bytes


@contextmanager
def pooling(conninfo: str) -> Iterator[str]:
    """The conninfo of the pooler. Sessions are lent in turn, so that two transactions are never in the same one."""
    parts = conninfo_to_dict(conninfo)
    target = str(Path(str(parts["host"])) / f".s.PGSQL.{parts['port']}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_listen, args=(listener, target), daemon=True)
        server.start()
        yield make_conninfo(
            conninfo, host="127.0.0.1", port=listener.getsockname()[1], sslmode="disable", gssencmode="disable"
        )
        listener.shutdown(socket.SHUT_RDWR)
        server.join()


def _listen(listener: socket.socket, target: str) -> None:
    pool: queue.Queue[socket.socket] = queue.Queue()
    greetings: list[bytes] = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # shut down
            return
        threading.Thread(target=_serve, args=(client, pool, greetings, target), daemon=True).start()


def _serve(client: socket.socket, pool: queue.Queue[socket.socket], greetings: list[bytes], target: str) -> None:
    (length,) = struct.unpack("!I", _exactly(client, 4))
    startup = struct.pack("!I", length) + _exactly(client, length - 4)
    while pool.qsize() < SESSIONS:
        session = socket.socket(socket.AF_UNIX)
        session.connect(target)
        session.sendall(startup)
        greetings.append(_greeting(session))
        pool.put(session)
    client.sendall(greetings[0])  # also to a client that finds every session made
    lent: socket.socket | None = None
    while (message := _message(client)) and message.kind != b"X":
        lent = lent or pool.get()
        lent.sendall(message.frame)
        if message.kind in ENDS and _answer(lent, client) == b"I":
            pool.put(lent)
            lent = None
    client.close()


def _greeting(session: socket.socket) -> bytes:
    """What the server says before it is ready, with another session number."""
    said = b""
    while message := _message(session):
        said += KEY if message.kind == b"K" else message.frame
        if message.kind == b"Z":
            break
    return said


def _answer(session: socket.socket, client: socket.socket) -> bytes:
    """Pass everything on until the server is ready, or asks for the rows of a COPY; the state of its transaction."""
    while message := _message(session):
        client.sendall(message.frame)
        if message.kind == b"G":
            break
        if message.kind == b"Z":
            return message.frame[5:]
    return b""


def _message(source: socket.socket) -> Message | None:
    kind = source.recv(1)
    if not kind:
        return None
    size = _exactly(source, 4)
    (length,) = struct.unpack("!I", size)
    return Message(kind, kind + size + _exactly(source, length - 4))


def _exactly(source: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        piece = source.recv(length - len(content))
        if not piece:
            raise ConnectionError("gone in the middle of a message")
        content += piece
    return content
