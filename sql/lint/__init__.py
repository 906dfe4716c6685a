"""Unsafe DDL, found in a file's statements without a parser and without a database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches

from msgspec import Struct

from sql.lint import judges
from sql.lint.rules import RULES, Rule
from sql.reading import Reading, read
from sql.script import Script, Statement
from sql.tokens import Kind

__all__ = ["RULES", "Finding", "Rule", "check", "unknown"]


class Finding(Struct, frozen=True):
    """A statement that breaks a rule; line and offset are the statement's."""

    code: str
    message: str
    line: int
    offset: int

    @property
    def rule(self) -> Rule:
        return RULES[self.code]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}; instead: {self.rule.instead}"


def check(content: Script) -> tuple[Finding, ...]:
    """What is unsafe in a file, in its order, but for the rules that it allows itself.

    Relations that the file itself makes are nobody's yet: what is done to them breaks no rule about them.
    """
    wishes = content.directives
    found = _findings(content.statements, in_transaction=wishes.transaction)
    return tuple(finding for finding in found if finding.code not in wishes.allow)


def unknown(allow: Collection[str]) -> tuple[str, ...]:
    """A sentence for every name that is no rule's, with the nearest that is."""
    sentences = []
    for code in allow:
        if code not in RULES:
            near = get_close_matches(code, RULES, n=1)
            sentences.append(f"unknown lint rule '{code}'" + (f" (did you mean '{near[0]}'?)" if near else ""))
    return tuple(sentences)


def _findings(statements: Sequence[Statement], *, in_transaction: bool) -> Iterator[Finding]:
    made: set[str] = set()
    unvalidated: set[str] = set()
    labels: set[str] = set()
    for statement in statements:
        reading = read(statement.sql)
        verdicts = [verdict for verdict, relation in judges.of_statement(reading) if _bare(relation) not in made]
        if in_transaction:
            verdicts += _of_transaction(reading, unvalidated, labels)
        elif not judges.is_repeatable(reading):
            verdicts.append(("not-repeatable", reading.kind))
        for code, subject in verdicts:
            yield Finding(code, RULES[code].message.format(subject), statement.line, statement.offset)
        made.update(map(_bare, _made_by(reading)))
        _remember(reading, made, unvalidated, labels)


def _of_transaction(reading: Reading, unvalidated: Collection[str], labels: set[str]) -> Iterator[judges.Verdict]:
    """What only matters because the whole file is one transaction."""
    if reading.kind == "ALTER TABLE":
        for action in reading.actions:
            if action.words[:2] == ("VALIDATE", "CONSTRAINT") and _bare(reading.table) in unvalidated:
                yield "validate-in-same-transaction", reading.table
    for token in reading.tokens:
        if token.kind is Kind.QUOTED and token.text in labels and not reading.says("ADD", "VALUE"):
            yield "enum-value-used", token.text


def _remember(reading: Reading, made: Collection[str], unvalidated: set[str], labels: set[str]) -> None:
    if reading.kind == "ALTER TABLE" and reading.says("NOT", "VALID"):
        unvalidated.add(_bare(reading.table))
    if reading.kind == "ALTER TYPE" and reading.says("ADD", "VALUE") and _bare(reading.name_after("TYPE")) not in made:
        labels.update(token.text for token in reading.tokens if token.text.startswith("'"))


def _made_by(reading: Reading) -> list[str]:
    match reading.kind:
        case "CREATE TABLE" | "CREATE FOREIGN TABLE":
            return [reading.name_after("TABLE")]
        case "CREATE MATERIALIZED VIEW" | "CREATE VIEW":
            return [reading.name_after("VIEW")]
        case "CREATE INDEX":
            return [reading.name_after("INDEX")]
        case "CREATE TYPE":
            return [reading.name_after("TYPE")]
        case _:
            return []


def _bare(name: str) -> str:
    return name.removeprefix("public.")
