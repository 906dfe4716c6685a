"""A relay in front of a real server, which tells clients one thing about it that is not so.

No server older than 15 can be had everywhere the tests run; what a client sees of one is its reported version.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


@contextmanager
def reporting(conninfo: str, name: str, value: str) -> Iterator[str]:
    """The conninfo of a server that is the given one, but for a parameter it reports when a session begins."""
    parts = conninfo_to_dict(conninfo)
    target = str(Path(str(parts["host"])) / f".s.PGSQL.{parts['port']}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = threading.Thread(target=_serve, args=(listener, target, name.encode(), value.encode()), daemon=True)
        relay.start()
        yield make_conninfo(conninfo, host="127.0.0.1", port=listener.getsockname()[1], sslmode="disable")
        listener.shutdown(socket.SHUT_RDWR)
        relay.join()


def _serve(listener: socket.socket, target: str, name: bytes, value: bytes) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # shut down
            return
        server = socket.socket(socket.AF_UNIX)
        server.connect(target)
        threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
        threading.Thread(target=_answer, args=(server, client, name, value), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while content := source.recv(65536):
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # one of them left
        return


def _answer(server: socket.socket, client: socket.socket, name: bytes, value: bytes) -> None:
    stream = server.makefile("rb")
    try:
        _relay(stream, client, name, value)
    except OSError:  # one of them left
        client.close()


def _relay(stream: BufferedReader, client: socket.socket, name: bytes, value: bytes) -> None:
    """Pass messages on up to the first ReadyForQuery, the parameter changed; then bytes."""
    while kind := stream.read(1):
        (length,) = struct.unpack("!I", stream.read(4))
        content = stream.read(length - 4)
        if kind == b"S" and content.startswith(name + b"\0"):
            content = name + b"\0" + value + b"\0"
        client.sendall(kind + struct.pack("!I", len(content) + 4) + content)
        if kind == b"Z":
            break
    while content := stream.read1(65536):
        client.sendall(content)
    client.close()
