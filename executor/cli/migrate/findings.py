"""What is unsafe in a file, by our lint and by squawk where it is installed, and which locks its words tell."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sql.folder import Migration


class Found(NamedTuple):
    """Something unsafe, and where."""

    path: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"

    def plain(self) -> dict[str, Any]:
        return self._asdict()


def of(one: Migration) -> list[Found]:
    """Everything unsafe in a file, but for the rules that it allows itself."""
    from sql import lint, squawk

    found = [Found(one.path, finding.line, finding.code, str(finding)) for finding in lint.check(one.script)]
    directives = one.script.directives
    if program := squawk.program():
        opinions = squawk.opinions(
            program, one.up, path=one.path, in_transaction=directives.transaction, allow=directives.allow
        )
        found += [Found(one.path, said.line, said.code, f"{said.code} (squawk): {said.message}") for said in opinions]
    return sorted(found, key=lambda each: each.line)


def unknown(one: Migration) -> list[Found]:
    """Names in `allow=` that are no rules of ours; squawk's are taken on trust where it is installed."""
    from sql import lint, squawk

    if squawk.program():
        return []
    return [Found(one.path, 1, "allow", sentence) for sentence in lint.unknown(one.script.directives.allow)]


def locks(one: Migration) -> list[tuple[str, str]]:
    """The relations that a file's words name, each with the strongest lock on it."""
    from sql import locks as read

    every = chain.from_iterable(read.of(statement.sql) for statement in one.statements)
    return [(lock.relation, str(lock.mode)) for lock in read.strongest(every)]
