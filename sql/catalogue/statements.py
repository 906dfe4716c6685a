"""The statements that make one thing of a schema, without semicolons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sql.catalogue.values import Attached, Column, Constraint, Grant, Relation, Routine, Type
from sql.catalogue.values import Sequence as SequenceValue

_ROUTINES = {"function": "FUNCTION", "procedure": "PROCEDURE", "aggregate": "AGGREGATE"}


def literal(text: str) -> str:
    """A string of SQL."""
    return "'" + text.replace("'", "''") + "'"


def comment(kind: str, name: str, text: str | None) -> Iterator[str]:
    if text is not None:
        yield f"COMMENT ON {kind} {name} IS {literal(text)}"


def of_type(kind: Type) -> Iterator[str]:
    path = kind.path
    if kind.kind == "composite":
        yield f"CREATE TYPE {path} AS (" + ", ".join(_field(column) for column in kind.columns) + ")"
    elif kind.kind == "domain":
        checks = "".join(f" CONSTRAINT {one.name} {one.definition}" for one in kind.constraints if _is_valid(one))
        yield f"CREATE DOMAIN {path} {kind.definition}{checks}"
        for one in kind.constraints:
            if not _is_valid(one):
                yield f"ALTER DOMAIN {path} ADD CONSTRAINT {one.name} {one.definition}"
    else:
        yield f"CREATE TYPE {path} {kind.definition}"


def of_sequence(sequence: SequenceValue) -> str:
    return f"CREATE {'UNLOGGED ' if sequence.unlogged else ''}SEQUENCE {sequence.path} {sequence.definition}"


def of_view(view: Relation) -> Iterator[str]:
    head = " ".join(filter(None, (f"CREATE {view.kind.upper()} {view.path}", _using(view), _options(view))))
    data = "\nWITH NO DATA" if view.kind == "materialized view" else ""
    yield f"{head} AS\n{view.definition}{data}"
    for column in view.columns:
        if column.default is not None:
            yield f"ALTER VIEW {view.path} ALTER COLUMN {column.name} SET DEFAULT {column.default}"


def of_table(table: Relation, *, bare: bool) -> Iterator[str]:
    """A table with its keys, without foreign keys; `bare` leaves out defaults and checks, see `afterthoughts`.

    A partition is a table of its own until `attachment`, so that its columns keep their order.
    """
    lines = [_column(table, column, bare=bare) for column in table.columns if _is_own(table, column)]
    lines += [f"CONSTRAINT {one.name} {one.definition}" for one in _inline(table) if not (bare and one.kind == "check")]
    words = [f"CREATE {'UNLOGGED ' if table.unlogged else ''}{_noun(table)} {table.path}"]
    if table.of_type:
        words.append(f"OF {table.of_type}")
    if lines or not table.of_type:
        words.append("(\n    " + ",\n    ".join(lines) + "\n)" if lines else "()")
    if table.parents and not table.partition_bound:
        words.append(f"INHERITS ({', '.join(table.parents)})")
    words += filter(None, (table.partition_by and f"PARTITION BY {table.partition_by}", _using(table), _options(table)))
    if table.foreign:
        words.append(table.foreign)
    yield " ".join(words)


def afterthoughts(table: Relation, parents: Sequence[Relation], *, bare: bool) -> Iterator[str]:
    """What cannot be said in CREATE TABLE, or would have to be said too early there."""
    for column in table.columns:
        yield from _apart(table, column, parents, bare=bare)
        yield from _storage(table, column)
    inline = {one.name for one in _inline(table)}
    for one in table.constraints:
        late = one.name not in inline and one.kind != "foreign key" and not one.inherited
        if late or (bare and one.kind == "check" and one.name in inline):
            yield f"ALTER TABLE {table.path} ADD CONSTRAINT {one.name} {one.definition}"
        if one.clustered:
            yield f"ALTER TABLE {table.path} CLUSTER ON {one.name}"


def indexes(relation: Relation) -> Iterator[str]:
    for index in relation.indexes:
        yield index.definition
        if index.clustered:
            yield f"ALTER {relation.kind.upper()} {relation.path} CLUSTER ON {index.name}"


def attachment(table: Relation) -> Iterator[str]:
    """A partition joins its parent; its keys and indexes become parts of the parent's."""
    if table.partition_bound:
        yield f"ALTER TABLE ONLY {table.parents[0]} ATTACH PARTITION {table.path} {table.partition_bound}"


def foreign_keys(table: Relation) -> Iterator[str]:
    for one in table.constraints:
        if one.kind == "foreign key" and not one.inherited:
            yield f"ALTER TABLE {table.path} ADD CONSTRAINT {one.name} {one.definition}"


def attached(relation: Relation) -> Iterator[str]:
    """Rules, triggers, policies, and what else changes how a table behaves."""
    for rule in relation.rules:
        yield from _enabled(relation, "RULE", rule)
    for trigger in relation.triggers:
        yield from _enabled(relation, "TRIGGER", trigger)
    for policy in relation.policies:
        yield policy.definition
    for state in relation.row_security:
        yield f"ALTER TABLE {relation.path} {state} ROW LEVEL SECURITY"
    if relation.replica_identity:
        yield f"ALTER TABLE {relation.path} REPLICA IDENTITY {relation.replica_identity}"


def comments_of_relation(relation: Relation) -> Iterator[str]:
    noun = "TABLE" if relation.kind == "partitioned table" else relation.kind.upper()
    yield from comment(noun, relation.path, relation.comment)
    for column in relation.columns:
        yield from comment("COLUMN", f"{relation.path}.{column.name}", column.comment)
    for constraint in relation.constraints:
        yield from comment("CONSTRAINT", f"{constraint.name} ON {relation.path}", constraint.comment)
    for index in relation.indexes:
        yield from comment("INDEX", f"{relation.schema}.{index.name}", index.comment)
    for kind, parts in (("TRIGGER", relation.triggers), ("RULE", relation.rules), ("POLICY", relation.policies)):
        for part in parts:
            yield from comment(kind, f"{part.name} ON {relation.path}", part.comment)


def comments_of_type(kind: Type) -> Iterator[str]:
    yield from comment("DOMAIN" if kind.kind == "domain" else "TYPE", kind.path, kind.comment)
    for column in kind.columns:
        yield from comment("COLUMN", f"{kind.path}.{column.name}", column.comment)
    for one in kind.constraints:
        yield from comment("CONSTRAINT", f"{one.name} ON DOMAIN {kind.path}", one.comment)


def comments_of_routine(routine: Routine) -> Iterator[str]:
    arguments = routine.arguments or ("*" if routine.kind == "aggregate" else "")
    name = f"{routine.schema}.{routine.name}({arguments})"
    yield from comment(_ROUTINES[routine.kind], name, routine.comment)


def of_grant(grant: Grant) -> str:
    column = f" ({grant.column})" if grant.column else ""
    rights = ", ".join(f"{privilege}{column}" for privilege in grant.privileges)
    if not grant.added:
        return f"REVOKE {rights} ON {grant.kind} {grant.name} FROM {grant.role}"
    option = " WITH GRANT OPTION" if grant.grantable else ""
    return f"GRANT {rights} ON {grant.kind} {grant.name} TO {grant.role}{option}"


def _apart(table: Relation, column: Column, parents: Sequence[Relation], *, bare: bool) -> Iterator[str]:
    """What a column has that neither CREATE TABLE nor a parent gave it."""
    alter = f"ALTER TABLE ONLY {table.path} ALTER COLUMN {column.name}"
    given = [one for parent in parents for one in parent.columns if one.name == column.name]
    inherits = bool(given) and not _is_own(table, column)
    differs = inherits and any(one.default != column.default for one in given)
    if column.default is not None and (differs or (bare and not inherits)):
        yield f"{alter} SET DEFAULT {column.default}"
    if column.not_null and inherits and not any(one.not_null for one in given):
        yield f"{alter} SET NOT NULL"


def _noun(table: Relation) -> str:
    return "FOREIGN TABLE" if table.kind == "foreign table" else "TABLE"


def _is_own(table: Relation, column: Column) -> bool:
    """Whether CREATE TABLE names the column: not when it comes from a parent, nor needlessly from a type."""
    if table.partition_bound:
        return True
    if table.of_type:
        return column.not_null or column.default is not None
    return column.local or not column.inherited


def _column(table: Relation, column: Column, *, bare: bool) -> str:
    if table.of_type:
        words = [column.name, "WITH OPTIONS"]
    else:
        words = [column.name, column.type]
        if column.compression:
            words.append(f"COMPRESSION {column.compression}")
        if column.collation:
            words.append(f"COLLATE {column.collation}")
    if column.identity and not table.partition_bound:
        words.append(column.identity)
    elif column.generated:
        words.append(column.generated)
    elif column.default is not None and not bare:
        words.append(f"DEFAULT {column.default}")
    waits = any(one.kind == "not null" and one.columns == (column.name,) for one in table.constraints)
    if column.not_null and not waits:
        words.append("NOT NULL")
    return " ".join(words)


def _field(column: Column) -> str:
    return f"{column.name} {column.type}" + (f" COLLATE {column.collation}" if column.collation else "")


def _inline(table: Relation) -> Iterator[Constraint]:
    """The constraints that CREATE TABLE names, those that a partition shares with its parent among them."""
    for one in table.constraints:
        if one.kind in ("foreign key", "not null") or not _is_valid(one):
            continue
        if table.partition_bound or not one.inherited:
            yield one


def _is_valid(constraint: Constraint) -> bool:
    return not constraint.definition.endswith(" NOT VALID")


def _storage(table: Relation, column: Column) -> Iterator[str]:
    alter = f"ALTER {'MATERIALIZED VIEW' if table.is_view else 'TABLE ONLY'} {table.path} ALTER COLUMN {column.name}"
    if column.storage:
        yield f"{alter} SET STORAGE {column.storage}"
    if column.statistics is not None:
        yield f"{alter} SET STATISTICS {column.statistics}"
    if column.options:
        yield f"{alter} SET ({column.options})"


def _using(relation: Relation) -> str:
    return f"USING {relation.access_method}" if relation.access_method else ""


def _options(relation: Relation) -> str:
    return f"WITH ({relation.options})" if relation.options else ""


def _enabled(relation: Relation, kind: str, part: Attached) -> Iterator[str]:
    yield part.definition
    if part.enabled:
        # `ENABLE REPLICA` and its like have the kind in the last place too.
        yield f"ALTER TABLE {relation.path} {part.enabled} {kind} {part.name}"
