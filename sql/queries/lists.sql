-- name: find
-- One list by its path, with the number of its live workers.
SELECT list_id, task_list_path AS path, title, dialect, sequential, settings, status, status_by, source_sha256, reader,
    synced_at, started_at, paused_at, stopped_at, created_at, held, host, reading, stop_reason,
    (
        SELECT count(*)
        FROM executor.worker_list
        JOIN executor.worker USING (worker_id)
        WHERE worker_list.list_id = executor_state.list_id AND lease_until >= now()
    )::integer AS workers
FROM executor.executor_state
WHERE task_list_path = %(path)s

-- name: with_work
-- Lists in which a worker of these labels could begin something: neither paused, nor stopped by a person, nor halted.
SELECT list.list_id, task_list_path AS path
FROM executor.executor_state AS list
WHERE list.status <> 'paused'
  AND NOT list.held
  AND (%(paths)s::text[] IS NULL OR task_list_path = ANY(%(paths)s::text[]))
  AND NOT list.list_id = ANY(%(serving)s::bigint[])
  AND EXISTS (
      SELECT
      FROM executor.task_queue
      WHERE task_queue.list_id = list.list_id
        AND ready
        AND due_at <= now()
        AND needs <@ %(labels)s::text[]
        AND (%(tags)s::text[] IS NULL OR tags && %(tags)s::text[])
        AND (%(person)s::text IS NULL OR assignee IS NULL OR assignee = %(person)s::text)
  )
  AND NOT (    -- as `wishes.choices` reads the settings
      (
          coalesce((list.settings ->> 'fail_fast')::boolean, false)
          OR (list.sequential AND NOT coalesce((list.settings ->> 'keep_going')::boolean, false))
      )
      AND EXISTS (
          SELECT
          FROM executor.task_queue
          WHERE task_queue.list_id = list.list_id AND status = 'failed' AND removed_at IS NULL
      )
  )
ORDER BY list.list_id

-- name: join
-- A worker takes a list up by itself: what a person paused or stopped stays so.
WITH begun AS (
    UPDATE executor.executor_state
    SET status = 'running', stop_now = false, status_by = %(actor)s, started_at = now(), stop_reason = NULL
    WHERE list_id = %(list_id)s AND status <> 'paused' AND NOT held
    RETURNING list_id
), noted AS (
    INSERT INTO executor.event (list_id, kind, actor, detail)
    SELECT list_id, 'list.started', %(actor)s, jsonb_build_object('jobs', %(jobs)s::integer)
    FROM begun
)
SELECT list_id
FROM begun

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
    SET status = 'running', stop_now = false, held = false, status_by = %(actor)s, started_at = now(),
        stop_reason = NULL
    WHERE list_id = %(list_id)s AND status <> 'paused'
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT list_id, 'list.started', %(actor)s, jsonb_build_object('jobs', %(jobs)s::integer)
FROM begun
RETURNING event_id

-- name: leave_one_by_one
-- Keep others from leaving this list until this transaction ends: of two that leave at once, one sees itself the last.
SELECT
FROM executor.executor_state
WHERE list_id = %(list_id)s
FOR NO KEY UPDATE

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
-- Lift a pause or a stop: running if workers are there to go on, stopped if not.
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
        held = false,
        stop_reason = NULL,
        status_by = %(actor)s
    WHERE list_id = %(list_id)s AND (status = 'paused' OR held)
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
        held = true,
        stopped_at = now(),
        status_by = %(actor)s
    WHERE list_id = %(list_id)s
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT list_id, 'list.stopped', %(actor)s, jsonb_build_object('now', %(now)s)
FROM changed
RETURNING event_id

-- name: halt
-- A worker stops a list for all of them, after what runs: only a person can mend what is in the way.
WITH changed AS (
    UPDATE executor.executor_state
    SET status = CASE WHEN status = 'paused' THEN 'paused' ELSE 'stopped' END,
        stop_now = false,
        held = true,
        stopped_at = now(),
        status_by = %(actor)s,
        stop_reason = %(reason)s
    WHERE list_id = %(list_id)s AND stop_reason IS DISTINCT FROM %(reason)s
    RETURNING list_id
)
INSERT INTO executor.event (list_id, kind, actor, detail)
SELECT list_id, 'list.stopped', %(actor)s, jsonb_build_object('now', false, 'why', %(reason)s::text)
FROM changed

-- name: record_file
-- Remember which bytes of the file the queue now agrees with, after a mark of ours changed them.
UPDATE executor.executor_state
SET source_sha256 = %(sha256)s
WHERE list_id = %(list_id)s

-- name: now
-- The clock that decides.
SELECT now()
