-- name: since
-- Events of a list after a cursor, in the order in which they became visible: a late commit is never missed.
-- Text of output events comes with them; a chunk is at most 64 KB.
SELECT event.event_id AS id, event.at, event.kind, list.task_list_path AS list, task.task_id AS task, event.attempt,
    event.actor,
    CASE
        WHEN event.kind = 'task.output' AND output.content IS NOT NULL THEN output.content
    END AS content,
    event.detail, event.xid::text::bigint AS xid
FROM executor.event
JOIN executor.executor_state AS list USING (list_id)
LEFT JOIN executor.task_queue AS task USING (queue_id)
LEFT JOIN executor.run_output AS output
    ON event.kind = 'task.output' AND output.run_id = event.run_id AND output.chunk = (event.detail ->> 'chunk')::integer
WHERE event.list_id = %(list_id)s
  AND (event.xid, event.event_id) > (%(xid)s::text::xid8, %(event_id)s)
  AND event.xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY event.xid, event.event_id
LIMIT 1000

-- name: cursor_of
-- The cursor just after an event, for `--since`.
SELECT xid::text::bigint AS xid, event_id
FROM executor.event
WHERE list_id = %(list_id)s AND event_id <= %(event_id)s
ORDER BY event_id DESC
LIMIT 1

-- name: newest
-- The cursor of now: everything visible later is new.
SELECT coalesce(max(xid::text::bigint), 0) AS xid, coalesce(max(event_id), 0) AS event_id
FROM executor.event
WHERE list_id = %(list_id)s AND xid < pg_snapshot_xmin(pg_current_snapshot())

-- name: output
-- Chunks of one run's output after a chunk, in order.
SELECT chunk, content
FROM executor.run_output
WHERE run_id = %(run_id)s AND chunk > %(after)s
ORDER BY chunk
LIMIT 100
