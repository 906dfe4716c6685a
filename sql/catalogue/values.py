"""A database's schema as values.

Names are spelled as SQL spells them, with quotes where those are needed; expressions and definitions are the server's
own words, with every name qualified. Absent means None, or empty. No value holds an OID, so two reads compare equal.
"""

from __future__ import annotations

from msgspec import Struct


class Schema(Struct, frozen=True):
    name: str
    comment: str | None = None


class Extension(Struct, frozen=True):
    """`schema` is where its objects live; the objects themselves are not read."""

    name: str
    schema: str
    version: str


class Column(Struct, frozen=True):
    """One column, or one field of a composite type; `identity` and `generated` are clauses of CREATE TABLE."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: str | None = None
    identity: str | None = None
    collation: str | None = None
    storage: str | None = None
    compression: str | None = None
    statistics: int | None = None
    options: str | None = None
    inherited: bool = False
    local: bool = True
    comment: str | None = None


class Constraint(Struct, frozen=True):
    """A constraint of a table or domain: `definition` follows its name; `target` is what a foreign key points at."""

    name: str
    kind: str
    definition: str
    columns: tuple[str, ...] = ()
    target: str | None = None
    target_columns: tuple[str, ...] = ()
    inherited: bool = False
    clustered: bool = False
    comment: str | None = None


class Index(Struct, frozen=True):
    """An index that no constraint stands for; `parent` is the partitioned index that it is a part of."""

    name: str
    definition: str
    valid: bool = True
    unique: bool = False
    clustered: bool = False
    parent: str | None = None
    comment: str | None = None


class Attached(Struct, frozen=True):
    """A trigger, rule or policy of a table: a whole statement, and how it is enabled when not as usual."""

    name: str
    definition: str
    enabled: str | None = None
    comment: str | None = None


class Relation(Struct, frozen=True):
    """A table or view of any kind; `definition` is a view's query."""

    schema: str
    name: str
    kind: str
    definition: str | None = None
    unlogged: bool = False
    options: str | None = None
    access_method: str | None = None
    parents: tuple[str, ...] = ()
    partition_by: str | None = None
    partition_bound: str | None = None
    of_type: str | None = None
    foreign: str | None = None
    row_security: tuple[str, ...] = ()
    replica_identity: str | None = None
    comment: str | None = None
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Attached, ...] = ()
    rules: tuple[Attached, ...] = ()
    policies: tuple[Attached, ...] = ()

    @property
    def path(self) -> str:
        """`public.orders`."""
        return f"{self.schema}.{self.name}"

    @property
    def is_view(self) -> bool:
        return self.definition is not None


class Sequence(Struct, frozen=True):
    """A sequence that is no identity column's; `owned_by` is the column it is dropped with."""

    schema: str
    name: str
    definition: str
    unlogged: bool = False
    owned_by: str | None = None
    comment: str | None = None

    @property
    def path(self) -> str:
        """`public.orders_id_seq`."""
        return f"{self.schema}.{self.name}"


class Type(Struct, frozen=True):
    """An enum, domain, range or composite type: `definition` follows the name, but a composite has `columns`."""

    schema: str
    name: str
    kind: str
    definition: str | None = None
    comment: str | None = None
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    @property
    def path(self) -> str:
        """`public.mood`."""
        return f"{self.schema}.{self.name}"


class Routine(Struct, frozen=True):
    """A function, procedure or aggregate; `arguments` tell it from others of its name."""

    schema: str
    name: str
    arguments: str
    kind: str
    result: str | None
    language: str
    definition: str
    comment: str | None = None

    @property
    def path(self) -> str:
        """`public.total(order_id bigint)`."""
        return f"{self.schema}.{self.name}({self.arguments})"


class Other(Struct, frozen=True):
    """Anything rarer: kind and name as in COMMENT ON, and the statements that make it."""

    kind: str
    name: str
    definition: str
    comment: str | None = None

    @property
    def path(self) -> str:
        """`CAST (shop.mood AS integer)`."""
        return f"{self.kind} {self.name}"


class Grant(Struct, frozen=True):
    """Rights of a role on an object, or on one column of it, beyond those it was born with, or of those it lost."""

    kind: str
    name: str
    column: str | None
    added: bool
    role: str
    privileges: tuple[str, ...]
    grantable: bool


class Catalogue(Struct, frozen=True):
    """All of some schemas, each kind ordered by name."""

    schemas: tuple[Schema, ...] = ()
    extensions: tuple[Extension, ...] = ()
    types: tuple[Type, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    relations: tuple[Relation, ...] = ()
    routines: tuple[Routine, ...] = ()
    others: tuple[Other, ...] = ()
    grants: tuple[Grant, ...] = ()


class Need(Struct, frozen=True):
    """`path` can only be made when `needed` is there; `later` if a default or check alone asks for it."""

    path: str
    needed: str
    later: bool
