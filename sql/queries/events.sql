-- name: since
-- A page of the events of a list, or of all, after a cursor, in the order in which they became visible.
-- A late commit is never missed. With `text`, output events carry what was printed, and the page ends after a megabyte.
WITH page AS MATERIALIZED (
    SELECT event.xid, event.event_id, event.at, event.kind, event.run_id, event.queue_id, event.attempt, event.actor,
        event.detail, list.task_list_path,
        CASE WHEN event.kind = 'task.output' THEN (event.detail ->> 'chunk')::integer END AS chunk,
        coalesce(sum((event.detail ->> 'bytes')::bigint) FILTER (WHERE event.kind = 'task.output') OVER (
            ORDER BY event.xid, event.event_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS bytes_before
    FROM executor.executor_state AS list
    CROSS JOIN LATERAL (    -- each list's own next ones: the index begins with the list
        SELECT xid, event_id, at, kind, run_id, queue_id, attempt, actor, detail
        FROM executor.event
        WHERE event.list_id = list.list_id
          AND (event.xid, event.event_id) > (%(xid)s::text::xid8, %(event_id)s)
          AND event.xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY event.xid, event.event_id
        LIMIT 500
    ) AS event
    WHERE %(list_id)s::bigint IS NULL OR list.list_id = %(list_id)s::bigint
    ORDER BY event.xid, event.event_id
    LIMIT 500
)
SELECT page.event_id AS id, page.at, page.kind, page.task_list_path AS list, task.task_id AS task, page.attempt,
    page.actor, output.content, page.detail, page.xid::text::bigint AS xid
FROM page
LEFT JOIN executor.task_queue AS task USING (queue_id)
LEFT JOIN executor.run_output AS output
    ON %(text)s::boolean AND output.run_id = page.run_id AND output.chunk = page.chunk
WHERE NOT %(text)s::boolean OR page.bytes_before < 1048576
ORDER BY page.xid, page.event_id

-- name: cursor_of
-- The cursor just after an event.
SELECT xid::text::bigint AS xid, event_id
FROM executor.event
WHERE event_id = %(event_id)s

-- name: cursor_before
-- The cursor just before the first of a list's events, or of anybody's, that has a greater id: where the event asked
-- for is gone, some that came with it may come again, and none is missed.
SELECT event.xid::text::bigint AS xid, event.event_id - 1 AS event_id
FROM executor.executor_state AS list
CROSS JOIN LATERAL (
    SELECT xid, event_id
    FROM executor.event
    WHERE event.list_id = list.list_id AND event.event_id > %(event_id)s
    ORDER BY event.xid, event.event_id
    LIMIT 1
) AS event
WHERE %(list_id)s::bigint IS NULL OR list.list_id = %(list_id)s::bigint
ORDER BY event.xid, event.event_id
LIMIT 1

-- name: newest
-- The cursor of now: everything visible later is new.
SELECT event.xid::text::bigint AS xid, event.event_id
FROM executor.executor_state AS list
CROSS JOIN LATERAL (
    SELECT xid, event_id
    FROM executor.event
    WHERE event.list_id = list.list_id AND xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY event.xid DESC, event.event_id DESC
    LIMIT 1
) AS event
WHERE %(list_id)s::bigint IS NULL OR list.list_id = %(list_id)s::bigint
ORDER BY event.xid DESC, event.event_id DESC
LIMIT 1

-- name: output
-- The next chunks of one run's output, a megabyte at most, in order.
SELECT chunk, content
FROM executor.run_output
WHERE run_id = %(run_id)s AND chunk > %(after)s
ORDER BY chunk
LIMIT 16

-- name: attempts
-- How the run that is read stands, which run of the task comes after it, and whether more may be expected.
SELECT
    EXISTS (SELECT FROM executor.run WHERE run_id = %(run_id)s AND ended_at IS NULL) AS running,
    following.run_id AS next_run,
    following.attempt AS next_attempt,
    task.status IN ('queued', 'running')
        AND EXISTS (
            SELECT
            FROM executor.worker_list
            JOIN executor.worker USING (worker_id)
            WHERE worker_list.list_id = task.list_id AND lease_until >= now()
        ) AS goes_on
FROM executor.task_queue AS task
LEFT JOIN LATERAL (
    SELECT run_id, attempt
    FROM executor.run
    WHERE run.queue_id = task.queue_id AND run_id > %(run_id)s
    ORDER BY run_id
    LIMIT 1
) AS following ON true
WHERE task.queue_id = %(queue_id)s
