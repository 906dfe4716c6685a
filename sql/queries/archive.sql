-- name: patient
-- No timeout that a role or a database sets may end a copy in its middle; which ones there are depends on the server.
SELECT set_config(name, '0', true)
FROM pg_catalog.pg_settings
WHERE name IN (
    'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout',
    'idle_session_timeout'
)

-- name: tables
-- The tables of the schema, each with what is copied and in which order. Transaction ids mean something on one server
-- only, and what is computed is computed again: neither is carried. `needs` are the tables its foreign keys point at.
SELECT
    c.relname AS name,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid
          AND a.attnum > 0
          AND NOT a.attisdropped
          AND a.attgenerated = ''
          AND a.atttypid <> 'xid8'::regtype
        ORDER BY a.attnum
    ) AS columns,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_index AS i
        CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = key.attnum
        WHERE i.indrelid = c.oid AND i.indisprimary
        ORDER BY key.place
    ) AS key,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attcollation <> 0
    ) AS collated,
    ARRAY(
        SELECT DISTINCT other.relname::text
        FROM pg_catalog.pg_constraint AS o
        JOIN pg_catalog.pg_class AS other ON other.oid = o.confrelid
        WHERE o.conrelid = c.oid AND o.contype = 'f' AND o.confrelid <> c.oid
    ) AS needs
FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = to_regnamespace('executor') AND c.relkind = 'r' AND c.relname <> ALL(%(without)s::text[])
ORDER BY c.relname

-- name: sequences
-- Where each sequence of the schema stands; NULL where it gave no number yet.
SELECT sequencename::text AS name, last_value
FROM pg_catalog.pg_sequences
WHERE schemaname = 'executor'
ORDER BY sequencename

-- name: set_sequence
-- Let a sequence go on behind a number.
SELECT setval(format('executor.%%I', %(name)s::text)::regclass, %(last)s::bigint)

-- name: moment
-- The moment of this snapshot, and the newest migration of our own schema in it.
SELECT now() AS made_at, coalesce(max(version), 0)::integer AS migration
FROM executor.migration
WHERE set_name = 'executor' AND scope = '' AND kind <> 'repeatable' AND state = 'applied'

-- name: has_schema
-- Whether there is a schema of ours, however empty.
SELECT to_regnamespace('executor') IS NOT NULL

-- name: has_queue
-- Whether our tables are there.
SELECT to_regclass('executor.executor_state') IS NOT NULL

-- name: has_ledger
-- Whether there is a history of migrations, which may be of users' own.
SELECT to_regclass('executor.migration') IS NOT NULL

-- name: lock_workers
-- Nobody enters as a worker until this transaction ends.
LOCK TABLE executor.worker IN EXCLUSIVE MODE

-- name: clear
-- Drop what is in our schema and leave the schema: its owner may not be allowed to make another.
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
            'executor', relname)
        FROM pg_catalog.pg_class
        WHERE relnamespace = 'executor'::regnamespace AND relkind IN ('r', 'p', 'v')
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure)
        FROM pg_catalog.pg_proc
        WHERE pronamespace = 'executor'::regnamespace
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$

-- name: contents
-- What would be lost: lists, tasks, files of users' migrations, and workers that are alive.
SELECT
    (SELECT count(*) FROM executor.executor_state)::integer AS lists,
    (SELECT count(*) FROM executor.task_queue)::integer AS tasks,
    (SELECT count(*) FROM executor.migration WHERE set_name <> 'executor')::integer AS migrations,
    (SELECT count(*) FROM executor.worker WHERE lease_until >= now())::integer AS workers

-- name: free_name
-- A name for the schema that makes room, by the moment at which it does.
SELECT concat('executor_before_', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD"t"HH24MISSMS'))

-- name: lists
-- Every list with the hash of its text as it was last read.
SELECT task_list_path AS path, source_sha256 AS sha256
FROM executor.executor_state
ORDER BY list_id

-- name: analyze
-- Let the planner know tables that were filled a moment ago.
ANALYZE executor.executor_state, executor.task_queue, executor.task_dependency, executor.run, executor.run_output,
    executor.event
