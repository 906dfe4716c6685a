"""The rules about DDL that stops, slows or surprises a database in use: what each means, and what to write instead."""

from __future__ import annotations

from msgspec import Struct


class Rule(Struct, frozen=True):
    """`code` is what a file allows, `message` what is wrong with a statement, `{}` standing for its subject."""

    code: str
    message: str
    why: str
    instead: str


def _rule(code: str, message: str, why: str, instead: str) -> Rule:
    return Rule(code, message, why, instead)


_ALL = (
    _rule(
        "not-repeatable",
        "{} fails when the file is run again",
        "A file outside a transaction that stops half way is run again from its top.",
        "IF NOT EXISTS, IF EXISTS or OR REPLACE, where the statement has it",
    ),
    _rule(
        "index-without-concurrently",
        "CREATE INDEX on {} stops all writes to it until the index is built",
        "It holds a SHARE lock, which INSERT, UPDATE and DELETE wait for.",
        "CREATE INDEX CONCURRENTLY in a file that says `-- migrate: no-transaction`",
    ),
    _rule(
        "drop-index-without-concurrently",
        "DROP INDEX {} waits for every transaction on its table, and everybody waits for it",
        "It takes ACCESS EXCLUSIVE on the table of the index.",
        "DROP INDEX CONCURRENTLY in a file that says `-- migrate: no-transaction`",
    ),
    _rule(
        "reindex-without-concurrently",
        "REINDEX of {} stops writes, and reads that use the index",
        "It takes SHARE on the table and ACCESS EXCLUSIVE on the index until it is built.",
        "REINDEX … CONCURRENTLY in a file that says `-- migrate: no-transaction`",
    ),
    _rule(
        "refresh-without-concurrently",
        "REFRESH MATERIALIZED VIEW {} stops all reads of it until it is done",
        "It takes ACCESS EXCLUSIVE on the view.",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view",
    ),
    _rule(
        "not-null-without-default",
        "a new column {} that is NOT NULL without a DEFAULT fails on every table with rows",
        "There is nothing to put into the rows that exist.",
        "a constant DEFAULT, or the column without NOT NULL, a backfill, then a validated CHECK",
    ),
    _rule(
        "rewriting-default",
        "a new column {} whose default differs from row to row rewrites the whole table",
        "A constant default costs nothing; one that must be computed for each row locks the table while it is.",
        "add the column without the default, set the default for new rows, and fill the old ones in batches",
    ),
    _rule(
        "set-not-null",
        "SET NOT NULL on {} reads the whole table while nobody else may",
        "The check is done under ACCESS EXCLUSIVE, unless a valid CHECK already says the same.",
        "ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in a later file, then SET NOT NULL",
    ),
    _rule(
        "constraint-without-not-valid",
        "a new constraint on {} reads the whole table while nobody may write to it",
        "The rows that exist are checked under the lock; a foreign key locks both tables.",
        "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later file",
    ),
    _rule(
        "validate-in-same-transaction",
        "VALIDATE CONSTRAINT on {} in the file that added the constraint keeps its lock for the whole check",
        "Locks last until the end of the transaction, so NOT VALID has gained nothing.",
        "VALIDATE CONSTRAINT in a file of its own",
    ),
    _rule(
        "key-without-index",
        "a new key on {} builds its index while nobody else may read or write",
        "ADD PRIMARY KEY and ADD UNIQUE hold ACCESS EXCLUSIVE until the index is built.",
        "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX",
    ),
    _rule(
        "alter-type",
        "another type for column {} can rewrite the table and its indexes, and breaks programs that know the old one",
        "It holds ACCESS EXCLUSIVE; only some widenings, such as varchar(50) to text, cost nothing.",
        "a new column, filled in batches and kept up by a trigger, then the switch",
    ),
    _rule(
        "rewrites-table",
        "{} rewrites the whole table while nobody else may read or write",
        "It holds ACCESS EXCLUSIVE for as long as the copy takes.",
        "a time when nobody uses the table, or pg_repack",
    ),
    _rule(
        "drop-table",
        "DROP TABLE {} takes the rows with it",
        "Programs that still run may use it, and nothing brings it back but a backup.",
        "stop using it, wait for a release, then drop it with this rule allowed",
    ),
    _rule(
        "drop-column",
        "DROP COLUMN {} breaks programs that still read or write it",
        "The old version of a program runs beside the new one while you deploy.",
        "stop using it, wait for a release, then drop it with this rule allowed",
    ),
    _rule(
        "rename",
        "renaming {} breaks programs that know the old name",
        "The old version of a program runs beside the new one while you deploy.",
        "the new name beside the old one (a view, or a second column), and the old one dropped later",
    ),
    _rule(
        "enum-value-used",
        "the new enum value {} cannot be used in the transaction that adds it",
        "The server refuses it with error 55P04 until the addition is committed.",
        "ALTER TYPE … ADD VALUE in a file of its own, before the one that uses it",
    ),
    _rule(
        "truncate-cascade",
        "TRUNCATE … CASCADE of {} also empties every table that refers to it",
        "Which tables those are depends on the database it meets.",
        "TRUNCATE with all tables named",
    ),
    _rule(
        "change-all-rows",
        "{} without WHERE changes every row in one transaction",
        "Rows stay locked until it commits, and every one of them leaves a dead version behind.",
        "batches, outside the migration that changes the schema",
    ),
    _rule(
        "non-local-set",
        "SET {} ends with this file: settings are reset between files",
        "What a file sets reaches neither the next file nor the program.",
        "SET LOCAL to say so, or ALTER ROLE … SET or ALTER DATABASE … SET to keep it",
    ),
)

RULES = {rule.code: rule for rule in _ALL}
