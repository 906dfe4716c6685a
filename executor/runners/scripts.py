"""What a run hands to a command in a file: private, in the scratch folder of its worker."""

from __future__ import annotations

import os
from pathlib import Path


def write_script(script: Path, content: str) -> None:
    """A private file; OSError where it cannot be written."""
    try:
        descriptor = os.open(script, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError:  # whoever tidies up old files in /tmp took the folder for one
        script.parent.mkdir(mode=0o700, exist_ok=True)
        if script.parent.stat().st_uid != os.geteuid():
            raise
        descriptor = os.open(script, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        file.write(content)
