-- name: find
-- One list by its path, with the number of its live workers.
SELECT list_id, task_list_path AS path, title, dialect, sequential, settings, status, status_by, source_sha256, reader,
    synced_at, started_at, paused_at, stopped_at,
    (
        SELECT count(*)
        FROM executor.worker_list
        JOIN executor.worker USING (worker_id)
        WHERE worker_list.list_id = executor_state.list_id AND lease_until >= now()
    )::integer AS workers
FROM executor.executor_state
WHERE task_list_path = %(path)s

-- name: create
-- Enter a list, or find the one another worker entered a moment ago.
INSERT INTO executor.executor_state (task_list_path)
VALUES (%(path)s)
ON CONFLICT (task_list_path) DO UPDATE SET task_list_path = excluded.task_list_path
RETURNING list_id

-- name: start
-- A worker begins: the list runs, unless a person paused it, which outlives every crash.
WITH begun AS (
    UPDATE executor.executor_state
    SET status = 'running', stop_now = false, status_by = %(actor)s, started_at = now()
    WHERE list_id = %(list_id)s AND status <> 'paused'
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT list_id, 'list.started', %(actor)s, jsonb_build_object('jobs', %(jobs)s::integer)
FROM begun
RETURNING event_id

-- name: finish
-- The last worker leaves a running list; its reason is in the event.
WITH ended AS (
    UPDATE executor.executor_state AS list
    SET status = 'stopped', stopped_at = now(), status_by = %(actor)s
    WHERE list.list_id = %(list_id)s
      AND list.status = 'running'
      AND NOT EXISTS (
          SELECT
          FROM executor.worker_list AS serving
          JOIN executor.worker USING (worker_id)
          WHERE serving.list_id = list.list_id AND worker_id <> %(worker_id)s AND lease_until >= now()
      )
    RETURNING list.list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT %(list_id)s, %(kind)s, %(actor)s, %(detail)s::jsonb

-- name: pause
-- No new claims from this commit on, by any worker, until `resume`.
WITH changed AS (
    UPDATE executor.executor_state
    SET status = 'paused', paused_at = now(), status_by = %(actor)s
    WHERE list_id = %(list_id)s AND status <> 'paused'
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor)
SELECT list_id, 'list.paused', %(actor)s
FROM changed
RETURNING event_id

-- name: resume
-- Lift a pause: running if workers are there to go on, stopped if not.
WITH changed AS (
    UPDATE executor.executor_state AS list
    SET status = CASE
            WHEN EXISTS (
                SELECT
                FROM executor.worker_list AS serving
                JOIN executor.worker USING (worker_id)
                WHERE serving.list_id = list.list_id AND lease_until >= now()
            ) THEN 'running'
            ELSE 'stopped'
        END,
        status_by = %(actor)s
    WHERE list_id = %(list_id)s AND status = 'paused'
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor)
SELECT list_id, 'list.resumed', %(actor)s
FROM changed
RETURNING event_id

-- name: stop
-- Ask every worker of a list to leave: after what runs, or (`now`) at once, queueing it again. Lifts no pause.
WITH changed AS (
    UPDATE executor.executor_state
    SET status = CASE WHEN status = 'paused' THEN 'paused' ELSE 'stopped' END,
        stop_now = %(now)s,
        stopped_at = now(),
        status_by = %(actor)s
    WHERE list_id = %(list_id)s
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT list_id, 'list.stopped', %(actor)s, jsonb_build_object('now', %(now)s)
FROM changed
RETURNING event_id

-- name: record_file
-- Remember which bytes of the file the queue now agrees with, after a mark of ours changed them.
UPDATE executor.executor_state
SET source_sha256 = %(sha256)s
WHERE list_id = %(list_id)s

-- name: now
-- The clock that decides.
SELECT now()
