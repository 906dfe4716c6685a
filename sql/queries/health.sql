-- name: facts
-- What decides whether this server can be trusted with the queue, and how busy it is. Needs no right but to connect.
SELECT
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    pg_encoding_to_char(encoding) AS encoding,
    datcollate AS locale,
    current_setting('data_checksums') AS checksums,
    (SELECT count(*) FROM pg_stat_replication)::integer AS standbys,
    (SELECT count(*) FROM pg_replication_slots WHERE NOT active)::integer AS idle_slots,
    (SELECT max(now() - prepared) FROM pg_prepared_xacts WHERE database = current_database()) AS prepared,
    (
        SELECT max(now() - xact_start)
        FROM pg_stat_activity
        WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    ) AS oldest,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::integer AS connections,
    current_setting('max_connections')::integer AS connections_max,
    (
        SELECT jsonb_object_agg(name, setting::integer)
        FROM pg_settings
        WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
    ) AS timeouts,
    worst.dead_table,
    coalesce(worst.dead_rows, 0)::bigint AS dead_rows,
    coalesce(worst.live_rows, 0)::bigint AS live_rows,
    clock_timestamp() AS now
FROM pg_database
LEFT JOIN LATERAL (
    SELECT format('executor.%I', relname) AS dead_table, n_dead_tup AS dead_rows, n_live_tup AS live_rows
    FROM pg_stat_user_tables
    WHERE schemaname = 'executor'
    ORDER BY n_dead_tup DESC
    LIMIT 1
) AS worst ON true
WHERE datname = current_database()

-- name: schema
-- How far our schema is, and who is at work.
SELECT
    (SELECT max(version) FROM executor.migration WHERE set_name = 'executor')::integer AS newest,
    (SELECT count(*) FROM executor.worker WHERE lease_until >= now())::integer AS workers,
    (SELECT count(*) FROM executor.worker WHERE lease_until < now())::integer AS late

-- name: lists
-- Where each list was read last.
SELECT task_list_path, host
FROM executor.executor_state
ORDER BY list_id

-- name: session
-- The server's own number of this session.
SELECT pg_backend_pid()

-- name: set
-- Set something for this session.
SELECT set_config(%(name)s::text, %(value)s::text, false)

-- name: newest
-- The newest migration of our own schema, and the program that made it.
SELECT version, tool
FROM executor.migration
WHERE set_name = 'executor' AND scope = '' AND kind <> 'repeatable'
ORDER BY version DESC
LIMIT 1
