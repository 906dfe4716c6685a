"""Which tasks are meant: by ids as people type them, by section, tag and priority; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from executor.errors import NoSuchTask, UsageError

_PRIORITIES = ("P1", "P2", "P3", "P4")


class Named(Protocol):
    """What has an id."""

    @property
    def task_id(self) -> str:
        """The id, as its file writes it."""


class Described(Protocol):
    """A task of a file, or of the queue."""

    @property
    def section(self) -> Sequence[str]:
        """The headings above it, outermost first."""

    @property
    def tags(self) -> Sequence[str]:
        """Without their `#`."""

    @property
    def priority(self) -> str:
        """P1 to P4."""


_Named = TypeVar("_Named", bound=Named)
_Described = TypeVar("_Described", bound=Described)


class Filters(Struct, frozen=True):
    """What --section, --tag and --min-priority ask for; None asks for nothing."""

    section: str | None = None
    tag: str | None = None
    min_priority: str | None = None

    def __bool__(self) -> bool:
        return bool(self.section or self.tag or self.min_priority)

    def select(self, tasks: Sequence[_Described]) -> list[_Described]:
        """The tasks that meet all of them. Raises NoSuchTask when none does, UsageError for a priority that is none."""
        if self.min_priority is not None and self.min_priority not in _PRIORITIES:
            raise UsageError(f"no priority '{self.min_priority}'", hint=f"one of {', '.join(_PRIORITIES)}")
        chosen = [task for task in tasks if self._meets(task)]
        if not chosen:
            raise NoSuchTask("no task of this list matches these filters", hint="see them with `executor list FILE`")
        return chosen

    def _meets(self, task: Described) -> bool:
        return (
            (self.section is None or any(self.section.casefold() in one.casefold() for one in task.section))
            and (self.tag is None or self.tag.lstrip("#") in task.tags)
            and (self.min_priority is None or task.priority <= self.min_priority)
        )


def by_id(tasks: Sequence[_Named], typed: str) -> _Named:
    """The task meant by an id or an unambiguous prefix: exact before prefix, letter case only where it must matter."""
    for wanted in (
        [task for task in tasks if task.task_id == typed],
        [task for task in tasks if task.task_id.casefold() == typed.casefold()],
        [task for task in tasks if task.task_id.casefold().startswith(typed.casefold())],
    ):
        if len(wanted) == 1:
            return wanted[0]
        if wanted:
            raise UsageError(
                f"'{typed}' could be {', '.join(task.task_id for task in wanted[:6])}"
                + (f" and {len(wanted) - 6} more" if len(wanted) > 6 else ""),
                hint="type more of the id",
            )
    import difflib  # for a slip of the finger alone

    near = difflib.get_close_matches(typed, [task.task_id for task in tasks], n=1, cutoff=0.4)
    raise NoSuchTask(
        f"no task '{typed}' in this list" + (f" (did you mean '{near[0]}'?)" if near else ""),
        hint="see them with `executor list FILE`",
    )
