-- name: settle
-- What the server prints depends on these; with nothing in the search path every name comes with its schema.
SELECT
    set_config('search_path', '', true),
    set_config('TimeZone', 'UTC', true),
    set_config('DateStyle', 'ISO, YMD', true),
    set_config('IntervalStyle', 'postgres', true),
    set_config('extra_float_digits', '1', true),
    set_config('bytea_output', 'hex', true),
    set_config('quote_all_identifiers', 'off', true)

-- name: schemas
-- The schemas that are asked for and exist, or, when none are named, all but the server's own and the ledger's.
SELECT n.nspname, quote_ident(n.nspname), obj_description(n.oid, 'pg_namespace')
FROM pg_catalog.pg_namespace AS n
WHERE CASE
    WHEN %(schemas)s::text[] IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'executor')
    ELSE n.nspname = ANY(%(schemas)s)
END
AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS m
    WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid AND m.deptype = 'e'
)
ORDER BY n.nspname

-- name: extensions
-- Extensions that put their objects into these schemas; the objects themselves are theirs, and read nowhere below.
SELECT e.oid, quote_ident(e.extname), quote_ident(n.nspname), e.extversion
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
ORDER BY e.extname

-- name: relations
-- Tables and views of every kind.
SELECT
    c.oid,
    quote_ident(n.nspname),
    quote_ident(c.relname),
    CASE c.relkind
        WHEN 'r' THEN 'table'
        WHEN 'p' THEN 'partitioned table'
        WHEN 'f' THEN 'foreign table'
        WHEN 'v' THEN 'view'
        WHEN 'm' THEN 'materialized view'
    END,
    CASE WHEN c.relkind IN ('v', 'm') THEN rtrim(pg_get_viewdef(c.oid), ';') END,
    c.relpersistence = 'u',
    array_to_string(c.reloptions, ', '),
    (SELECT a.amname FROM pg_catalog.pg_am AS a WHERE a.oid = c.relam AND a.amname <> 'heap'),
    ARRAY(
        SELECT format('%%I.%%I', pn.nspname, p.relname)
        FROM pg_catalog.pg_inherits AS i
        JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
        JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
        WHERE i.inhrelid = c.oid
        ORDER BY i.inhseqno
    ),
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END,
    (
        SELECT concat(
            'SERVER ', quote_ident(s.srvname),
            (
                SELECT ' OPTIONS (' || string_agg(format('%%I %%L', o.option_name, o.option_value), ', ' ORDER BY 1) || ')'
                FROM pg_options_to_table(f.ftoptions) AS o
            )
        )
        FROM pg_catalog.pg_foreign_table AS f
        JOIN pg_catalog.pg_foreign_server AS s ON s.oid = f.ftserver
        WHERE f.ftrelid = c.oid
    ),
    array_remove(ARRAY[
        CASE WHEN c.relrowsecurity THEN 'ENABLE' END, CASE WHEN c.relforcerowsecurity THEN 'FORCE' END
    ], NULL),
    CASE
        WHEN c.relkind NOT IN ('r', 'p') THEN NULL
        WHEN c.relreplident = 'n' THEN 'NOTHING'
        WHEN c.relreplident = 'f' THEN 'FULL'
        WHEN c.relreplident = 'i' THEN (
            SELECT 'USING INDEX ' || quote_ident(x.relname)
            FROM pg_catalog.pg_index AS i
            JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
            WHERE i.indrelid = c.oid AND i.indisreplident
        )
    END,
    obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND c.relpersistence <> 't'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid AND m.deptype = 'e'
  )
ORDER BY n.nspname, c.relname

-- name: columns
-- The columns of tables, views and composite types, in their order, with everything that is not a type's default.
SELECT
    a.attrelid,
    quote_ident(a.attname),
    format_type(a.atttypid, a.atttypmod),
    a.attnotnull,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    CASE a.attgenerated
        WHEN 's' THEN format('GENERATED ALWAYS AS (%%s) STORED', pg_get_expr(d.adbin, d.adrelid))
        WHEN 'v' THEN format('GENERATED ALWAYS AS (%%s) VIRTUAL', pg_get_expr(d.adbin, d.adrelid))
    END,
    CASE WHEN a.attidentity <> '' THEN concat(
        'GENERATED ', CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, ' AS IDENTITY',
        (
            SELECT ' (' || nullif(concat_ws(
                ' ',
                CASE WHEN sc.relname <> concat(c.relname, '_', a.attname, '_seq')
                    THEN format('SEQUENCE NAME %%I.%%I', sn.nspname, sc.relname)
                END,
                CASE WHEN s.seqstart <> 1 THEN 'START WITH ' || s.seqstart END,
                CASE WHEN s.seqincrement <> 1 THEN 'INCREMENT BY ' || s.seqincrement END,
                CASE WHEN s.seqmin <> 1 THEN 'MINVALUE ' || s.seqmin END,
                CASE WHEN s.seqmax NOT IN (32767, 2147483647, 9223372036854775807) THEN 'MAXVALUE ' || s.seqmax END,
                CASE WHEN s.seqcache <> 1 THEN 'CACHE ' || s.seqcache END,
                CASE WHEN s.seqcycle THEN 'CYCLE' END
            ), '') || ')'
            FROM pg_catalog.pg_depend AS owned
            JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = owned.objid
            JOIN pg_catalog.pg_class AS sc ON sc.oid = s.seqrelid
            JOIN pg_catalog.pg_namespace AS sn ON sn.oid = sc.relnamespace
            WHERE owned.classid = 'pg_class'::regclass
              AND owned.refclassid = 'pg_class'::regclass
              AND owned.refobjid = a.attrelid
              AND owned.refobjsubid = a.attnum
              AND owned.deptype = 'i'
        )
    ) END,
    (
        SELECT format('%%I.%%I', ln.nspname, l.collname)
        FROM pg_catalog.pg_collation AS l
        JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
        WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation
    ),
    CASE WHEN a.attstorage <> t.typstorage AND c.relkind IN ('r', 'p', 'm') THEN
        CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' WHEN 'm' THEN 'MAIN' END
    END,
    CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::integer END,    -- -1 or NULL, by version, is the default
    array_to_string(a.attoptions, ', '),
    a.attinhcount > 0,
    a.attislocal,
    col_description(a.attrelid, a.attnum)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum

-- name: constraints
-- Constraints of tables and domains. NOT NULL belongs to its column, unless it waits for its validation; the clones
-- that a foreign key to a partitioned table makes of itself are the server's own.
SELECT
    CASE WHEN k.conrelid = 0 THEN k.contypid ELSE k.conrelid END,
    quote_ident(k.conname),
    CASE k.contype
        WHEN 'p' THEN 'primary key'
        WHEN 'u' THEN 'unique'
        WHEN 'f' THEN 'foreign key'
        WHEN 'c' THEN 'check'
        WHEN 'x' THEN 'exclusion'
        WHEN 'n' THEN 'not null'
    END,
    pg_get_constraintdef(k.oid),
    ARRAY(
        SELECT quote_ident(a.attname)
        FROM unnest(k.conkey) WITH ORDINALITY AS part (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.attnum
        ORDER BY part.place
    ),
    CASE WHEN k.confrelid <> 0 THEN (
        SELECT format('%%I.%%I', rn.nspname, r.relname)
        FROM pg_catalog.pg_class AS r
        JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
        WHERE r.oid = k.confrelid
    ) END,
    ARRAY(
        SELECT quote_ident(a.attname)
        FROM unnest(k.confkey) WITH ORDINALITY AS part (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.attnum
        ORDER BY part.place
    ),
    NOT k.conislocal OR k.conparentid <> 0,
    coalesce((SELECT i.indisclustered FROM pg_catalog.pg_index AS i WHERE i.indexrelid = k.conindid AND k.contype <> 'f'), false),
    obj_description(k.oid, 'pg_constraint')
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_namespace AS n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_constraint AS origin ON origin.oid = k.conparentid
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND (k.contype IN ('p', 'u', 'f', 'c', 'x') OR (k.contype = 'n' AND NOT k.convalidated))
  AND (origin.conrelid IS NULL OR origin.conrelid <> k.conrelid)
ORDER BY k.conrelid, k.contypid, k.conname

-- name: indexes
-- Indexes that no constraint stands for.
SELECT
    i.indrelid,
    quote_ident(x.relname),
    pg_get_indexdef(i.indexrelid),
    i.indisvalid,
    i.indisunique,
    i.indisclustered,
    (
        SELECT format('%%I.%%I', pn.nspname, p.relname)
        FROM pg_catalog.pg_inherits AS h
        JOIN pg_catalog.pg_class AS p ON p.oid = h.inhparent
        JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
        WHERE h.inhrelid = i.indexrelid
    ),
    obj_description(i.indexrelid, 'pg_class')
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = x.relnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS k
      WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
  )
ORDER BY i.indrelid, x.relname

-- name: triggers
-- Triggers that somebody wrote; partitions' clones belong to their parent's.
SELECT
    g.tgrelid,
    quote_ident(g.tgname),
    pg_get_triggerdef(g.oid),
    CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END,
    obj_description(g.oid, 'pg_trigger')
FROM pg_catalog.pg_trigger AS g
JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT g.tgisinternal
  AND g.tgparentid = 0
ORDER BY g.tgrelid, g.tgname

-- name: rules
-- Rewrite rules, but for the one that makes a view a view.
SELECT
    r.ev_class,
    quote_ident(r.rulename),
    rtrim(pg_get_ruledef(r.oid), ';'),
    CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END,
    obj_description(r.oid, 'pg_rewrite')
FROM pg_catalog.pg_rewrite AS r
JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND r.rulename <> '_RETURN'
ORDER BY r.ev_class, r.rulename

-- name: policies
-- Row security policies, as the statements that make them.
SELECT
    p.polrelid,
    quote_ident(p.polname),
    concat(
        format('CREATE POLICY %%I ON %%I.%%I', p.polname, n.nspname, c.relname),
        CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,
        CASE p.polcmd
            WHEN 'r' THEN ' FOR SELECT'
            WHEN 'a' THEN ' FOR INSERT'
            WHEN 'w' THEN ' FOR UPDATE'
            WHEN 'd' THEN ' FOR DELETE'
        END,
        (
            SELECT ' TO ' || string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)
            FROM pg_catalog.pg_roles AS r
            WHERE r.oid = ANY(p.polroles)
        ),
        ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'
    ),
    obj_description(p.oid, 'pg_policy')
FROM pg_catalog.pg_policy AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
ORDER BY p.polrelid, p.polname

-- name: sequences
-- Sequences that stand for themselves or serve a column's default; those of identity columns belong to the column.
SELECT
    c.oid,
    quote_ident(n.nspname),
    quote_ident(c.relname),
    concat_ws(
        ' ',
        'AS ' || format_type(s.seqtypid, NULL),
        'START WITH ' || s.seqstart,
        'INCREMENT BY ' || s.seqincrement,
        'MINVALUE ' || s.seqmin,
        'MAXVALUE ' || s.seqmax,
        'CACHE ' || s.seqcache,
        CASE WHEN s.seqcycle THEN 'CYCLE' END
    ),
    c.relpersistence = 'u',
    (
        SELECT format('%%I.%%I.%%I', tn.nspname, t.relname, a.attname)
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid
        JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass
          AND d.objid = c.oid
          AND d.refclassid = 'pg_class'::regclass
          AND d.deptype = 'a'
    ),
    obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_sequence AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND c.relpersistence <> 't'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid AND m.deptype IN ('e', 'i')
  )
ORDER BY n.nspname, c.relname

-- name: types
-- Enums, domains, ranges and composite types, as what follows their name when they are made. A domain's constraints
-- are read with those of tables, a composite type's columns with those of tables.
SELECT
    t.oid,
    t.typrelid,
    quote_ident(n.nspname),
    quote_ident(t.typname),
    CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'c' THEN 'composite' END,
    CASE t.typtype
        WHEN 'e' THEN (
            SELECT 'AS ENUM (' || coalesce(string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder), '') || ')'
            FROM pg_catalog.pg_enum AS l
            WHERE l.enumtypid = t.oid
        )
        WHEN 'd' THEN concat(
            'AS ', format_type(t.typbasetype, t.typtypmod),
            (
                SELECT format(' COLLATE %%I.%%I', ln.nspname, l.collname)
                FROM pg_catalog.pg_collation AS l
                JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
                JOIN pg_catalog.pg_type AS base ON base.oid = t.typbasetype
                WHERE l.oid = t.typcollation AND t.typcollation <> base.typcollation
            ),
            ' DEFAULT ' || t.typdefault,
            CASE WHEN t.typnotnull THEN ' NOT NULL' END
        )
        WHEN 'r' THEN (
            SELECT concat(
                'AS RANGE (subtype = ', format_type(r.rngsubtype, NULL),
                (
                    SELECT format(', subtype_opclass = %%I.%%I', opn.nspname, op.opcname)
                    FROM pg_catalog.pg_opclass AS op
                    JOIN pg_catalog.pg_namespace AS opn ON opn.oid = op.opcnamespace
                    WHERE op.oid = r.rngsubopc AND NOT op.opcdefault
                ),
                (
                    SELECT format(', collation = %%I.%%I', ln.nspname, l.collname)
                    FROM pg_catalog.pg_collation AS l
                    JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
                    JOIN pg_catalog.pg_type AS base ON base.oid = r.rngsubtype
                    WHERE l.oid = r.rngcollation AND r.rngcollation <> base.typcollation
                ),
                CASE WHEN r.rngcanonical <> 0 THEN ', canonical = ' || r.rngcanonical::oid::regproc END,
                CASE WHEN r.rngsubdiff <> 0 THEN ', subtype_diff = ' || r.rngsubdiff::oid::regproc END,
                ', multirange_type_name = ' || format_type(r.rngmultitypid, NULL),
                ')'
            )
            FROM pg_catalog.pg_range AS r
            WHERE r.rngtypid = t.oid
        )
    END,
    obj_description(t.oid, 'pg_type')
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid AND m.deptype = 'e'
  )
ORDER BY n.nspname, t.typname

-- name: routines
-- Functions, procedures and aggregates, each with the statement that makes it.
SELECT
    p.oid,
    quote_ident(n.nspname),
    quote_ident(p.proname),
    pg_get_function_identity_arguments(p.oid),
    CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
    CASE WHEN p.prokind <> 'p' THEN pg_get_function_result(p.oid) END,
    l.lanname,
    CASE WHEN p.prokind = 'a' THEN (
        SELECT concat(
            format('CREATE AGGREGATE %%I.%%I(%%s) (', n.nspname, p.proname,
                CASE WHEN a.aggkind = 'n' AND p.pronargs = 0 THEN '*' ELSE pg_get_function_identity_arguments(p.oid) END),
            'SFUNC = ', a.aggtransfn::oid::regproc, ', STYPE = ', format_type(a.aggtranstype, NULL),
            CASE WHEN a.aggtransspace <> 0 THEN ', SSPACE = ' || a.aggtransspace END,
            CASE WHEN a.aggfinalfn <> 0 THEN ', FINALFUNC = ' || a.aggfinalfn::oid::regproc END,
            CASE WHEN a.aggfinalextra THEN ', FINALFUNC_EXTRA' END,
            CASE WHEN a.aggfinalmodify <> CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END::"char" THEN
                ', FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END
            END,
            CASE WHEN a.aggcombinefn <> 0 THEN ', COMBINEFUNC = ' || a.aggcombinefn::oid::regproc END,
            CASE WHEN a.aggserialfn <> 0 THEN ', SERIALFUNC = ' || a.aggserialfn::oid::regproc END,
            CASE WHEN a.aggdeserialfn <> 0 THEN ', DESERIALFUNC = ' || a.aggdeserialfn::oid::regproc END,
            ', INITCOND = ' || quote_literal(a.agginitval),
            CASE WHEN a.aggmtransfn <> 0 THEN concat(
                ', MSFUNC = ', a.aggmtransfn::oid::regproc, ', MINVFUNC = ', a.aggminvtransfn::oid::regproc,
                ', MSTYPE = ', format_type(a.aggmtranstype, NULL),
                CASE WHEN a.aggmfinalfn <> 0 THEN ', MFINALFUNC = ' || a.aggmfinalfn::oid::regproc END,
                ', MINITCOND = ' || quote_literal(a.aggminitval)
            ) END,
            CASE WHEN a.aggsortop <> 0 THEN ', SORTOP = ' || a.aggsortop::regoperator END,
            CASE WHEN p.proparallel = 's' THEN ', PARALLEL = SAFE' WHEN p.proparallel = 'r' THEN ', PARALLEL = RESTRICTED' END,
            CASE WHEN a.aggkind = 'h' THEN ', HYPOTHETICAL' END,
            ')'
        )
        FROM pg_catalog.pg_aggregate AS a
        WHERE a.aggfnoid = p.oid
    ) ELSE rtrim(pg_get_functiondef(p.oid), E'\n') END,
    obj_description(p.oid, 'pg_proc')
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid AND m.deptype IN ('e', 'i')
  )
ORDER BY n.nspname, p.proname, 4

-- name: others
-- Everything rarer, as the statement that makes it: the kind and the name are those of COMMENT ON.
SELECT 'pg_statistic_ext'::regclass::oid::bigint, s.oid, 'STATISTICS', format('%%I.%%I', n.nspname, s.stxname),
    pg_get_statisticsobjdef(s.oid), obj_description(s.oid, 'pg_statistic_ext')
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
UNION ALL
SELECT 'pg_event_trigger'::regclass::oid::bigint, e.oid, 'EVENT TRIGGER', quote_ident(e.evtname),
    concat(
        format('CREATE EVENT TRIGGER %%I ON %%s', e.evtname, e.evtevent),
        (SELECT ' WHEN TAG IN (' || string_agg(quote_literal(tag), ', ' ORDER BY tag) || ')' FROM unnest(e.evttags) AS tag),
        format(' EXECUTE FUNCTION %%s()', e.evtfoid::regproc),
        CASE e.evtenabled
            WHEN 'D' THEN format(E';\nALTER EVENT TRIGGER %%I DISABLE', e.evtname)
            WHEN 'R' THEN format(E';\nALTER EVENT TRIGGER %%I ENABLE REPLICA', e.evtname)
            WHEN 'A' THEN format(E';\nALTER EVENT TRIGGER %%I ENABLE ALWAYS', e.evtname)
        END
    ),
    obj_description(e.oid, 'pg_event_trigger')
FROM pg_catalog.pg_event_trigger AS e
JOIN pg_catalog.pg_proc AS p ON p.oid = e.evtfoid
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid AND m.deptype = 'e'
  )
UNION ALL
SELECT 'pg_operator'::regclass::oid::bigint, o.oid, 'OPERATOR',
    format('%%I.%%s (%%s, %%s)', n.nspname, o.oprname,
        CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL)),
    concat(
        format('CREATE OPERATOR %%I.%%s (FUNCTION = %%s', n.nspname, o.oprname, o.oprcode::oid::regproc),
        CASE WHEN o.oprleft <> 0 THEN ', LEFTARG = ' || format_type(o.oprleft, NULL) END,
        ', RIGHTARG = ', format_type(o.oprright, NULL),
        CASE WHEN o.oprcom <> 0 THEN (
            SELECT format(', COMMUTATOR = OPERATOR(%%I.%%s)', on_.nspname, other.oprname)
            FROM pg_catalog.pg_operator AS other
            JOIN pg_catalog.pg_namespace AS on_ ON on_.oid = other.oprnamespace
            WHERE other.oid = o.oprcom
        ) END,
        CASE WHEN o.oprnegate <> 0 THEN (
            SELECT format(', NEGATOR = OPERATOR(%%I.%%s)', on_.nspname, other.oprname)
            FROM pg_catalog.pg_operator AS other
            JOIN pg_catalog.pg_namespace AS on_ ON on_.oid = other.oprnamespace
            WHERE other.oid = o.oprnegate
        ) END,
        CASE WHEN o.oprrest <> 0 THEN ', RESTRICT = ' || o.oprrest::oid::regproc END,
        CASE WHEN o.oprjoin <> 0 THEN ', JOIN = ' || o.oprjoin::oid::regproc END,
        CASE WHEN o.oprcanhash THEN ', HASHES' END,
        CASE WHEN o.oprcanmerge THEN ', MERGES' END,
        ')'
    ),
    obj_description(o.oid, 'pg_operator')
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND o.oprcode <> 0    -- one that was only named as a commutator is a shell
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_operator'::regclass AND m.objid = o.oid AND m.deptype = 'e'
  )
UNION ALL
SELECT 'pg_cast'::regclass::oid::bigint, k.oid, 'CAST',
    format('(%%s AS %%s)', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)),
    concat(
        format('CREATE CAST (%%s AS %%s) ', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)),
        CASE k.castmethod WHEN 'b' THEN 'WITHOUT FUNCTION' WHEN 'i' THEN 'WITH INOUT' ELSE 'WITH FUNCTION ' || k.castfunc::regprocedure END,
        CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' END
    ),
    obj_description(k.oid, 'pg_cast')
FROM pg_catalog.pg_cast AS k
JOIN pg_catalog.pg_type AS source ON source.oid = k.castsource
JOIN pg_catalog.pg_type AS target ON target.oid = k.casttarget
LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = k.castfunc
JOIN pg_catalog.pg_namespace AS n ON n.oid IN (source.typnamespace, target.typnamespace, p.pronamespace)
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_cast'::regclass AND m.objid = k.oid AND m.deptype IN ('e', 'i')
  )
UNION    -- a cast may have been found by two of its schemas
SELECT 'pg_collation'::regclass::oid::bigint, l.oid, 'COLLATION', format('%%I.%%I', n.nspname, l.collname),
    concat(
        format('CREATE COLLATION %%I.%%I (provider = %%s', n.nspname, l.collname,
            CASE l.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END),
        CASE WHEN NOT l.collisdeterministic THEN ', deterministic = false' END,
        CASE
            WHEN to_jsonb(l) ->> 'colllocale' IS NOT NULL THEN ', locale = ' || quote_literal(to_jsonb(l) ->> 'colllocale')
            WHEN to_jsonb(l) ->> 'colliculocale' IS NOT NULL THEN ', locale = ' || quote_literal(to_jsonb(l) ->> 'colliculocale')
            ELSE format(', lc_collate = %%L, lc_ctype = %%L', l.collcollate, l.collctype)
        END,
        ', rules = ' || quote_literal(to_jsonb(l) ->> 'collicurules'),
        ')'
    ),
    obj_description(l.oid, 'pg_collation')
FROM pg_catalog.pg_collation AS l
JOIN pg_catalog.pg_namespace AS n ON n.oid = l.collnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_collation'::regclass AND m.objid = l.oid AND m.deptype = 'e'
  )
UNION ALL
SELECT 'pg_foreign_server'::regclass::oid::bigint, s.oid, 'SERVER', quote_ident(s.srvname),
    concat(
        format('CREATE SERVER %%I', s.srvname),
        ' TYPE ' || quote_literal(s.srvtype),
        ' VERSION ' || quote_literal(s.srvversion),
        format(' FOREIGN DATA WRAPPER %%I', w.fdwname),
        (
            SELECT ' OPTIONS (' || string_agg(format('%%I %%L', o.option_name, o.option_value), ', ' ORDER BY 1) || ')'
            FROM pg_options_to_table(s.srvoptions) AS o
        )
    ),
    obj_description(s.oid, 'pg_foreign_server')
FROM pg_catalog.pg_foreign_server AS s
JOIN pg_catalog.pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
WHERE EXISTS (
    SELECT FROM pg_catalog.pg_foreign_table AS f
    JOIN pg_catalog.pg_class AS c ON c.oid = f.ftrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE f.ftserver = s.oid AND n.nspname = ANY(%(schemas)s::text[])
)
UNION ALL
SELECT 'pg_ts_dict'::regclass::oid::bigint, d.oid, 'TEXT SEARCH DICTIONARY', format('%%I.%%I', n.nspname, d.dictname),
    concat(
        format('CREATE TEXT SEARCH DICTIONARY %%I.%%I (TEMPLATE = %%I.%%I', n.nspname, d.dictname, tn.nspname, t.tmplname),
        ', ' || d.dictinitoption,
        ')'
    ),
    obj_description(d.oid, 'pg_ts_dict')
FROM pg_catalog.pg_ts_dict AS d
JOIN pg_catalog.pg_namespace AS n ON n.oid = d.dictnamespace
JOIN pg_catalog.pg_ts_template AS t ON t.oid = d.dicttemplate
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.tmplnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_ts_dict'::regclass AND m.objid = d.oid AND m.deptype = 'e'
  )
UNION ALL
SELECT 'pg_ts_config'::regclass::oid::bigint, f.oid, 'TEXT SEARCH CONFIGURATION', format('%%I.%%I', n.nspname, f.cfgname),
    concat(
        format('CREATE TEXT SEARCH CONFIGURATION %%I.%%I (PARSER = %%I.%%I)', n.nspname, f.cfgname, pn.nspname, p.prsname),
        (
            SELECT string_agg(
                format(
                    E';\nALTER TEXT SEARCH CONFIGURATION %%I.%%I ADD MAPPING FOR %%I WITH %%s',
                    n.nspname, f.cfgname, mapped.alias, mapped.dictionaries
                ),
                '' ORDER BY mapped.alias
            )
            FROM (
                SELECT kind.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries
                FROM pg_catalog.pg_ts_config_map AS m
                JOIN ts_token_type(f.cfgparser) AS kind ON kind.tokid = m.maptokentype
                WHERE m.mapcfg = f.oid
                GROUP BY kind.alias
            ) AS mapped
        )
    ),
    obj_description(f.oid, 'pg_ts_config')
FROM pg_catalog.pg_ts_config AS f
JOIN pg_catalog.pg_namespace AS n ON n.oid = f.cfgnamespace
JOIN pg_catalog.pg_ts_parser AS p ON p.oid = f.cfgparser
JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.prsnamespace
WHERE n.nspname = ANY(%(schemas)s::text[])
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS m
      WHERE m.classid = 'pg_ts_config'::regclass AND m.objid = f.oid AND m.deptype = 'e'
  )
ORDER BY 3, 4

-- name: classes
-- The OIDs of the catalogues, by name, which dependencies speak in.
SELECT c.relname, c.oid
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY(ARRAY['pg_class', 'pg_type', 'pg_proc']::regclass[])

-- name: dependencies
-- What must be there before what, by class and OID; defaults, constraints, rewrite rules, row types and arrays stand
-- for what they belong to. `later` says that only a default or a check asks for it, which may be added afterwards.
-- Foreign keys, indexes, triggers, policies and the ownership of sequences come after everything, and are left out.
WITH part (classid, objid, owner_class, owner_id, later) AS (
    SELECT 'pg_attrdef'::regclass::oid, d.oid, 'pg_class'::regclass::oid, d.adrelid, a.attgenerated = ''
    FROM pg_catalog.pg_attrdef AS d
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_rewrite'::regclass, r.oid, 'pg_class'::regclass, r.ev_class, false
    FROM pg_catalog.pg_rewrite AS r
    WHERE r.rulename = '_RETURN'
    UNION ALL
    SELECT
        'pg_constraint'::regclass, k.oid,
        CASE WHEN k.conrelid = 0 THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
        CASE WHEN k.conrelid = 0 THEN k.contypid ELSE k.conrelid END,
        k.contype = 'c' AND k.conrelid <> 0
    FROM pg_catalog.pg_constraint AS k
    WHERE k.contype <> 'f'
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 'pg_class'::regclass, t.typrelid, false
    FROM pg_catalog.pg_type AS t
    WHERE t.typrelid <> 0
    UNION ALL
    SELECT
        'pg_type'::regclass, t.oid,
        CASE WHEN e.typrelid = 0 THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
        CASE WHEN e.typrelid = 0 THEN e.oid ELSE e.typrelid END,
        false
    FROM pg_catalog.pg_type AS t
    JOIN pg_catalog.pg_type AS e ON e.typarray = t.oid
    UNION ALL
    SELECT 'pg_type'::regclass, r.rngmultitypid, 'pg_type'::regclass, r.rngtypid, false
    FROM pg_catalog.pg_range AS r
)
SELECT DISTINCT
    coalesce(p.owner_class, d.classid)::bigint, coalesce(p.owner_id, d.objid),
    coalesce(r.owner_class, d.refclassid)::bigint, coalesce(r.owner_id, d.refobjid),
    coalesce(p.later, false)
FROM pg_catalog.pg_depend AS d
LEFT JOIN part AS p ON p.classid = d.classid AND p.objid = d.objid
LEFT JOIN part AS r ON r.classid = d.refclassid AND r.objid = d.refobjid
WHERE d.objid >= 16384 AND d.refobjid >= 16384    -- below are the server's own
  AND d.deptype IN ('n', 'a', 'i')
  AND NOT (d.deptype = 'a' AND EXISTS (SELECT FROM pg_catalog.pg_sequence AS s WHERE s.seqrelid = d.objid))

-- name: grants
-- Rights that differ from those that every object is born with, the owner's own left out: `added` or taken away.
WITH object AS (
    SELECT 'SCHEMA' AS kind, quote_ident(n.nspname) AS name, NULL AS part, n.nspowner AS owner,
        n.nspacl AS acl,
        coalesce(    -- schema public is born with a right for everybody
            (SELECT i.initprivs FROM pg_catalog.pg_init_privs AS i WHERE i.classoid = 'pg_namespace'::regclass AND i.objoid = n.oid),
            acldefault('n', n.nspowner)
        ) AS born
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = ANY(%(schemas)s::text[])
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%%I.%%I', n.nspname, c.relname), NULL, c.relowner,
        c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s::text[])
      AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS m
          WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid AND m.deptype = 'e'
      )
    UNION ALL
    SELECT 'TABLE', format('%%I.%%I', n.nspname, c.relname), quote_ident(a.attname), c.relowner,
        a.attacl, acldefault('c', c.relowner)
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(schemas)s::text[]) AND a.attacl IS NOT NULL AND NOT a.attisdropped
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS m
          WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid AND m.deptype = 'e'
      )
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
        format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), NULL, p.proowner,
        p.proacl, acldefault('f', p.proowner)
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY(%(schemas)s::text[])
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS m
          WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid AND m.deptype = 'e'
      )
    UNION ALL
    SELECT 'TYPE', format('%%I.%%I', n.nspname, t.typname), NULL, t.typowner, t.typacl, acldefault('T', t.typowner)
    FROM pg_catalog.pg_type AS t
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY(%(schemas)s::text[])
      AND t.typacl IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS m
          WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid AND m.deptype = 'e'
      )
), difference AS (
    SELECT o.kind, o.name, o.part, true AS added, o.owner, x.grantee, x.privilege_type, x.is_grantable
    FROM object AS o
    CROSS JOIN aclexplode(o.acl) AS x
    WHERE o.acl IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM aclexplode(o.born) AS b
          WHERE b.grantee = x.grantee AND b.privilege_type = x.privilege_type AND b.is_grantable = x.is_grantable
      )
    UNION ALL
    SELECT o.kind, o.name, o.part, false, o.owner, b.grantee, b.privilege_type, b.is_grantable
    FROM object AS o
    CROSS JOIN aclexplode(o.born) AS b
    WHERE o.acl IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM aclexplode(o.acl) AS x WHERE x.grantee = b.grantee AND x.privilege_type = b.privilege_type
      )
)
SELECT
    d.kind, d.name, d.part, d.added,
    CASE WHEN d.grantee = 0 THEN 'PUBLIC' ELSE (SELECT quote_ident(r.rolname) FROM pg_catalog.pg_roles AS r WHERE r.oid = d.grantee) END,
    array_agg(DISTINCT d.privilege_type ORDER BY d.privilege_type),
    d.is_grantable
FROM difference AS d
WHERE d.grantee <> d.owner
GROUP BY d.kind, d.name, d.part, d.added, d.grantee, d.is_grantable
ORDER BY d.kind, d.name, d.part, d.added, 5, d.is_grantable
