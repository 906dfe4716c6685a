"""The server's settings: small, safe against power loss, and at home in containers."""

from __future__ import annotations

import sys

CONSTANT = {
    "max_connections": "100",
    "shared_buffers": "'64MB'",
    "huge_pages": "off",
    # no need for /dev/shm, which containers keep tiny, nor for SysV segments, which logind removes
    "dynamic_shared_memory_type": "mmap",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # nobody replicates from here, and minimal WAL makes commits half as dear
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "'256MB'",
    "min_wal_size": "'32MB'",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum": "on",
    "autovacuum_max_workers": "2",
    "jit": "off",
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_messages": "warning",
}

INCLUDES = """
# Settings of the executor, written anew at each start, then your own, which win.
include_if_exists = '../executor.conf'
include_if_exists = '../user.conf'
"""


def text(major: int) -> str:
    """executor.conf for that major version."""
    settings = dict(CONSTANT)
    if major >= 16:
        # More of them make guessing dear, which is hopeless at 256 random bits; at each connection they take 10 ms.
        settings["scram_iterations"] = "1"
    if major >= 18:
        settings["io_method"] = "sync"  # no extra processes for a server that mostly commits
    if sys.platform == "darwin":
        settings["wal_sync_method"] = "fsync_writethrough"  # plain fsync stops at the disk's own cache there
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["# Written by the executor at each start; put your own settings into user.conf.", *lines, ""])
