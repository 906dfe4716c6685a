"""What one statement does, and to which relations: read from its words, without a parser and without a database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct

from sql.tokens import Kind, Token, lex

_OPTIONAL = (("IF", "NOT", "EXISTS"), ("IF", "EXISTS"))
# Words between CREATE and the kind of thing that is made.
_ADJECTIVES = {"OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "UNIQUE", "RECURSIVE", "CONSTRAINT"}
_TWO_WORDS = {
    ("MATERIALIZED", "VIEW"),
    ("FOREIGN", "TABLE"),
    ("EVENT", "TRIGGER"),
    ("TEXT", "SEARCH"),
    ("ACCESS", "METHOD"),
}


class Action(Struct, frozen=True):
    """One action of ALTER TABLE, or a column or constraint of CREATE TABLE: its tokens, and where it begins."""

    tokens: tuple[Token, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(map(spelled, self.tokens))

    def says(self, *phrase: str) -> bool:
        """Whether these words stand in it, in a row."""
        return find(self.words, phrase) >= 0


class Reading(Struct, frozen=True, dict=True):
    """A statement's tokens without blanks and comments; unquoted words are read in upper case."""

    tokens: tuple[Token, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(map(spelled, self.tokens))

    @cached_property
    def kind(self) -> str:
        """`CREATE INDEX`, `ALTER TABLE`, `UPDATE`: the verb, with what it makes, changes or drops."""
        if not self.words:
            return ""
        verb, rest = self.words[0], self.words[1:]
        if verb not in ("CREATE", "ALTER", "DROP"):
            return verb
        while rest and rest[0] in _ADJECTIVES:
            rest = rest[1:]
        noun = rest[:2] if rest[:2] in _TWO_WORDS else rest[:1]
        return " ".join((verb, *noun))

    def says(self, *phrase: str) -> bool:
        """Whether these words stand in a row anywhere in it, quoted text apart."""
        return find(self.words, phrase) >= 0

    def name_after(self, *phrase: str) -> str:
        """The name that follows these words, IF EXISTS and ONLY left out; empty when there is none."""
        place = find(self.words, phrase)
        return "" if place < 0 else name_at(self.tokens, _skip(self.words, place + len(phrase)))[0]

    def names_after(self, *phrase: str) -> list[str]:
        """All names of a list that follows these words."""
        place = find(self.words, phrase)
        if place < 0:
            return []
        names, place = [], _skip(self.words, place + len(phrase))
        while True:
            name, place = name_at(self.tokens, place)
            names.append(name)
            place += self.words[place : place + 1] == ("*",)
            if self.words[place : place + 1] != (",",):
                return [one for one in names if one]
            place = _skip(self.words, place + 1)

    def every_name_after(self, word: str) -> list[str]:
        """The names behind each occurrence of a word."""
        found = []
        for place, here in enumerate(self.words):
            if here == word and (name := name_at(self.tokens, _skip(self.words, place + 1))[0]):
                found.append(name)
        return found

    @cached_property
    def table(self) -> str:
        """What ALTER TABLE changes."""
        return self.name_after("TABLE")

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """What ALTER TABLE does to it, one by one."""
        place = find(self.words, ("TABLE",))
        _, place = name_at(self.tokens, _skip(self.words, place + 1))
        place += self.words[place : place + 1] == ("*",)
        return tuple(Action(part) for part in _parts(self.tokens[place:]) if part)

    @cached_property
    def elements(self) -> tuple[Action, ...]:
        """The columns and constraints between the parentheses of CREATE TABLE."""
        try:
            start = self.words.index("(")
        except ValueError:
            return ()
        depth = 0
        for place in range(start, len(self.words)):
            depth += (self.words[place] == "(") - (self.words[place] == ")")
            if not depth:
                return tuple(Action(part) for part in _parts(self.tokens[start + 1 : place]) if part)
        return ()


def read(sql: str) -> Reading:
    """The reading of one statement."""
    return Reading(tuple(token for token in lex(sql) if token.kind not in (Kind.BLANK, Kind.COMMENT)))


def spelled(token: Token) -> str:
    """A word in upper case, anything else as it is: a quoted name is never mistaken for a word."""
    return token.text.upper() if token.kind is Kind.WORD else token.text


def find(words: Sequence[str], phrase: Sequence[str]) -> int:
    """Where the phrase begins in the words; -1 when it does not stand there."""
    length = len(phrase)
    for place in range(len(words) - length + 1):
        if tuple(words[place : place + length]) == tuple(phrase):
            return place
    return -1


def name_at(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """The name at this place, folded as PostgreSQL folds it, and the place behind it."""
    parts: list[str] = []
    while place < len(tokens) and tokens[place].kind in (Kind.WORD, Kind.QUOTED):
        parts.append(folded(tokens[place]))
        if place + 1 >= len(tokens) or tokens[place + 1].text != ".":
            return ".".join(parts), place + 1
        place += 2
    return ".".join(parts), place


def folded(token: Token) -> str:
    """A part of a name: lower case unless quoted, without quotes where it needs none."""
    if token.kind is Kind.WORD:
        return token.text.lower()
    bare = token.text[1:-1]
    return bare if bare.isidentifier() and bare == bare.lower() else token.text


def _skip(words: Sequence[str], place: int) -> int:
    for phrase in _OPTIONAL:
        if tuple(words[place : place + len(phrase)]) == phrase:
            place += len(phrase)
    return place + (tuple(words[place : place + 1]) == ("ONLY",))


def _parts(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Cut at the commas that stand in no parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in "([") - (token.text in ")]")
        if token.text == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]
