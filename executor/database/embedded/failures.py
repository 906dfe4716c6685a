"""What went wrong, from PostgreSQL's log or the system's error number: one fact, one code, one next step."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from msgspec import Struct

from executor.errors import DatabaseError

ELSEWHERE = "set EXECUTOR_HOME to another directory, or DATABASE_URL to an existing PostgreSQL"
LOG_LINES = 15


class Sign(Struct, frozen=True):
    """A text in the log that explains a failed start."""

    pattern: str
    code: str
    hint: str


# The first match wins, so causes stand above their consequences.
SIGNS = (
    Sign(r"No space left on device|Disk quota exceeded", "DB_DISK", f"free some space, or {ELSEWHERE}"),
    Sign(r"Read-only file system", "DB_READONLY", ELSEWHERE),
    Sign(r"has invalid permissions", "DB_PERMS", f"chmod 700 that directory, or {ELSEWHERE}"),
    Sign(r"has wrong ownership", "DB_OWNER", f"run as the account that owns it, or {ELSEWHERE}"),
    Sign(
        r"could not look up effective user ID",
        "DB_NO_ACCOUNT",
        "add the user to /etc/passwd, run as a user that is in it, or set DATABASE_URL to an existing PostgreSQL",
    ),
    Sign(
        r"initialized by PostgreSQL version \d+",
        "DB_UPGRADE",
        "install that version's binaries and set EXECUTOR_PG_BIN to their folder, or set EXECUTOR_HOME to begin anew",
    ),
    Sign(
        r"incompatible with server|incorrect checksum in control file|control file|pg_control|valid checkpoint"
        r"|invalid (primary )?checkpoint|could not access the server configuration file|is not a valid data directory"
        r"|invalid page in block|could not access directory",
        "DB_CORRUPT",
        "restore a backup of that directory, or set EXECUTOR_HOME to another directory to begin with an empty database",
    ),
    Sign(r"Permission denied|Operation not permitted", "DB_PERMS", f"chown it to its account, or {ELSEWHERE}"),
)


def from_log(log: str, *, data: Path, exit_code: int | None, log_file: Path) -> DatabaseError:
    """Why PostgreSQL (or initdb) gave up, as far as its own words tell."""
    for sign in SIGNS:
        if re.search(sign.pattern, log):
            return DatabaseError(f"{data}: {_fatal_line(log, sign.pattern)}", hint=sign.hint, code=sign.code)
    tail = "\n".join(log.strip().splitlines()[-LOG_LINES:])
    return DatabaseError(
        f"PostgreSQL ended with exit code {exit_code} while starting in {data}",
        hint=f"see {log_file} (EXECUTOR_HOME), or set DATABASE_URL to an existing PostgreSQL; its last lines:\n{tail}",
        code="DB_START",
    )


def from_os_error(error: OSError, folder: Path) -> DatabaseError:
    """A refusal of the operating system, in the words of this package."""
    path, reason = error.filename or folder, error.strerror or str(error)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DatabaseError(f"{path}: {reason}", hint=f"free some space, or {ELSEWHERE}", code="DB_DISK")
        case errno.EROFS:
            return DatabaseError(f"{path}: {reason}", hint=ELSEWHERE, code="DB_READONLY")
        case errno.EACCES | errno.EPERM:
            hint = f"chown it to yourself, or {ELSEWHERE}"
            return DatabaseError(f"{path}: {reason}", hint=hint, code="DB_PERMS")
        case _:
            return DatabaseError(f"{path}: {reason}", hint=ELSEWHERE, code="DB_DIR")


def _fatal_line(log: str, pattern: str) -> str:
    """The line that says it best: the last FATAL or PANIC with its detail, else the line that matched."""
    fatal = re.findall(r"(?:FATAL|PANIC): +(.*)", log)
    detail = re.findall(r"DETAIL: +(.*)", log)
    if fatal:
        return "; ".join([fatal[-1], *detail[-1:]])
    return next(line.strip() for line in log.splitlines() if re.search(pattern, line))
