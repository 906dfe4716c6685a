-- name: present
-- What of the ledger exists already; asked instead of CREATE … IF NOT EXISTS, which refuses roles that need not create.
SELECT to_regnamespace('executor') IS NOT NULL AS has_schema, to_regclass('executor.migration') IS NOT NULL AS has_table

-- name: create_schema
-- Everything of ours lives here; two sets may come to create it at once.
CREATE SCHEMA IF NOT EXISTS executor

-- name: create_table
-- One row per migration, written in the transaction of what it did; it keeps the SQL, so that a lost file is not lost.
-- No identity column: a sequence left behind by a restore would block every run.
CREATE TABLE executor.migration (
    set_name text NOT NULL,    -- which folder: `executor` is the program's own
    scope text NOT NULL DEFAULT '',    -- which tenant's schema; empty is the database as a whole
    version bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL DEFAULT 'versioned',
    state text NOT NULL DEFAULT 'applied',    -- anything else only for files that run outside a transaction
    checksum text NOT NULL,
    up_sql text NOT NULL,
    down_sql text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    applied_by text NOT NULL DEFAULT session_user,
    tool text NOT NULL,
    error jsonb,
    schema_hash text,    -- fingerprint of the catalogue after this file
    CONSTRAINT migration_key PRIMARY KEY (set_name, scope, version, name),
    CONSTRAINT migration_kind_known CHECK (kind IN ('versioned', 'repeatable', 'baseline')),
    CONSTRAINT migration_state_known CHECK (state IN ('applied', 'running', 'failed')),
    CONSTRAINT finished_iff_applied CHECK ((state = 'applied') = (finished_at IS NOT NULL)),
    CONSTRAINT error_iff_failed CHECK ((state = 'failed') = (error IS NOT NULL))
)

-- name: create_version_index
-- A version is applied once whatever its name: the last word when two programs disagree about a file's name.
CREATE UNIQUE INDEX migration_version ON executor.migration (set_name, scope, version) WHERE kind <> 'repeatable'

-- name: applied
-- The history of a set, without its SQL.
SELECT version, name, checksum, finished_at
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = '' AND kind <> 'repeatable' AND state = 'applied'
ORDER BY version

-- name: versions
-- The versions applied in a set: all that a start of the program asks.
SELECT version
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = '' AND kind <> 'repeatable' AND state = 'applied'
ORDER BY version

-- name: applied_sql
-- What was run for some versions of a set, to show how their files changed since.
SELECT version, up_sql
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = '' AND kind <> 'repeatable' AND version = ANY(%(versions)s::bigint[])
ORDER BY version

-- name: since
-- What stands at a version or above it; read under the lock, to see whether somebody was faster.
SELECT coalesce(bool_or(version = %(version)s), false) AS taken, coalesce(max(version), 0) AS newest
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = '' AND kind <> 'repeatable' AND state = 'applied' AND version >= %(version)s

-- name: record
-- A migration was applied; now() is the moment its transaction began.
INSERT INTO executor.migration (set_name, version, name, checksum, up_sql, down_sql, started_at, finished_at, tool)
VALUES (
    %(set_name)s, %(version)s, %(name)s, %(checksum)s, %(up_sql)s, %(down_sql)s, now(), clock_timestamp(), %(tool)s
)

-- name: read_committed
-- First in the transaction: with an older snapshot the look under the lock would miss who was faster.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE

-- name: enter
-- Try for the lock of a set, and set for this transaction alone what a role's own settings must not change.
-- Never wait for the lock in the server: a waiter there and CREATE INDEX CONCURRENTLY deadlock.
SELECT
    pg_try_advisory_xact_lock(%(key)s::bigint) AS granted,
    set_config('application_name', %(application)s::text, true),
    set_config('lock_timeout', %(lock_timeout)s::text, true),
    set_config('statement_timeout', %(statement_timeout)s::text, true),
    set_config('idle_in_transaction_session_timeout', '60s', true),
    set_config('client_encoding', 'UTF8', true),    -- as the files are, wherever this program runs
    set_config('standard_conforming_strings', 'on', true),    -- the files were cut at their semicolons on this ground
    CASE    -- a server elsewhere may not be able to see that its client is gone, and refuses to try
        WHEN version() LIKE '%%linux%%' THEN set_config('client_connection_check_interval', '2s', true)
    END,
    CASE
        WHEN current_setting('server_version_num')::integer >= 170000 THEN set_config('transaction_timeout', '0', true)
    END

-- name: guard
-- Gone at the end if a file ended the transaction itself, however it managed to.
SAVEPOINT executor_guard

-- name: check_guard
-- Fails unless the transaction is still the one the file began in.
RELEASE SAVEPOINT executor_guard

-- name: check_constraints
-- Deferred constraints speak here, where their word still belongs to a file, and not at COMMIT.
SET CONSTRAINTS ALL IMMEDIATE

-- name: reset_user
-- A file may have become somebody else, who cannot write the ledger.
RESET SESSION AUTHORIZATION

-- name: reset_role
-- The same for SET ROLE.
RESET ROLE

-- name: reset_settings
-- What a file SET must not reach the next one: pg_dump begins with an empty search_path.
RESET ALL

-- name: holders_of_key
-- Who holds the lock of a set.
SELECT DISTINCT
    activity.pid, activity.usename AS user_name, activity.application_name AS application, activity.state,
    activity.query_start, activity.xact_start, activity.query
FROM pg_catalog.pg_locks AS held
JOIN pg_catalog.pg_stat_activity AS activity USING (pid)
WHERE held.locktype = 'advisory'
  AND held.granted
  AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND held.objsubid = 1    -- a key of one bigint, shown in two halves
  AND (held.classid::bigint << 32) | held.objid::bigint = %(key)s::bigint
ORDER BY activity.xact_start

-- name: holders_of_tables
-- Who holds locks on relations of these names, longest transaction first; after a lock timeout that is all to be learnt.
SELECT DISTINCT
    activity.pid, activity.usename AS user_name, activity.application_name AS application, activity.state,
    activity.query_start, activity.xact_start, activity.query
FROM pg_catalog.pg_locks AS held
JOIN pg_catalog.pg_class AS relation ON relation.oid = held.relation
JOIN pg_catalog.pg_stat_activity AS activity USING (pid)
WHERE held.granted
  AND held.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND relation.relname = ANY(%(names)s::text[])
  AND relation.relnamespace <> 'pg_catalog'::regnamespace
  AND held.pid <> pg_backend_pid()
ORDER BY activity.xact_start
LIMIT 5
