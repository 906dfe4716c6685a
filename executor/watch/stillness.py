"""When a file that is being written counts as whole: a decision, no I/O."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from executor.watch.stamp import Stamp

QUIET_SECONDS = 0.1  # between the pieces of one save, and between the two saves of an editor that saves twice
_TRUSTED_SECONDS = 0.06
_BRIEF_SECONDS = 0.03
_UNFINISHED_SECONDS = 0.5  # what ends in mid-line, or is gone, is likely to be a save that goes on
_RESTLESS_SECONDS = 1.0

Content = bytes | Mapping[str, bytes]


class Sighting(Struct, frozen=True):
    """What a file looked like at the last look, since when, and since when it has been changing. Monotonic seconds."""

    stamp: Stamp | None
    since: float
    began: float
    inodes: frozenset[int] = frozenset()  # of what was there before, as far as it was looked at

    def again(self, stamp: Stamp | None, now: float) -> Sighting:
        """The same after another look."""
        if stamp == self.stamp:
            return self
        return replace(self, stamp=stamp, since=now, inodes=self.stamp.inodes if self.stamp else self.inodes)

    def stood_still(self, now: float) -> bool:
        """May it be read? Whether it is whole, `is_whole` says afterwards.

        A file that never rests is read in a brief pause if it is one that was not there before: who renames, does it
        with a file that is finished. One that is written in place has to rest.
        """
        if self.stamp is None:
            return now - self.since >= _UNFINISHED_SECONDS
        is_other_file = bool(self.inodes) and not self.stamp.inodes & self.inodes
        restless = now - self.began >= _RESTLESS_SECONDS
        return now - self.since >= (_BRIEF_SECONDS if restless and is_other_file else QUIET_SECONDS)

    def is_whole(self, content: Content, now: float, *, ended_lines: bool) -> bool:
        """Is this all of it? `ended_lines`: did the file end with a whole line before?"""
        return now - self.since >= _UNFINISHED_SECONDS or not breaks_off(content, ended_lines=ended_lines)


def first(stamp: Stamp | None, now: float, wall_ns: int) -> Sighting:
    """A first look. How old the file says it is counts for most of the quiet, not for all: its clock may be another."""
    age = (wall_ns - stamp.changed_ns) / 1e9 if stamp else 0.0
    return Sighting(stamp, now - min(max(age, 0.0), _TRUSTED_SECONDS), now)


def breaks_off(content: Content, *, ended_lines: bool) -> bool:
    """Does it look like the beginning of something: nothing at all, or a last line without its end?"""
    if not isinstance(content, bytes):
        return any(breaks_off(one, ended_lines=ended_lines) for one in content.values())
    return not content or (ended_lines and not ends_lines(content))


def ends_lines(content: Content) -> bool:
    """Does it end with a whole line, or each of its files?"""
    if not isinstance(content, bytes):
        return all(ends_lines(one) for one in content.values())
    return content.endswith((b"\n", b"\r"))
