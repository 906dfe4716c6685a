"""Python's collector of circles, held off while a file is read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_off() -> Iterator[None]:
    """No collection inside; as it was before, afterwards.

    What is read grows to hundreds of thousands of values, all of them kept and none in a circle. The collector would
    walk through them again and again to find nothing, for a third of the time that reading takes. The switch is the
    process's: another thread goes on without collections for as long as one file takes, which costs it nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
