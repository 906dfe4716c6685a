"""The secrets that a list names: read where they are, given to its tasks, and never kept."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SECONDS = 30


class Unreadable(Exception):
    """A secret cannot be read; the message says which one and why, and nothing of it."""


def read(settings: Mapping[str, Any], folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The values of `secrets`, by name. Raises Unreadable."""
    return {name: _value(name, str(place), folder, environ) for name, place in (settings.get("secrets") or {}).items()}


def _value(name: str, place: str, folder: Path, environ: Mapping[str, str]) -> str:
    kind, _, where = place.partition(":")
    where = where.strip()
    try:
        if kind == "env":
            return environ[where]
        if kind == "file":
            return (folder / Path(where).expanduser()).read_text(encoding="utf-8").strip()
        answer = subprocess.run(
            shlex.split(where),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
        return answer.stdout.decode("utf-8").strip()
    except KeyError:
        raise Unreadable(f"the secret {name} is not there: no variable {where}") from None
    except subprocess.CalledProcessError as error:
        raise Unreadable(f"the secret {name} is not there: its command ended with status {error.returncode}") from None
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Unreadable(f"the secret {name} cannot be read: {type(error).__name__}") from None
