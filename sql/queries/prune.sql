-- name: tasks
-- The next thousand tasks of a list, by their keys.
SELECT queue_id
FROM executor.task_queue
WHERE list_id = %(list_id)s AND queue_id > %(after)s
ORDER BY queue_id
LIMIT 1000

-- name: spent_output
-- Of these tasks' runs, those whose output and artefacts are not kept: older than the last so many, or ended too long ago.
-- The last run of a task that is not done with keeps what it printed, for whoever mends it. What runs does not count.
SELECT run_id
FROM (
    SELECT run.run_id, run.ended_at, task.status,
        row_number() OVER (PARTITION BY run.queue_id ORDER BY run.run_id DESC) AS place
    FROM executor.run
    JOIN executor.task_queue AS task USING (queue_id)
    WHERE run.queue_id = ANY(%(queue_ids)s::bigint[]) AND run.ended_at IS NOT NULL
) AS attempt
WHERE (
    place > %(runs)s
    OR (ended_at < now() - %(output)s::interval AND (place > 1 OR status IN ('completed', 'skipped')))
)
  AND (
      EXISTS (SELECT FROM executor.run_output WHERE run_output.run_id = attempt.run_id)
      OR EXISTS (SELECT FROM executor.artefact WHERE artefact.run_id = attempt.run_id)
  )

-- name: output
-- Let go of some chunks of these runs, sixteen megabytes at most: a transaction that nobody has to wait for.
DELETE FROM executor.run_output
WHERE (run_id, chunk) IN (
    SELECT run_id, chunk
    FROM executor.run_output
    WHERE run_id = ANY(%(run_ids)s::bigint[])
    LIMIT 256
)

-- name: artefacts
-- Let go of one artefact of these runs, which is sixteen megabytes at most.
DELETE FROM executor.artefact
WHERE (run_id, name) = (
    SELECT run_id, name
    FROM executor.artefact
    WHERE run_id = ANY(%(run_ids)s::bigint[])
    LIMIT 1
)

-- name: runs
-- Let go of ended runs of these tasks beyond the last so many; their output and artefacts went before.
DELETE FROM executor.run
WHERE run_id IN (
    SELECT run_id
    FROM (
        SELECT run_id, row_number() OVER (PARTITION BY queue_id ORDER BY run_id DESC) AS place
        FROM executor.run
        WHERE queue_id = ANY(%(queue_ids)s::bigint[]) AND ended_at IS NOT NULL
    ) AS attempt
    WHERE place > %(runs)s
      AND NOT EXISTS (SELECT FROM executor.run_output WHERE run_output.run_id = attempt.run_id)
      AND NOT EXISTS (SELECT FROM executor.artefact WHERE artefact.run_id = attempt.run_id)
)

-- name: events
-- Let go of a list's events that are too old, among the next few thousand; where these end, and how many were old.
-- How a list last began and ended stays: a worker that comes back reads it.
WITH page AS MATERIALIZED (
    SELECT event_id, xid, at < now() - %(events)s::interval AS old, kind
    FROM executor.event
    WHERE list_id = %(list_id)s AND (xid, event_id) > (%(xid)s::text::xid8, %(event_id)s)
    ORDER BY xid, event_id
    LIMIT 5000
), gone AS (
    DELETE FROM executor.event
    WHERE event_id = ANY(ARRAY(
        SELECT event_id
        FROM page
        WHERE old AND kind NOT IN ('list.started', 'list.stopped', 'list.finished')
    ))
    RETURNING event_id
), last AS (
    SELECT xid, event_id
    FROM page
    ORDER BY xid DESC, event_id DESC
    LIMIT 1
)
SELECT xid::text::bigint AS xid, event_id, (SELECT count(*) FROM page WHERE old)::integer AS old,
    (SELECT count(*) FROM gone)::integer AS gone
FROM last

-- name: lists
-- Every list with what it says of how long things are kept.
SELECT list_id, task_list_path AS path, settings -> 'keep' AS keep
FROM executor.executor_state
WHERE %(list_id)s::bigint IS NULL OR list_id = %(list_id)s::bigint
ORDER BY list_id
