"""Whether somebody changed the schema outside the folder: what it was left as, against what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg.errors import UndefinedTable
from psycopg.rows import tuple_row

from sql import queries
from sql.ledger import speaking_utf8
from sql.numbering import OUR_SET, label
from sql.runner import Runner

LEDGER = queries.load("ledger")


@dataclass(frozen=True, slots=True)
class Drift:
    """The fingerprint that a run left, the one the schema has now, and the file after which it was taken."""

    left: str
    now: str
    after: str

    @property
    def drifted(self) -> bool:
        return self.left != self.now


def asked(runner: Runner) -> Callable[[], str] | None:
    """How the fingerprint is had after the last file of a run; the program's own tables go without."""
    return None if runner.set_name == OUR_SET else lambda: fingerprint(runner)


def fingerprint(runner: Runner) -> str:
    """The fingerprint of what the set may change: the tenant's schema, or all but the program's own."""
    from sql import catalogue  # every start of the program imports this module, and few ask

    return catalogue.fingerprint(runner.connection, [runner.scope] if runner.scope else None)


def find(runner: Runner) -> Drift | None:
    """What the schema was left as and what it is; None where nothing was remembered, as after a killed run."""
    with speaking_utf8(runner.connection).cursor(row_factory=tuple_row) as cursor:
        try:
            row = cursor.execute(LEDGER.remembered_schema, runner.ledger.key, prepare=False).fetchone()
        except UndefinedTable:
            return None
    if row is None or row[0] is None:
        return None
    left, _, version, name = row
    return Drift(left, fingerprint(runner), label(version, name) if version else f"repeat/{name}")
