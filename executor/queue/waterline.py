"""Where claims of a list may begin to look: the place below which nothing was ready a moment ago."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from executor import clock
from executor.model import Claimed

# What others make ready below the line is seen this late where no notice of it comes.
WHOLE_SECONDS = 0.1


class Waterline(Struct):
    """A worker's memory of one list, in the order of claims: most urgent first, then by position.

    What was claimed leaves its entry in the index behind until the server may clear it away, which a transaction that
    is open elsewhere forbids for hours; a claim that looked at all places would walk past every one of them.
    """

    place: int = 0  # just above the `Claimed.place` of the last; 0 is below all
    whole_until: float = 0.0  # on the monotonic clock: how long the last look at all places counts

    def now(self) -> int:
        """The place from which the next claim is to look."""
        return self.place if clock.monotonic() < self.whole_until else 0

    def rise(self, since: int, limit: int, claimed: Sequence[Claimed]) -> bool:
        """Take in what a claim of up to `limit` from the place `since` brought; may there be more to claim?"""
        if since == 0:
            self.whole_until = clock.monotonic() + WHOLE_SECONDS
        is_short = len(claimed) < limit
        self.place = 0 if is_short else claimed[-1].place + 1
        return not is_short or since > 0

    def fall(self) -> None:
        """Something may be ready anywhere: the next claim looks at all places."""
        self.place = 0
