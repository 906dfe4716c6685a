"""Trying again for a while what a machine short of something refused."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from typing import TypeVar

from executor import clock
from executor.runners import Io

Made = TypeVar("Made")

# No process, no memory, no descriptor, no space: not the task's fault, and often over in a moment.
_SHORTAGES = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT}
_LONGEST_SECONDS = 30.0
_PAUSE_SECONDS = 0.25


class Cancelled(Exception):
    """The run is to end, and nothing of it has begun."""


def patiently(make: Callable[[], Made], io: Io) -> Made:
    """Call `make`; OSError when it lacks something other than patience, or still lacks it after half a minute."""
    until = clock.monotonic() + _LONGEST_SECONDS
    while True:
        try:
            return make()
        except OSError as error:
            if error.errno not in _SHORTAGES or clock.monotonic() >= until:
                raise
        # An earlier block may have left word that there is room for output; that is no word to end.
        if select.select([io.wake_fd], [], [], _PAUSE_SECONDS)[0] and os.read(io.wake_fd, 16).strip(b"r"):
            raise Cancelled
