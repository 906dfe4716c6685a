"""A primary server and a standby that follows it, made of the tests' own PostgreSQL."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests import conftest

PATIENCE = 30.0
APPLIED = "SET synchronous_commit = remote_apply"  # for sessions whose commits the standby is to show at once


@dataclass
class Node:
    """One server of the two."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self, *settings: str) -> None:
        """Start it, and wait until it lets somebody in."""
        words = (f"unix_socket_directories={self.data.parent}", f"port={self.port}", "fsync=off", *settings)
        options = [word for setting in words for word in ("-c", setting)]
        log = self.data.with_suffix(".log")
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [conftest._binaries() / "postgres", "-D", self.data, *options],
                stderr=sink,
                cwd=self.data.parent,
                **conftest._account(),
            )
        conftest._await(self.conninfo("postgres").removesuffix(" dbname=postgres"), self.process, log)

    def conninfo(self, dbname: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname={dbname}"

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo("postgres"), autocommit=True)

    def kill(self) -> None:
        """As a machine dies: the postmaster and all it started, at once."""
        if self.process is None or self.process.poll() is not None:
            return
        children = psutil.Process(self.process.pid).children()
        self.process.kill()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()


@dataclass
class Pair:
    """`url` names both, and asks for the one that can be written."""

    primary: Node
    standby: Node
    dbname: str

    @property
    def url(self) -> str:
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://postgres@{hosts}/{self.dbname}?target_session_attrs=read-write"

    def promote(self) -> None:
        with self.standby.connect() as connection:
            connection.execute("SELECT pg_promote()")


@contextmanager
def pair(folder: Path) -> Iterator[Pair]:
    """Both at work in a folder of PostgreSQL's account; what is committed is on the disks of both."""
    account = conftest._account()
    primary, standby = (Node(folder / name, conftest.free_port()) for name in ("primary", "standby"))
    initdb = [conftest._binaries() / "initdb", "-D", primary.data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*initdb, "--no-sync", "--locale=C"], check=True, capture_output=True, cwd=folder, **account)
    # A copy of a server that was never started is as good a base backup as any.
    subprocess.run(["cp", "-a", primary.data, standby.data], check=True, **account)
    (standby.data / "standby.signal").touch()
    (standby.data / "standby.signal").chmod(0o644)
    try:
        primary.start("synchronous_standby_names=*")
        standby.start(f"primary_conninfo=host=127.0.0.1 port={primary.port} user=postgres")
        with primary.connect() as connection:
            deadline = time.monotonic() + PATIENCE
            while connection.execute(
                "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            ).fetchone() == (0,):
                assert time.monotonic() < deadline, standby.data.with_suffix(".log").read_text()
                time.sleep(0.05)
            connection.execute(APPLIED)
            connection.execute("CREATE DATABASE work")
        yield Pair(primary, standby, "work")
    finally:
        standby.kill()
        primary.kill()
