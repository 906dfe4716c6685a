"""What a report of a defect needs, in one archive without secrets: findings, names of settings, the end of the log."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from executor.database import embedded
from executor.errors import UsageError
from executor.operations.diagnosis.finding import Finding
from executor.settings import Settings

_LOG_TAIL = 1 << 18
_SECRET_NAME = re.compile(r"pass|secret|token|key|credential|auth|database_url", re.IGNORECASE)
_OURS = re.compile(r"EXECUTOR_|PG|LANG|LC_|TZ$|TERM$|SHELL$|PATH$|DATABASE_URL$|CI$")
_IN_URL = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_IN_CONNINFO = re.compile(r"(password\s*[=:]\s*)(\'[^\']*\'|\S+)", re.IGNORECASE)
_SHORT = 6  # a shorter value of a secret is a word that stands everywhere


def write(path: Path, found: Sequence[Finding], settings: Settings) -> None:
    """Write the archive. UsageError when the file exists or cannot be written."""
    environ = settings.environ
    parts = {
        "findings.json": json.dumps([as_dict(one) for one in found], indent=1),
        "environment.txt": "\n".join(_settings(environ)),
        "postgres.log": _log(settings),
    }
    try:
        with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            path.chmod(0o600)
            for name, text in parts.items():
                archive.writestr(name, redacted(text, environ))
    except FileExistsError as error:
        raise UsageError(f"{path} exists", hint="name another file") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="name a file elsewhere") from error


def as_dict(one: Finding) -> dict[str, object]:
    """One finding of `doctor --json`."""
    return {"subject": one.subject, "well": one.well, "seen": one.seen, "remedy": "" if one.well else one.remedy}


def redacted(text: str, environ: Mapping[str, str]) -> str:
    """Without passwords, without the values of variables that are called like secrets, and without the home's name."""
    secrets = {value for name, value in environ.items() if _SECRET_NAME.search(name) and len(value) >= _SHORT}
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, "***")
    text = _IN_CONNINFO.sub(r"\1***", _IN_URL.sub(r"\1:***@", text))
    home = environ.get("HOME", "")
    return text.replace(home, "~") if len(home) > 1 else text


def _settings(environ: Mapping[str, str]) -> list[str]:
    """The variables that change what the program does, and the names alone of all others."""
    return [f"{name}={value}" if _OURS.match(name) else name for name, value in sorted(environ.items())]


def _log(settings: Settings) -> str:
    log = embedded.home_from_environment(settings.environ).log
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_TAIL))
            return file.read().decode(errors="replace")
    except OSError as error:
        return f"{log}: {error.strerror}"
