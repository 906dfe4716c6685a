"""Where the embedded server answers, in the two spellings that clients understand."""

from __future__ import annotations

from msgspec import Struct

from executor.database.embedded.ports import LOOPBACK

# Otherwise libpq takes these from PGHOSTADDR, PGOPTIONS and the like, which were meant for another server.
UNMOVED = {
    "hostaddr": "",
    "options": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "channel_binding": "disable",
    "target_session_attrs": "any",
}


class Address(Struct, frozen=True):
    """One way in: `host` is the socket's folder, or the TCP address where no socket can be reached."""

    host: str
    port: int
    user: str
    password: str
    dbname: str
    tcp_host: str = LOOPBACK

    def conninfo(self) -> str:
        """For libpq, with the password."""
        words = {
            "host": self.host,
            "port": str(self.port),
            "user": self.user,
            "password": self.password,
            "dbname": self.dbname,
            **UNMOVED,
        }
        return " ".join(f"{key}={_quoted(value)}" for key, value in words.items())

    def url(self, *, with_password: bool) -> str:
        """For people and other programs: through TCP, since few of them can spell a socket's folder."""
        from urllib.parse import quote

        secret = f":{quote(self.password, safe='')}" if with_password else ""
        user, dbname = quote(self.user, safe=""), quote(self.dbname, safe="")
        return f"postgresql://{user}{secret}@{self.tcp_host}:{self.port}/{dbname}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
