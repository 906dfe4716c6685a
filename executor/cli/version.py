"""`executor version`."""

from __future__ import annotations

from executor import __version__
from executor.cli import console, verb

app = verb.verbs()


@verb.verb(app)
def version() -> None:
    """Print the version.

    Example: executor version
    """
    console.say(f"executor {__version__}")
