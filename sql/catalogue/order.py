"""In which order things can be made: what is needed first, and otherwise by kind and name."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sql.catalogue.values import Need


def order(ranks: Mapping[str, int], needs: Iterable[Need]) -> tuple[list[str], set[str]]:
    """The paths of `ranks` in an order in which they can be made, and those whose defaults and checks must come after.

    Those are the ones that need each other in a circle. The same input gives the same order; linear but for the sort.
    """
    waiting: dict[str, dict[str, bool]] = {path: {} for path in ranks}
    for need in needs:
        if need.path in waiting and need.needed in waiting:
            earlier = waiting[need.path].get(need.needed, True)
            waiting[need.path][need.needed] = earlier and need.later
    return _Sorting(ranks, waiting).sorted()


class _Sorting:
    def __init__(self, ranks: Mapping[str, int], waiting: dict[str, dict[str, bool]]) -> None:
        self._ranks = ranks
        self._waiting = waiting
        self._wanted_by: dict[str, list[str]] = defaultdict(list)
        for path, needed in waiting.items():
            for other in needed:
                self._wanted_by[other].append(path)
        self._ready = [(ranks[path], path) for path, needed in waiting.items() if not needed]
        heapq.heapify(self._ready)

    def sorted(self) -> tuple[list[str], set[str]]:
        done: list[str] = []
        split: set[str] = set()
        while self._waiting:
            if not self._ready:
                split.add(self._break_circle())
                continue
            _, path = heapq.heappop(self._ready)
            if self._waiting.pop(path, None) is None:
                continue
            done.append(path)
            for other in self._wanted_by[path]:
                self._release(other, path)
        return done, split

    def _break_circle(self) -> str:
        """Let the first go that waits for something that can be added to it later, or else simply the first."""
        stuck = sorted(self._waiting, key=lambda path: (not any(self._waiting[path].values()), self._ranks[path], path))
        path = stuck[0]
        kept = {other for other, later in self._waiting[path].items() if not later}
        for other in set(self._waiting[path]) - kept or set(self._waiting[path]):
            self._release(path, other)
        return path

    def _release(self, path: str, from_: str) -> None:
        if path in self._waiting and self._waiting[path].pop(from_, None) is not None and not self._waiting[path]:
            heapq.heappush(self._ready, (self._ranks[path], path))
