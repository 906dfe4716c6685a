-- name: facts
-- What decides whether this server can be trusted with the queue, and how busy it is.
SELECT
    current_setting('fsync'),
    current_setting('synchronous_commit'),
    (
        SELECT max(now() - xact_start)
        FROM pg_stat_activity
        WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    ),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    current_setting('max_connections')::integer,
    (SELECT count(*) FROM executor.worker WHERE lease_until >= now()),
    (SELECT max(version) FROM executor.migration WHERE set_name = 'executor')
