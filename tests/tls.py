"""A door with TLS in front of a real server, as load balancers are: the certificate is this session's own."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SSL_REQUEST = struct.pack("!II", 8, 80877103)


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for a host, which signs itself, and its key."""
    made, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-out", str(made), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return made, key


@contextmanager
def guarding(conninfo: str, chain: Path, key: Path) -> Iterator[str]:
    """The conninfo of the door, without a word about TLS. Who does not ask for TLS is sent away."""
    parts = conninfo_to_dict(conninfo)
    target = str(Path(str(parts["host"])) / f".s.PGSQL.{parts['port']}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = threading.Thread(target=_listen, args=(listener, target, context), daemon=True)
        door.start()
        yield make_conninfo(
            conninfo, host="localhost", hostaddr="127.0.0.1", port=listener.getsockname()[1], gssencmode="disable"
        )
        listener.shutdown(socket.SHUT_RDWR)
        door.join()


def _listen(listener: socket.socket, target: str, context: ssl.SSLContext) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # shut down
            return
        threading.Thread(target=_serve, args=(client, target, context), daemon=True).start()


def _serve(client: socket.socket, target: str, context: ssl.SSLContext) -> None:
    if client.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
        client.close()
        return
    client.sendall(b"S")
    try:
        inside = context.wrap_socket(client, server_side=True)
    except (ssl.SSLError, OSError):  # who does not trust the certificate leaves
        return
    server = socket.socket(socket.AF_UNIX)
    server.connect(target)
    # One of the two reads at a time: a TLS connection of Python's is not made for more.
    _exchange(inside, server)


def _exchange(inside: ssl.SSLSocket, server: socket.socket) -> None:

    try:
        while True:
            ready = [inside] if inside.pending() else select.select([inside, server], [], [])[0]
            for source, sink in ((inside, server), (server, inside)):
                if source not in ready:
                    continue
                content = source.recv(65536)
                if not content:
                    return
                sink.sendall(content)
    except OSError:
        return  # one of them left
    finally:
        inside.close()
        server.close()
