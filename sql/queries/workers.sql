-- name: register
-- Enter a worker with its first lease.
INSERT INTO executor.worker (name, host, boot_id, pid_namespace, pid, pid_started, slots, labels, version, lease_until)
VALUES (
    %(name)s, %(host)s, %(boot_id)s, %(pid_namespace)s, %(pid)s, %(pid_started)s, %(slots)s, %(labels)s, %(version)s,
    now() + %(lease)s::interval
)
RETURNING worker_id

-- name: serve
-- A worker is at work on a list from now on.
INSERT INTO executor.worker_list (worker_id, list_id)
VALUES (%(worker_id)s, %(list_id)s)
ON CONFLICT DO NOTHING

-- name: unserve
-- A worker is through with a list; it may serve others.
DELETE FROM executor.worker_list
WHERE worker_id = %(worker_id)s AND list_id = %(list_id)s

-- name: renew
-- Prolong a worker's lease. No row: it was taken for dead, and its tasks belong to others now.
-- The process is named as well: in a database made anew or restored, the id may be another worker's.
UPDATE executor.worker
SET lease_until = now() + %(lease)s::interval
WHERE worker_id = %(worker_id)s AND pid = %(pid)s AND pid_started = %(pid_started)s
RETURNING worker_id

-- name: is_entered
-- Whether a worker that was away for a while is still on the books of this very database, with all its lists.
SELECT worker.worker_id
FROM executor.worker
WHERE worker.worker_id = %(worker_id)s
  AND worker.pid = %(pid)s
  AND worker.pid_started = %(pid_started)s
  AND (
      SELECT count(*)
      FROM executor.worker_list
      JOIN executor.executor_state USING (list_id)
      WHERE worker_list.worker_id = worker.worker_id AND task_list_path = ANY(%(list_paths)s::text[])
  ) = cardinality(%(list_paths)s::text[])

-- name: be_brief
-- Let the server end this transaction if its process freezes in the middle of it, for it holds rows that others need;
-- and find those by their indexes: for a list just loaded there are no statistics, and all of it would be read.
SELECT set_config('idle_in_transaction_session_timeout', '3s', true),
    set_config('enable_seqscan', 'off', true)

-- name: leave
-- Take a worker off the books; one that still holds runs loses them to `lose_runs`.
DELETE FROM executor.worker
WHERE worker_id = ANY(%(worker_ids)s::bigint[])

-- name: expire
-- Take off the books every worker whose lease has run out by the database's clock.
DELETE FROM executor.worker
WHERE lease_until < now()
RETURNING worker_id, name

-- name: of_host
-- Workers that ran on one host, to see which of their processes are gone.
SELECT worker_id, name, boot_id, pid_namespace, pid, pid_started, lease_until < now() AS lease_over
FROM executor.worker
WHERE host = %(host)s

-- name: lose_runs
-- Queue again every task whose worker has no row any more. Idempotent; safe beside live workers, whose rows exist.
WITH orphan AS MATERIALIZED (
    SELECT queue_id, run_id, worker_id
    FROM executor.task_queue AS task
    WHERE worker_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM executor.worker WHERE worker.worker_id = task.worker_id)
), moved AS (
    UPDATE executor.task_queue AS task
    SET status = CASE
            WHEN task.wish = 'skip' THEN 'skipped'
            WHEN task.losses >= %(losses_max)s THEN 'failed'
            ELSE 'queued'
        END,
        run_id = NULL,
        worker_id = NULL,
        wish = NULL,
        losses = task.losses + 1,
        last_error = 'the worker that ran it is gone',
        skip_reason = CASE WHEN task.wish = 'skip' THEN 'skipped by a person while it ran' END,
        review = CASE WHEN task.wish IS NULL AND task.losses < %(losses_max)s THEN task.review END,
        completed_at = CASE WHEN task.wish = 'skip' OR task.losses >= %(losses_max)s THEN now() END
    FROM orphan
    WHERE task.queue_id = ANY(ARRAY(SELECT queue_id FROM orphan))    -- an array, for the index
      AND task.queue_id = orphan.queue_id
      AND task.run_id = orphan.run_id    -- the fence: nobody claimed it meanwhile
    RETURNING task.queue_id, task.task_id, task.list_id, task.status, orphan.run_id
), closed AS (
    UPDATE executor.run
    SET status = 'lost', ended_at = now(), error = 'the worker that ran it is gone'
    FROM moved
    WHERE run.run_id = ANY(ARRAY(SELECT run_id FROM moved)) AND run.run_id = moved.run_id
    RETURNING run.run_id, run.attempt, run.worker
), waiting AS MATERIALIZED (    -- as in `settle`: a person's skip counts as met
    SELECT queue_id, count(*)::integer AS met
    FROM executor.task_dependency
    WHERE depends_on = ANY(ARRAY(SELECT queue_id FROM moved WHERE status = 'skipped'))
    GROUP BY queue_id
), freed AS (
    UPDATE executor.task_queue AS task
    SET unmet = greatest(task.unmet - waiting.met, 0)
    FROM waiting
    WHERE task.queue_id = ANY(ARRAY(SELECT queue_id FROM waiting)) AND task.queue_id = waiting.queue_id
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, run_id, attempt, kind, actor, detail)
    SELECT moved.list_id, moved.queue_id, moved.run_id, closed.attempt, 'task.lost', %(actor)s,
        jsonb_build_object('worker', closed.worker, 'now', moved.status)
    FROM moved
    JOIN closed USING (run_id)
)
SELECT queue_id, task_id, list_id, status, run_id
FROM moved

-- name: of_list
-- The workers of a list that are alive by their lease.
SELECT worker_id, name, host, pid, slots, started_at, lease_until - now() AS lease_left
FROM executor.worker_list
JOIN executor.worker USING (worker_id)
WHERE worker_list.list_id = %(list_id)s AND lease_until >= now()
ORDER BY worker_id

-- name: all
-- Every worker on the books, with the lists it serves and the runs it has.
SELECT worker_id, name, host, boot_id, pid_namespace, pid, pid_started, slots, labels, draining, version, started_at,
    lease_until - now() AS lease_left,
    ARRAY(
        SELECT task_list_path
        FROM executor.worker_list
        JOIN executor.executor_state USING (list_id)
        WHERE worker_list.worker_id = worker.worker_id
        ORDER BY task_list_path
    ) AS lists,
    (SELECT count(*) FROM executor.task_queue WHERE task_queue.worker_id = worker.worker_id)::integer AS running
FROM executor.worker
ORDER BY worker_id

-- name: drain
-- Let workers finish what they run and leave.
UPDATE executor.worker
SET draining = true
WHERE worker_id = ANY(%(worker_ids)s::bigint[])
RETURNING worker_id

-- name: is_draining
-- Was this worker asked to leave? Nothing when it is off the books.
SELECT draining
FROM executor.worker
WHERE worker_id = %(worker_id)s

-- name: reopen
-- A worker that was taken for dead is back: its list runs again, if it was only the others' leaving that stopped it.
WITH last AS (
    SELECT detail ->> 'reason' AS reason
    FROM executor.event
    WHERE list_id = %(list_id)s AND kind IN ('list.started', 'list.stopped', 'list.finished')
    ORDER BY xid DESC, event_id DESC
    LIMIT 1
), begun AS (
    UPDATE executor.executor_state AS list
    SET status = 'running', status_by = %(actor)s
    FROM last
    WHERE list.list_id = %(list_id)s
      AND list.status = 'stopped'
      -- A person's word wins: theirs has no reason, or the first of these in its followers. The others wait for one.
      AND last.reason NOT IN ('stopped', 'refused', 'spent')
    RETURNING list.list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT list_id, 'list.started', %(actor)s, jsonb_build_object('jobs', %(jobs)s::integer)
FROM begun
