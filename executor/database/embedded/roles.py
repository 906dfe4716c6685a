"""The database's two roles: a superuser for this package alone, and the one the program works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executor.database.embedded.address import Address

ADMIN = "executor_admin"
ROLE = "executor"
DATABASE = "executor"
ADVISORY_LOCK = 0x6578_6563  # "exec"


def ensure(admin: Address, password: str) -> None:
    """Make the role and its database where they are missing; CREATE has no harmless race.

    psycopg.OperationalError when the superuser cannot connect.
    """
    import psycopg
    from psycopg import sql

    with psycopg.connect(admin.conninfo(), autocommit=True, connect_timeout=5) as connection:
        # Our lock file is not enough: the CREATE of a process killed a moment ago may still be running in the server.
        connection.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            # hashed on this side, so that the password itself can never reach a log
            secret = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
            create = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER PASSWORD {}")
            connection.execute(create.format(sql.Identifier(ROLE), sql.Literal(secret)))
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            create = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
