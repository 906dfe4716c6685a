-- name: begin
-- Open the transaction of a block or of one batch.
BEGIN

-- name: begin_reading
-- Open the transaction of a check, which changes nothing.
BEGIN READ ONLY

-- name: commit
-- Keep the statements and the row that tells of them, both or neither.
COMMIT

-- name: rollback
-- Keep nothing.
ROLLBACK

-- name: enter
-- Bound the waits of this transaction, and keep every other run of the block out: one taken for dead may still be at it.
SELECT
    set_config('lock_timeout', %(lock_timeout)s, true),
    set_config('statement_timeout', %(statement_timeout)s, true),
    pg_advisory_xact_lock(hashtextextended('executor.sql_block/' || %(turn)s, 0))

-- name: bound
-- Bound the waits of a check.
SELECT
    set_config('lock_timeout', %(lock_timeout)s, true),
    set_config('statement_timeout', %(statement_timeout)s, true)

-- name: is_kept
-- Whether this database can keep account of blocks already; asked so that roles that may create nothing can be used.
SELECT to_regclass('executor.sql_block') IS NOT NULL

-- name: keep_alone
-- Two runs may come to make the table at once.
SELECT pg_advisory_xact_lock(hashtextextended('executor.sql_block', 0))

-- name: create_schema
-- Everything of ours lives here.
CREATE SCHEMA IF NOT EXISTS executor

-- name: create_table
-- The table as our own schema has it, for a database that is not our own.
CREATE TABLE IF NOT EXISTS executor.sql_block (
    queue text NOT NULL,
    queue_id bigint NOT NULL,
    block integer NOT NULL,
    checksum text NOT NULL,
    run_id bigint NOT NULL,
    task_id text NOT NULL,
    done boolean NOT NULL,
    batches integer NOT NULL DEFAULT 0,
    batches_expected integer NOT NULL DEFAULT 0,
    last_key text,
    committed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sql_block_key PRIMARY KEY (queue, queue_id, block, checksum)
)

-- name: find
-- What an earlier run committed of a block; not what one committed before the task was last completed.
SELECT done, batches, batches_expected, last_key
FROM executor.sql_block
WHERE queue = %(queue)s AND queue_id = %(queue_id)s AND block = %(block)s AND checksum = %(checksum)s
  AND run_id > %(since)s

-- name: record
-- Tell what this transaction does of a block.
INSERT INTO executor.sql_block AS told (
    queue, queue_id, block, checksum, run_id, task_id, done, batches, batches_expected, last_key
) VALUES (
    %(queue)s, %(queue_id)s, %(block)s, %(checksum)s, %(run_id)s, %(task_id)s,
    %(done)s, %(batches)s, %(batches_expected)s, %(last_key)s
)
ON CONFLICT ON CONSTRAINT sql_block_key DO UPDATE
SET run_id = greatest(told.run_id, excluded.run_id),
    task_id = excluded.task_id,
    done = excluded.done,
    batches = excluded.batches,
    batches_expected = excluded.batches_expected,
    last_key = excluded.last_key,
    committed_at = now()

-- name: waiters
-- How many sessions wait for a lock that this one holds.
SELECT count(*)
FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
