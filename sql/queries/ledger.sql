-- name: present
-- What of the ledger exists already; asked instead of CREATE … IF NOT EXISTS, which refuses roles that need not create.
SELECT
    to_regnamespace('executor') IS NOT NULL AS has_schema,
    CASE
        WHEN to_regclass('executor.migration') IS NULL THEN 0
        WHEN to_regclass('executor.migration_event') IS NULL THEN 1
        ELSE coalesce(substring(obj_description(to_regclass('executor.migration_event'), 'pg_class') FROM '\d+')::int, 2)
    END AS form

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

-- name: create_event_table
-- Form 2 of the ledger: what was done to the history other than applying, each with the row as it was before.
CREATE TABLE executor.migration_event (
    migration_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    set_name text NOT NULL,
    scope text NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    action text NOT NULL,
    row_before jsonb,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_by text NOT NULL DEFAULT session_user,
    tool text NOT NULL,
    CONSTRAINT migration_action_known CHECK (action IN ('undone', 'resolved', 'forgotten', 'blessed', 'baseline'))
)

-- name: create_schema_table
-- Form 3 of the ledger: the schema that the newest run left, so that drift can be told in words.
CREATE TABLE executor.migration_schema (
    scope text NOT NULL,
    schema_hash text NOT NULL,
    facts jsonb NOT NULL,
    CONSTRAINT migration_schema_key PRIMARY KEY (scope)
)

-- name: comment_schema_table
-- What it is for, as the schema page shows it.
COMMENT ON TABLE executor.migration_schema IS 'the schema as the newest run of a scope left it, thing by thing'

-- name: mark_form
-- The number by which later versions of the program know this form.
COMMENT ON TABLE executor.migration_event IS 'form 3 of the ledger: what was done to the history other than applying'

-- name: history
-- The history of a set, without its SQL.
SELECT version, name, checksum, finished_at, kind, state, started_at, error
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s
ORDER BY version, name

-- name: hashes
-- What every applied file said, as a hash of it; a repeatable one that is to run again has none.
SELECT
    version,
    CASE WHEN kind = 'repeatable' THEN name ELSE '' END,
    CASE
        WHEN state = 'applied' AND checksum <> ''
        THEN encode(sha256(convert_to(up_sql || coalesce('-- migrate: down' || down_sql, ''), 'UTF8')), 'hex')
    END
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s

-- name: versions
-- The versions applied in a set: all that a start of the program asks.
SELECT version
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = '' AND kind <> 'repeatable' AND state = 'applied'
ORDER BY version

-- name: applied_sql
-- What was run for some versions of a set, to show how their files changed since, or to undo them.
SELECT version, up_sql, down_sql
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s AND kind <> 'repeatable' AND version = ANY(%(versions)s::bigint[])
ORDER BY version

-- name: since
-- What stands at a version or above it; read under the lock, to see whether somebody was faster.
SELECT coalesce(bool_or(version = %(version)s), false) AS taken, coalesce(max(version), 0) AS newest
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s AND kind <> 'repeatable' AND state = 'applied'
  AND version >= %(version)s

-- name: above
-- The same where the version is to be the newest: any row is one too many.
SELECT true AS taken, version AS newest
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s AND kind <> 'repeatable' AND version >= %(version)s
  AND state = 'applied'
LIMIT 1

-- name: same
-- Whether a repeatable file was run already as it is now; read under the lock like `since`.
SELECT count(*) > 0 AS taken, 0::bigint AS newest
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s AND kind = 'repeatable' AND name = %(name)s
  AND checksum = %(checksum)s

-- name: untouched
-- What `since` would say of a history that is of no interest, without asking for a ledger.
SELECT false AS taken, 0::bigint AS newest

-- name: record
-- A migration was applied; now() is the moment its transaction began.
INSERT INTO executor.migration (
    set_name, scope, version, name, checksum, up_sql, down_sql, started_at, finished_at, tool, schema_hash
) VALUES (
    %(set_name)s, %(scope)s, %(version)s, %(name)s, %(checksum)s, %(up_sql)s, %(down_sql)s,
    now(), clock_timestamp(), %(tool)s, %(schema_hash)s
)

-- name: record_again
-- A repeatable file was run, for the first time or again.
INSERT INTO executor.migration (
    set_name, scope, version, name, kind, checksum, up_sql, started_at, finished_at, tool, schema_hash
) VALUES (
    %(set_name)s, %(scope)s, 0, %(name)s, 'repeatable', %(checksum)s, %(up_sql)s,
    now(), clock_timestamp(), %(tool)s, %(schema_hash)s
)
ON CONFLICT (set_name, scope, version, name) DO UPDATE
SET checksum = excluded.checksum, up_sql = excluded.up_sql, started_at = excluded.started_at,
    finished_at = excluded.finished_at, applied_by = DEFAULT, tool = excluded.tool, schema_hash = excluded.schema_hash

-- name: start
-- A file begins that runs outside a transaction; only a row that did not get to its end makes way.
INSERT INTO executor.migration (set_name, scope, version, name, state, checksum, up_sql, down_sql, started_at, tool)
VALUES (
    %(set_name)s, %(scope)s, %(version)s, %(name)s, 'running', %(checksum)s, %(up_sql)s, %(down_sql)s,
    clock_timestamp(), %(tool)s
)
ON CONFLICT (set_name, scope, version) WHERE kind <> 'repeatable' DO UPDATE
SET name = excluded.name, state = 'running', checksum = excluded.checksum, up_sql = excluded.up_sql,
    down_sql = excluded.down_sql, started_at = excluded.started_at, applied_by = DEFAULT, tool = excluded.tool,
    error = NULL
WHERE migration.state <> 'applied'

-- name: finish
-- A file that ran outside a transaction got to its end.
UPDATE executor.migration
SET state = 'applied', finished_at = clock_timestamp(), error = NULL, schema_hash = %(schema_hash)s
WHERE set_name = %(set_name)s AND scope = %(scope)s AND version = %(version)s AND kind <> 'repeatable'

-- name: fail
-- A file that runs outside a transaction stopped on its way, forwards or backwards.
UPDATE executor.migration
SET state = 'failed', finished_at = NULL, error = %(error)s
WHERE set_name = %(set_name)s AND scope = %(scope)s AND version = %(version)s AND kind <> 'repeatable'

-- name: unsettle
-- An applied file begins to be undone outside a transaction; half-way it is neither applied nor gone.
UPDATE executor.migration
SET state = 'running', finished_at = NULL, error = NULL
WHERE set_name = %(set_name)s AND scope = %(scope)s AND version = %(version)s AND kind <> 'repeatable'

-- name: remove
-- A migration was undone, or is to be forgotten; the row is kept among the events.
WITH gone AS (
    DELETE FROM executor.migration
    WHERE set_name = %(set_name)s AND scope = %(scope)s AND version = %(version)s AND kind <> 'repeatable'
    RETURNING *
)
INSERT INTO executor.migration_event (set_name, scope, version, name, action, row_before, tool)
SELECT set_name, scope, version, name, %(action)s, to_jsonb(gone), %(tool)s
FROM gone

-- name: settle
-- Somebody says that a file is applied as it is now, whatever the ledger said; the row before is kept among the events.
WITH before AS (
    SELECT *
    FROM executor.migration
    WHERE set_name = %(set_name)s AND scope = %(scope)s AND version = %(version)s AND kind <> 'repeatable'
), event AS (
    INSERT INTO executor.migration_event (set_name, scope, version, name, action, row_before, tool)
    VALUES (
        %(set_name)s, %(scope)s, %(version)s, %(name)s, %(action)s, (SELECT to_jsonb(before) FROM before), %(tool)s
    )
)
INSERT INTO executor.migration (
    set_name, scope, version, name, kind, checksum, up_sql, down_sql, started_at, finished_at, tool
) VALUES (
    %(set_name)s, %(scope)s, %(version)s, %(name)s, %(kind)s, %(checksum)s, %(up_sql)s, %(down_sql)s,
    now(), now(), %(tool)s
)
ON CONFLICT (set_name, scope, version) WHERE kind <> 'repeatable' DO UPDATE
SET name = excluded.name, state = 'applied', checksum = excluded.checksum, up_sql = excluded.up_sql,
    down_sql = excluded.down_sql, finished_at = coalesce(migration.finished_at, now()), error = NULL

-- name: repeat_all
-- After an undoing every repeatable file runs again: what it made may have gone with what it stood on.
UPDATE executor.migration
SET checksum = ''
WHERE set_name = %(set_name)s AND scope = %(scope)s AND kind = 'repeatable' AND checksum <> ''

-- name: remember_schema
-- The fingerprint of the schema after an undoing belongs to the newest file that stands.
UPDATE executor.migration
SET schema_hash = %(schema_hash)s
WHERE set_name = %(set_name)s AND scope = %(scope)s AND version = (
    SELECT max(version) FROM executor.migration
    WHERE set_name = %(set_name)s AND scope = %(scope)s AND kind <> 'repeatable'
)

-- name: keep_schema
-- The schema that a run leaves takes the place of what the run before it left.
INSERT INTO executor.migration_schema (scope, schema_hash, facts)
VALUES (%(scope)s, %(schema_hash)s, %(facts)s)
ON CONFLICT (scope) DO UPDATE
SET schema_hash = excluded.schema_hash, facts = excluded.facts
WHERE migration_schema.schema_hash <> excluded.schema_hash

-- name: kept_schema
-- The schema of a fingerprint, if it is the newest one.
SELECT facts
FROM executor.migration_schema
WHERE scope = %(scope)s AND schema_hash = %(schema_hash)s

-- name: remembered_schema
-- The newest fingerprint that a scope was left with, by whichever set: they share its tables.
SELECT schema_hash, set_name, version, name
FROM executor.migration
WHERE scope = %(scope)s AND (set_name = 'executor') = (%(set_name)s = 'executor') AND finished_at IS NOT NULL
ORDER BY finished_at DESC, version DESC
LIMIT 1

-- name: events
-- What was done to the history of a set other than applying, oldest first.
SELECT version, name, action, happened_at, done_by, tool
FROM executor.migration_event
WHERE set_name = %(set_name)s AND scope = %(scope)s
ORDER BY migration_event_id

-- name: begin
-- With an older snapshot than read committed takes, the look under the lock would miss who was faster.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE

-- name: commit
-- A file and its row become one fact.
COMMIT

-- name: commit_soon
-- The next COMMIT need not wait for the disk: another of this run follows, and the log is written in order.
SET LOCAL synchronous_commit = off

-- name: flush
-- A lock on a row is written to the log, so that the end of this waits until all commits before it are on disk.
SELECT version
FROM executor.migration
WHERE set_name = %(set_name)s AND scope = %(scope)s
ORDER BY version DESC
LIMIT 1
FOR NO KEY UPDATE

-- name: rollback
-- Nothing of it stays.
ROLLBACK

-- name: enter
-- Try for the lock of a set, and set for this transaction alone what a role's own settings must not change.
-- Never wait for the lock in the server: a waiter there and CREATE INDEX CONCURRENTLY deadlock.
SELECT
    pg_try_advisory_xact_lock(%(key)s::bigint) AS granted,
    set_config('application_name', %(application)s::text, true),
    set_config('lock_timeout', %(lock_timeout)s::text, true),
    set_config('statement_timeout', %(statement_timeout)s::text, true)

-- name: stay_idle
-- A role that bounds idle transactions would end ours between two journeys; SET costs a tenth of what SELECT does.
SET LOCAL idle_in_transaction_session_timeout = '60s'

-- name: speak_utf8
-- The files are UTF-8 wherever this program runs.
SET LOCAL client_encoding = 'UTF8'

-- name: speak_utf8_always
-- The same for the session.
SET client_encoding = 'UTF8'

-- name: keep_backslashes
-- The files were cut at their semicolons on this ground.
SET LOCAL standard_conforming_strings = on

-- name: miss_client
-- A server that is told nothing works on for a client that is gone; not every system lets it look.
SET LOCAL client_connection_check_interval = '2s'

-- name: take_time
-- Known to PostgreSQL 17 and newer.
SET LOCAL transaction_timeout = 0

-- name: can_miss_client
-- Whether the server can see that its client is gone; elsewhere it refuses to try.
SELECT version() LIKE '%%linux%%' AS can

-- name: enter_session
-- The same for a session, where a file runs outside a transaction; RESET ALL ends it.
SELECT
    set_config('application_name', %(application)s::text, false),
    set_config('statement_timeout', %(statement_timeout)s::text, false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('default_transaction_read_only', 'off', false),
    set_config('client_encoding', 'UTF8', false),
    set_config('standard_conforming_strings', 'on', false),
    CASE
        WHEN version() LIKE '%%linux%%' THEN set_config('client_connection_check_interval', '2s', false)
    END,
    CASE
        WHEN current_setting('server_version_num')::integer >= 170000 THEN set_config('transaction_timeout', '0', false)
    END

-- name: lock_timeout
-- How long the next statement outside a transaction may wait for a lock.
SELECT set_config('lock_timeout', %(lock_timeout)s::text, false)

-- name: settings
-- What the caller sets for the files: values they read with current_setting, a tenant's search_path, a role.
SELECT set_config(name, setting, %(local)s::boolean)
FROM unnest(%(names)s::text[], %(settings)s::text[]) WITH ORDINALITY AS given (name, setting, place)
ORDER BY place

-- name: try_session_lock
-- The lock of a set for as long as the session lasts, for files that run outside a transaction.
SELECT pg_try_advisory_lock(%(key)s::bigint) AS granted

-- name: session_number
-- Which session of the server this is.
SELECT pg_backend_pid()

-- name: session_unlock
-- The end of that.
SELECT pg_advisory_unlock(%(key)s::bigint)

-- name: has_schema
-- Whether a tenant's schema is there, by its name as the catalogue spells it.
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = %(name)s)

-- name: invalid_index
-- The command that drops an index of this name on this table if it is one that was never finished.
SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %%I.%%I', namespace.nspname, relation.relname)
FROM pg_catalog.pg_index AS index
JOIN pg_catalog.pg_class AS relation ON relation.oid = index.indexrelid
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = relation.relnamespace
WHERE relation.relname = %(name)s AND index.indrelid = to_regclass(%(table)s) AND NOT index.indisvalid

-- name: invalid_indexes
-- Every index that was never finished: the server keeps it up to date and never uses it.
SELECT format('%%I.%%I', namespace.nspname, relation.relname) AS name, index.indrelid::regclass::text AS table_name
FROM pg_catalog.pg_index AS index
JOIN pg_catalog.pg_class AS relation ON relation.oid = index.indexrelid
JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = relation.relnamespace
WHERE NOT index.indisvalid AND (%(scope)s = '' OR namespace.nspname = %(scope)s)
  AND NOT EXISTS (    -- one still being built by somebody is not left behind
      SELECT FROM pg_catalog.pg_stat_progress_create_index AS building WHERE building.index_relid = relation.oid
  )
ORDER BY name

-- name: known_relations
-- Every relation that others can see before a trial begins.
SELECT coalesce(array_agg(oid), '{}')
FROM pg_catalog.pg_class
WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)

-- name: own_locks
-- The locks that this transaction holds on relations that were there before it.
SELECT relation::regclass::text AS table_name, mode
FROM pg_catalog.pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND relation = ANY(%(known)s::oid[])
  AND relation <> coalesce(to_regclass('executor.migration'), 0)
ORDER BY table_name, mode

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
