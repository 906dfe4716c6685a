-- name: of_list
-- Every task of a list in file order, with the ids of what it still waits for.
SELECT task.queue_id, task.task_id, task.title, task.description, task.priority, task.section, task.status,
    task.position, task.dependencies, task.tags,
    CASE
        WHEN task.status = 'queued' AND task.unmet > 0 THEN ARRAY(
            SELECT needed.task_id
            FROM executor.task_dependency AS edge
            JOIN executor.task_queue AS needed ON needed.queue_id = edge.depends_on
            WHERE edge.queue_id = task.queue_id
              AND needed.removed_at IS NULL
              AND needed.status <> 'completed'
              AND (needed.status <> 'skipped' OR needed.skip_cause IS NOT NULL)
            ORDER BY needed.position
        )
        ELSE '{}'
    END AS blocked_by,
    task.unmet, task.hold, task.approved_at, task.runner, task.assignee, task.assigned_agent AS agent, task.attempts,
    task.last_error,
    task.last_error IS NOT NULL AND coalesce((    -- an end by a person or a crash is no failure
        SELECT run.status <> 'succeeded'
        FROM executor.run
        WHERE run.queue_id = task.queue_id AND run.status IN ('succeeded', 'failed', 'timed_out')
        ORDER BY run.run_id DESC
        LIMIT 1
    ), false) AS failed_before,
    task.skip_reason, task.due_at > now() AS backing_off,
    CASE WHEN task.status = 'queued' AND task.due_at > now() THEN task.due_at - now() END AS due_in, task.queued_at, task.started_at,
    task.completed_at, task.worker_id, worker.name AS worker, worker.lease_until - now() AS lease_left,
    task.review, task.notes, task.checkpoint, CASE WHEN task.status = 'running' THEN task.progress END AS progress,
    executor.person_asked(task.spec, task.assignee) AS asked,
    CASE WHEN task.asked_at >= task.queued_at THEN task.asked_at END AS asked_at,
    CASE WHEN task.asked_at >= task.queued_at THEN executor.answer_until(task.asked_at, task.spec, list.settings) END
        AS answer_until,
    CASE WHEN task.status = 'running' THEN now() - task.started_at END AS elapsed,
    CASE WHEN task.file_rank IS NOT NULL THEN 'P' || greatest(task.file_rank, 1) END AS file_priority,
    task.rank
FROM executor.task_queue AS task
JOIN executor.executor_state AS list USING (list_id)
LEFT JOIN executor.worker USING (worker_id)
WHERE task.list_id = %(list_id)s AND task.removed_at IS NULL
ORDER BY task.position

-- name: ids
-- Ids and titles of a list, to find the task a person means by a prefix.
SELECT queue_id, task_id, title, status
FROM executor.task_queue
WHERE list_id = %(list_id)s AND removed_at IS NULL
ORDER BY position

-- name: runs
-- Every run of a task, oldest first.
SELECT run_id, attempt, status, worker, started_at, ended_at, exit_code, signal, error, cpu_seconds, memory_bytes,
    (SELECT coalesce(sum(length(content)), 0) FROM executor.run_output WHERE run_output.run_id = run.run_id)::bigint
        AS output_bytes,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'bytes', bytes) ORDER BY name), '[]')
        FROM (
            SELECT name, sum(length(content))::bigint AS bytes
            FROM executor.artefact
            WHERE artefact.run_id = run.run_id
            GROUP BY name
        ) AS kept
    ) AS artefacts,
    agent, session, answer, tokens_in, tokens_out, tokens_cached, cost_usd::float8 AS cost_usd
FROM executor.run
WHERE queue_id = %(queue_id)s
ORDER BY run_id

-- name: skip
-- Skip tasks on a person's word: at once when they wait or failed, through their worker when they run.
WITH target AS MATERIALIZED (
    SELECT queue_id, task_id, status
    FROM executor.task_queue
    WHERE queue_id = ANY(%(queue_ids)s::bigint[])
    FOR NO KEY UPDATE
), wished AS (
    UPDATE executor.task_queue AS task
    SET wish = 'skip'
    FROM target
    WHERE task.queue_id = target.queue_id AND target.status = 'running'
), moved AS (
    UPDATE executor.task_queue AS task
    SET status = 'skipped', completed_at = now(), review = NULL, skip_cause = NULL, skip_reason = 'skipped by ' || %(actor)s
    FROM target
    WHERE task.queue_id = target.queue_id
      AND (target.status IN ('queued', 'failed') OR (target.status = 'skipped' AND task.skip_cause IS NOT NULL))
    RETURNING task.queue_id, task.list_id
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.skipped', %(actor)s, jsonb_build_object('reason', 'skipped by ' || %(actor)s)
    FROM moved
)
SELECT queue_id, task_id, status AS was
FROM target

-- name: requeue
-- Queue tasks again with all their attempts before them.
WITH target AS MATERIALIZED (
    SELECT queue_id, task_id, status
    FROM executor.task_queue
    WHERE queue_id = ANY(%(queue_ids)s::bigint[])
    FOR NO KEY UPDATE
), moved AS (
    UPDATE executor.task_queue AS task
    SET status = 'queued',
        completed_at = NULL,
        skip_cause = NULL,
        skip_reason = NULL,
        approved_at = NULL,
        review = NULL,
        checkpoint = CASE WHEN target.status = 'completed' THEN '{}' ELSE task.checkpoint END,    -- all of it anew
        failures = 0,
        losses = 0,
        queued_at = now(),
        due_at = '-infinity'
    FROM target
    WHERE task.queue_id = target.queue_id AND target.status IN ('completed', 'failed', 'skipped')
    RETURNING task.queue_id, task.list_id, target.status AS was
), hurried AS (
    UPDATE executor.task_queue AS task
    SET due_at = '-infinity', failures = 0
    FROM target
    WHERE task.queue_id = target.queue_id AND target.status = 'queued' AND task.due_at > now()
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.requeued', %(actor)s,
        jsonb_build_object('was', was, 'reason', %(reason)s::text)
    FROM moved
)
SELECT queue_id, task_id, status AS was
FROM target

-- name: complete
-- Count tasks as done on a person's word.
WITH target AS MATERIALIZED (
    SELECT queue_id, task_id, status
    FROM executor.task_queue
    WHERE queue_id = ANY(%(queue_ids)s::bigint[])
    FOR NO KEY UPDATE
), moved AS (
    UPDATE executor.task_queue AS task
    SET status = 'completed',
        completed_at = now(),
        review = NULL,
        skip_cause = NULL,
        skip_reason = NULL,
        last_error = NULL
    FROM target
    WHERE task.queue_id = target.queue_id AND target.status IN ('queued', 'failed', 'skipped')
    RETURNING task.queue_id, task.list_id, target.status AS was
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.completed', %(actor)s, jsonb_build_object('was', was, 'reason', %(reason)s::text)
    FROM moved
)
SELECT queue_id, task_id, status AS was
FROM target

-- name: prioritize
-- A person's word on how urgent tasks are. It stands until the file says something else than it says now; the same as
-- the file says takes it back. What they lend and are lent follows by `rerank`.
WITH target AS MATERIALIZED (
    SELECT queue_id, task_id, own_rank, priority, coalesce(file_rank, own_rank) AS said_in_file
    FROM executor.task_queue
    WHERE queue_id = ANY(%(queue_ids)s::bigint[])
    FOR NO KEY UPDATE
), moved AS (
    UPDATE executor.task_queue AS task
    SET own_rank = %(rank)s,
        rank = least(task.rank, %(rank)s::smallint),
        priority = 'P' || greatest(%(rank)s::integer, 1),
        file_rank = nullif(target.said_in_file, %(rank)s::smallint)
    FROM target
    WHERE task.queue_id = target.queue_id AND target.own_rank <> %(rank)s
    RETURNING task.queue_id, task.list_id, target.own_rank AS was
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT list_id, queue_id, 'task.changed', %(actor)s,
        jsonb_build_object('what', ARRAY['priority'], 'priority', 'P' || %(rank)s::integer, 'was', 'P' || was)
    FROM moved
)
SELECT queue_id, task_id, 'P' || own_rank AS was
FROM target

-- name: with_checks
-- Of these, the manual tasks that have verify blocks and are not over by a person's or their checks' word.
SELECT queue_id
FROM executor.task_queue
WHERE queue_id = ANY(%(queue_ids)s::bigint[])
  AND runner = 'manual'
  AND status IN ('queued', 'failed', 'skipped')
  AND spec @? '$.blocks[*] ? (@.role == "verify")'

-- name: dependents
-- All tasks that wait, at any distance, for these.
WITH RECURSIVE reached AS (
    SELECT edge.queue_id
    FROM executor.task_dependency AS edge
    WHERE edge.depends_on = ANY(%(queue_ids)s::bigint[])
    UNION
    SELECT edge.queue_id
    FROM reached
    JOIN executor.task_dependency AS edge ON edge.depends_on = reached.queue_id
)
SELECT task.queue_id, task.task_id, task.status, task.skip_cause IS NOT NULL AS skipped_with_cause
FROM reached
JOIN executor.task_queue AS task USING (queue_id)
WHERE task.removed_at IS NULL
ORDER BY task.position

-- name: failed
-- The failed tasks of a list, or of a choice of its tasks, oldest failure first.
SELECT queue_id, task_id
FROM executor.task_queue
WHERE list_id = %(list_id)s
  AND status = 'failed'
  AND removed_at IS NULL
  AND (%(only)s::bigint[] IS NULL OR queue_id = ANY(%(only)s::bigint[]))
ORDER BY completed_at

-- name: record_marks
-- Remember the marks that the file now shows: the base against which a person's next edit is seen.
UPDATE executor.task_queue AS task
SET mark = written.mark
FROM unnest(%(task_ids)s::text[], %(marks)s::text[]) AS written (task_id, mark)
WHERE task.list_id = %(list_id)s AND task.task_id = written.task_id AND task.mark <> written.mark

-- name: marks_due
-- Where the queue went on without the file: tasks whose mark there should change, and whether to a tick.
SELECT task_id, status = 'completed' AS ticked
FROM executor.task_queue
WHERE list_id = %(list_id)s
  AND removed_at IS NULL
  AND (
      (status = 'completed' AND mark <> 'completed')
      OR (status IN ('queued', 'failed') AND mark = 'completed')
  )

-- name: counts
-- How many tasks of a list, or of a choice of its tasks, stand where.
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE status = 'queued') AS queued,
    count(*) FILTER (WHERE status = 'running') AS running,
    count(*) FILTER (WHERE status = 'completed') AS completed,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'skipped') AS skipped,
    count(*) FILTER (WHERE status = 'queued' AND unmet > 0) AS blocked,
    count(*) FILTER (WHERE status = 'queued' AND unmet = 0 AND NOT ready) AS waiting,
    count(*) FILTER (WHERE status = 'skipped' AND skip_cause IS NOT NULL) AS missed
FROM executor.task_queue
WHERE list_id = %(list_id)s
  AND removed_at IS NULL
  AND (%(only)s::bigint[] IS NULL OR queue_id = ANY(%(only)s::bigint[]))

-- name: spent
-- What the runs of a list used: all of them, those of the last 24 hours, and those of each task that may run again.
WITH used AS MATERIALIZED (
    SELECT task.task_id, task.status, run.started_at, coalesce(run.cost_usd, 0) AS cost_usd,
        coalesce(run.tokens_in, 0) + coalesce(run.tokens_out, 0) AS tokens,
        extract(epoch FROM coalesce(run.ended_at, now()) - run.started_at) AS seconds
    FROM executor.task_queue AS task
    JOIN executor.run USING (queue_id)
    WHERE task.list_id = %(list_id)s AND task.runner <> 'container'
)
SELECT 'list' AS scope, NULL AS task_id, coalesce(sum(cost_usd), 0)::float8 AS cost_usd,
    coalesce(sum(tokens), 0)::bigint AS tokens, coalesce(sum(seconds), 0)::float8 AS seconds
FROM used
UNION ALL
SELECT 'day', NULL, coalesce(sum(cost_usd), 0)::float8, coalesce(sum(tokens), 0)::bigint,
    coalesce(sum(seconds), 0)::float8
FROM used
WHERE started_at > now() - interval '1 day'
UNION ALL
SELECT 'task', task_id, sum(cost_usd)::float8, sum(tokens)::bigint, sum(seconds)::float8
FROM used
WHERE status = 'queued'
GROUP BY task_id

-- name: costs
-- What agents used in a list, by task and agent, in the order of the file.
SELECT task.task_id, task.title, run.agent, count(*)::integer AS runs,
    coalesce(sum(run.tokens_in), 0)::bigint AS tokens_in, coalesce(sum(run.tokens_out), 0)::bigint AS tokens_out,
    coalesce(sum(run.tokens_cached), 0)::bigint AS tokens_cached, sum(run.cost_usd)::float8 AS cost_usd,
    coalesce(sum(extract(epoch FROM coalesce(run.ended_at, now()) - run.started_at)), 0)::float8 AS seconds
FROM executor.task_queue AS task
JOIN executor.run USING (queue_id)
WHERE task.list_id = %(list_id)s AND run.agent IS NOT NULL
GROUP BY task.queue_id, run.agent
ORDER BY task.position, run.agent

-- name: record
-- How the tasks of a list stand, by id: what their marks in the file may say.
SELECT task_id, status
FROM executor.task_queue
WHERE list_id = %(list_id)s AND removed_at IS NULL

-- name: pace
-- How long completed runs of a list took on average, by how they were carried out, for an estimate of the rest.
SELECT task_queue.runner, extract(epoch FROM avg(run.ended_at - run.started_at))::float8 AS mean
FROM executor.task_queue
JOIN executor.run USING (queue_id)
WHERE task_queue.list_id = %(list_id)s AND task_queue.runner <> 'container' AND run.status = 'succeeded'
GROUP BY task_queue.runner
