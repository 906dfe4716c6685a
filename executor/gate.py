"""When a task asks a person: what `gate:` means; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def moments(settings: Mapping[str, object]) -> Sequence[str]:
    """The moments at which a person is asked, as the loader spells them."""
    return str(settings.get("gate") or "").split()


def is_reviewed(runner: str, spec: Mapping[str, Any]) -> bool:
    """Has a person the last word on what a run of such a task did? What people did themselves is not asked again."""
    return runner not in ("manual", "container") and "review" in moments(spec["settings"])
