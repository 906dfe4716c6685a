"""Which backups go: of each day and of each week the last one stays. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from executor.operations.backup import Backup


def spent(found: Sequence[Backup], *, daily: int, weekly: int) -> list[Backup]:
    """Those that are neither the newest, nor the last of one of `daily` days or `weekly` weeks that have one."""
    newest_first = sorted(found, key=lambda one: one.manifest.made_at, reverse=True)
    kept = {one.path for one in newest_first[:1]}
    kept |= {one.path for one in _last_of(newest_first, lambda one: one.manifest.made_at.date(), daily)}
    kept |= {one.path for one in _last_of(newest_first, lambda one: one.manifest.made_at.isocalendar()[:2], weekly)}
    return [one for one in newest_first if one.path not in kept]


def _last_of(newest_first: Sequence[Backup], period: Callable[[Backup], Any], periods: int) -> list[Backup]:
    """The newest of each period, of so many periods that have one."""
    last: dict[Any, Backup] = {}
    for one in newest_first:
        last.setdefault(period(one), one)
    return list(last.values())[:periods]
