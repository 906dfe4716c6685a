"""What the process does, for those who debug it: silent unless EXECUTOR_LOG names a level."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("executor")


def configure(level: str) -> None:
    """Send log lines of `level` and above to standard error; an empty level keeps the process silent."""
    if not level:
        # The driver's too: what it has to say of a broken connection, the loop tells in its own words.
        for silent in (logger, logging.getLogger("psycopg")):
            silent.addHandler(logging.NullHandler())
            silent.propagate = False
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())
