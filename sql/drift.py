"""Whether somebody changed the schema outside the folder: what it was left as, against what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from psycopg.errors import UndefinedTable
from psycopg.rows import tuple_row

from sql import queries
from sql.ledger import speaking_utf8
from sql.numbering import OUR_SET, label
from sql.runner import Runner

if TYPE_CHECKING:
    from sql.catalogue import Difference
    from sql.catalogue.facts import Facts

LEDGER = queries.load("ledger")


class Drift(Struct, frozen=True):
    """The fingerprint that a run left, the one the schema has now, and the file after which it was taken.

    `differences` are how it drifted, in words; none where an earlier version of the program kept the fingerprint alone.
    """

    left: str
    now: str
    after: str
    differences: tuple[Difference, ...] = ()

    @property
    def drifted(self) -> bool:
        return self.left != self.now


def asked(runner: Runner) -> Callable[[], str] | None:
    """How the fingerprint is had after the last file of a run; the program's own tables go without."""
    return None if runner.set_name == OUR_SET else lambda: _keep(runner)


def _keep(runner: Runner) -> str:
    """Keep what the schema is now, and answer its fingerprint."""
    from sql.catalogue import facts

    found = _read(runner)
    fingerprint = facts.digest(found)
    runner.ledger.keep_schema(fingerprint, found)
    return fingerprint


def _read(runner: Runner) -> Facts:
    """What there is to say of all that the set may change: the tenant's schema, or all but the program's own."""
    from sql import catalogue  # every start of the program imports this module, and few ask
    from sql.catalogue import facts

    return facts.facts(catalogue.read(runner.connection, [runner.scope] if runner.scope else None))


def find(runner: Runner) -> Drift | None:
    """What the schema was left as and what it is; None where nothing was remembered, as after a killed run."""
    with speaking_utf8(runner.connection).cursor(row_factory=tuple_row) as cursor:
        try:
            row = cursor.execute(LEDGER.remembered_schema, runner.ledger.key, prepare=False).fetchone()
        except UndefinedTable:
            return None
    if row is None or row[0] is None:
        return None
    from sql.catalogue import difference, facts

    left, _, version, name = row
    found = _read(runner)
    now, after = facts.digest(found), label(version, name) if version else f"repeat/{name}"
    kept = runner.ledger.kept_schema(left) if left != now else None
    return Drift(left, now, after, difference.between(kept, found) if kept else ())
