"""A user of the embedded server as a process of its own: one word in on stdin, one line out on stdout."""

from __future__ import annotations

import os
import sys

from executor.database.embedded import Limits, Server, home_from_environment
from executor.errors import DatabaseError


def answer(server: Server, word: str) -> str:
    match word:
        case "acquire":
            address = server.acquire()
            return f"ready {server.status().pid} {address.conninfo()}"
        case "release":
            server.release()
            return "left"
        case "keep":
            server.keep()
            return f"kept {server.status().pid}"
        case "query":
            import psycopg

            with psycopg.connect(server.acquire().conninfo()) as connection:
                return str(connection.execute("SELECT current_user").fetchone())
    raise ValueError(word)


def main() -> None:
    limits = Limits(free_min=int(os.environ.get("TEST_FREE_MIN", "200")), lock_wait=20, start_wait=30)
    server = Server(home_from_environment(os.environ), limits=limits)
    for line in sys.stdin:
        try:
            print(answer(server, line.strip()), flush=True)
        except DatabaseError as error:
            print(f"error {error.code} {error.message}", flush=True)


main()
