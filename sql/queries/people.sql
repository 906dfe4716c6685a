-- name: approve
-- Let tasks go on that wait for a person: one that has not begun starts; work that is done counts, and where it stands
-- apart from the rest (`apart`) it is brought in first. An answer of somebody else than who is asked counts for nothing.
WITH target AS MATERIALIZED (
    SELECT task.queue_id, task.task_id,
        CASE
            WHEN task.status <> 'queued' THEN task.status
            WHEN executor.person_asked(task.spec, task.assignee) <> %(person)s::text
                THEN 'for @' || executor.person_asked(task.spec, task.assignee)
            WHEN task.review = 'asked'
                AND coalesce(task.spec #>> '{settings,workspace}', list.settings ->> 'workspace') = 'worktree' THEN 'apart'
            WHEN task.review = 'asked' THEN 'done'
            WHEN task.hold IS NULL THEN 'free'
            ELSE 'held'
        END AS was
    FROM executor.task_queue AS task
    JOIN executor.executor_state AS list USING (list_id)
    WHERE task.queue_id = ANY(%(queue_ids)s::bigint[])
    FOR NO KEY UPDATE OF task
), started AS (
    UPDATE executor.task_queue AS task
    SET approved_at = now(),
        review = CASE WHEN target.was = 'apart' THEN 'passed' END
    FROM target
    WHERE task.queue_id = target.queue_id AND target.was IN ('held', 'apart')
    RETURNING task.queue_id, task.list_id, target.was
), completed AS (
    UPDATE executor.task_queue AS task
    SET status = 'completed', completed_at = now(), review = NULL, approved_at = NULL, last_error = NULL
    FROM target
    WHERE task.queue_id = target.queue_id AND target.was = 'done'
    RETURNING task.queue_id, task.list_id
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.approved', %(actor)s, jsonb_build_object('for', was)
    FROM started
    UNION ALL
    SELECT list_id, queue_id, 'task.completed', %(actor)s,
        jsonb_build_object('was', 'queued', 'reason', 'approved by ' || %(actor)s)
    FROM completed
)
SELECT queue_id, task_id, was
FROM target

-- name: reject
-- A person's no. Work that is done is done again, with what they said as its last error, unless it is `final`; a task
-- that has not begun has failed.
WITH target AS MATERIALIZED (
    SELECT queue_id, task_id,
        CASE
            WHEN status <> 'queued' THEN status
            WHEN executor.person_asked(spec, assignee) <> %(person)s::text
                THEN 'for @' || executor.person_asked(spec, assignee)
            WHEN review = 'asked' THEN 'done'
            WHEN hold = 'person' THEN 'held'
            ELSE 'free'
        END AS was
    FROM executor.task_queue
    WHERE queue_id = ANY(%(queue_ids)s::bigint[])
    FOR NO KEY UPDATE
), again AS (
    UPDATE executor.task_queue AS task
    SET review = NULL,
        approved_at = now(),
        failures = 0,
        last_error = %(said)s::text,
        queued_at = now(),
        due_at = '-infinity'
    FROM target
    WHERE task.queue_id = target.queue_id AND target.was = 'done' AND NOT %(final)s::boolean
    RETURNING task.queue_id, task.list_id
), failed AS (
    UPDATE executor.task_queue AS task
    SET status = 'failed',
        completed_at = now(),
        review = NULL,
        approved_at = NULL,
        last_error = %(said)s::text
    FROM target
    WHERE task.queue_id = target.queue_id
      AND (target.was = 'held' OR (target.was = 'done' AND %(final)s::boolean))
    RETURNING task.queue_id, task.list_id
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.rejected', %(actor)s, jsonb_build_object('now', 'queued', 'text', %(said)s::text)
    FROM again
    UNION ALL
    SELECT list_id, queue_id, 'task.rejected', %(actor)s, jsonb_build_object('now', 'failed', 'text', %(said)s::text)
    FROM failed
)
SELECT queue_id, task_id, was
FROM target

-- name: note
-- Keep what a person adds for the next attempts of tasks.
WITH noted AS (
    UPDATE executor.task_queue AS task
    SET notes = task.notes || jsonb_build_array(jsonb_build_object(
        'at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'by', %(by)s::text, 'text', %(content)s::text
    ))
    WHERE queue_id = ANY(%(queue_ids)s::bigint[])
    RETURNING queue_id, task_id, list_id, status
), told AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.noted', %(actor)s, jsonb_build_object('text', %(content)s::text)
    FROM noted
)
SELECT queue_id, task_id, status AS was
FROM noted

-- name: ask
-- Note what waits for a person since the last look: from then on the time for an answer runs. A task that waits for
-- something else again is asked about anew. Only what the worker that looks would do counts, chosen as by `claim`.
WITH seen AS MATERIALIZED (
    SELECT queue_id, unmet = 0 AND NOT ready AS waits
    FROM executor.task_queue
    WHERE list_id = %(list_id)s
      AND status = 'queued'
      AND (hold IS NOT NULL OR review IS NOT NULL)
      AND removed_at IS NULL
      AND (%(only)s::bigint[] IS NULL OR queue_id = ANY(%(only)s::bigint[]))
      AND (%(tags)s::text[] IS NULL OR tags && %(tags)s::text[])
      AND (%(person)s::text IS NULL OR assignee IS NULL OR assignee = %(person)s::text)
      AND (asked_at IS NOT NULL AND unmet > 0 OR unmet = 0 AND NOT ready AND (asked_at IS NULL OR asked_at < queued_at))
    FOR NO KEY UPDATE SKIP LOCKED
), asked AS (
    UPDATE executor.task_queue AS task
    SET asked_at = CASE WHEN seen.waits THEN now() END
    FROM seen
    WHERE task.queue_id = seen.queue_id
    RETURNING task.queue_id, task.list_id, seen.waits, task.review, task.hold, task.runner,
        executor.person_asked(task.spec, task.assignee) AS who
)
INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
SELECT list_id, queue_id, 'task.waiting', %(actor)s,
    jsonb_strip_nulls(jsonb_build_object(
        'for', CASE
            WHEN review IS NOT NULL THEN 'review'
            WHEN hold = 'blocked' THEN 'mark'
            WHEN runner = 'manual' THEN 'work'
            ELSE 'approval'
        END,
        'who', who
    ))
FROM asked
WHERE waits

-- name: expire
-- Nobody answered in the time a gate gives: that is a no, and the task has failed. Blocked ones have no such time.
-- Chosen as by `ask`.
WITH overdue AS MATERIALIZED (
    SELECT task.queue_id,
        'nobody answered since ' || to_char(task.asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
            || ', which counts as rejected' AS said
    FROM executor.task_queue AS task
    JOIN executor.executor_state AS list USING (list_id)
    WHERE task.list_id = %(list_id)s
      AND task.status = 'queued'
      AND (task.hold IS NOT NULL OR task.review IS NOT NULL)
      AND (task.hold = 'person' OR task.review = 'asked')
      AND task.unmet = 0
      AND NOT task.ready
      AND task.removed_at IS NULL
      AND (%(only)s::bigint[] IS NULL OR task.queue_id = ANY(%(only)s::bigint[]))
      AND (%(tags)s::text[] IS NULL OR task.tags && %(tags)s::text[])
      AND (%(person)s::text IS NULL OR task.assignee IS NULL OR task.assignee = %(person)s::text)
      AND task.asked_at >= task.queued_at
      AND executor.answer_until(task.asked_at, task.spec, list.settings) <= now()
    FOR NO KEY UPDATE OF task SKIP LOCKED
), failed AS (
    UPDATE executor.task_queue AS task
    SET status = 'failed', completed_at = now(), review = NULL, last_error = overdue.said
    FROM overdue
    WHERE task.queue_id = overdue.queue_id
    RETURNING task.queue_id, task.list_id, task.task_id, task.last_error
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.rejected', %(actor)s, jsonb_build_object('now', 'failed', 'text', last_error)
    FROM failed
)
SELECT queue_id, task_id, last_error
FROM failed

-- name: waiting
-- What waits for a person and nothing else, in one list or in all, the longest first: all of it, what a worker would do,
-- or what may wait for whoever is `asked`.
SELECT list.task_list_path AS path, task.task_id, task.title,
    CASE
        WHEN task.review IS NOT NULL THEN 'review'
        WHEN task.hold = 'blocked' THEN 'mark'
        WHEN task.runner = 'manual' THEN 'work'
        ELSE 'approval'
    END AS wants,
    executor.person_asked(task.spec, task.assignee) AS who,
    task.attempts,
    CASE WHEN task.asked_at >= task.queued_at THEN task.asked_at END AS since,
    CASE WHEN task.asked_at >= task.queued_at AND (task.hold = 'person' OR task.review IS NOT NULL) THEN
        executor.answer_until(task.asked_at, task.spec, list.settings)
    END AS until
FROM executor.task_queue AS task
JOIN executor.executor_state AS list USING (list_id)
WHERE (%(list_id)s::bigint IS NULL OR task.list_id = %(list_id)s)
  AND task.status = 'queued'
  AND (task.hold IS NOT NULL OR task.review IS NOT NULL)
  AND task.unmet = 0
  AND NOT task.ready
  AND task.removed_at IS NULL
  AND (%(only)s::bigint[] IS NULL OR task.queue_id = ANY(%(only)s::bigint[]))
  AND (%(tags)s::text[] IS NULL OR task.tags && %(tags)s::text[])
  AND (%(person)s::text IS NULL OR task.assignee IS NULL OR task.assignee = %(person)s::text)
  AND (%(asked)s::text IS NULL
       OR coalesce(executor.person_asked(task.spec, task.assignee), %(asked)s::text) = %(asked)s::text)
ORDER BY task.asked_at NULLS LAST, list.task_list_path, task.rank, task.position
LIMIT %(limit)s
