"""What a look at something says."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One thing looked at: whether it is well, what was seen, and what to do if it is not."""

    subject: str
    well: bool
    seen: str
    remedy: str = ""
