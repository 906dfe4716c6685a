"""What a run tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from sql.folder import Migration


class NoticeKind(StrEnum):
    STARTED = "started"
    APPLIED = "applied"
    UNDONE = "undone"
    WAITING = "waiting"
    RETRYING = "retrying"
    HEALED = "healed"
    SERVER = "server"


class Notice(Struct, frozen=True):
    """What happens to a migration. `text` says why it waits, who is in the way, or what the server said."""

    kind: NoticeKind
    migration: Migration
    text: str = ""


Report = Callable[[Notice], None]


def nobody(notice: Notice) -> None:
    """Nobody watches."""
