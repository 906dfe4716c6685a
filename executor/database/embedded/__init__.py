"""A PostgreSQL of our own: one per user and machine, started on demand and shared by every command."""

from executor.database.embedded.address import Address
from executor.database.embedded.home import Home, home_from_environment
from executor.database.embedded.server import Limits, Server, StopResult
from executor.database.embedded.status import ServerStatus, State, psql_path

__all__ = [
    "Address",
    "Home",
    "Limits",
    "Server",
    "ServerStatus",
    "State",
    "StopResult",
    "home_from_environment",
    "psql_path",
]
