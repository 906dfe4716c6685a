-- name: known
-- What the queue holds of a list, removed tasks included, light enough to compare with a whole file.
SELECT queue_id, task_id, parent, title, description, section, priority, own_rank, rank, position,
    dependencies, tags, assignee, assigned_agent AS agent, runner, hold, needs, keys, places, fingerprint,
    file_rank, mark, status, status = 'completed' OR (status = 'skipped' AND skip_cause IS NULL) AS met, removed_at IS NOT NULL AS removed,
    coalesce((spec ->> 'explicit_id')::boolean, false) AS explicit_id
FROM executor.task_queue
WHERE list_id = %(list_id)s
ORDER BY position

-- name: rename
-- Give tasks the ids they have in the file now; their history stays theirs.
UPDATE executor.task_queue AS task
SET task_id = renamed.new_id
FROM unnest(%(old_ids)s::text[], %(new_ids)s::text[]) AS renamed (old_id, new_id)
WHERE task.list_id = %(list_id)s AND task.task_id = renamed.old_id

-- name: add
-- Enter new tasks with the state their marks tell; every one has its event.
WITH fresh AS (
    INSERT INTO executor.task_queue (
        list_id, task_list_path, task_id, parent, title, description, section, priority, own_rank, rank, position,
        dependencies, tags, assignee, assigned_agent, runner, hold, needs, keys, places, spec, fingerprint, mark, status,
        completed_at, skip_reason
    )
    SELECT %(list_id)s, %(path)s, task_id, parent, title, description, section, priority, own_rank, rank, position,
        dependencies, tags, assignee, agent, runner, hold, needs, keys, places, spec, fingerprint, mark, status,
        CASE WHEN status <> 'queued' THEN now() END,
        CASE WHEN status = 'skipped' THEN 'skipped in the file' END
    FROM json_to_recordset(%(rows)s::json) AS row (    -- as text: a jsonb of all rows costs as much again
        task_id text, parent text, title text, description text, section text[], priority text,
        own_rank smallint, rank smallint, position integer, dependencies text[], tags text[], assignee text, agent text,
        runner text, hold text, needs text[], keys text[], places integer[], spec jsonb, fingerprint text, mark text, status text
    )
    RETURNING queue_id, status, hold
)
INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
SELECT %(list_id)s::bigint, queue_id, 'task.added', %(actor)s::text, jsonb_build_object('status', status)
FROM fresh
UNION ALL
SELECT %(list_id)s::bigint, queue_id, 'task.blocked', %(actor)s::text, '{"reason": "marked as blocked in the file"}'::jsonb
FROM fresh
WHERE hold = 'blocked'

-- name: change
-- Bring tasks to what the file says of them now. Their states move by other statements.
WITH changed AS (
    UPDATE executor.task_queue AS task
    SET parent = row.parent,
        title = row.title,
        description = row.description,
        section = row.section,
        priority = row.priority,
        own_rank = row.own_rank,
        rank = row.rank,
        position = row.position,
        dependencies = row.dependencies,
        tags = row.tags,
        assignee = row.assignee,
        assigned_agent = row.agent,
        runner = row.runner,
        hold = row.hold,
        file_rank = row.file_rank,
        needs = row.needs,
        keys = row.keys,
        places = row.places,
        spec = row.spec,
        fingerprint = row.fingerprint,
        removed_at = NULL
    FROM json_to_recordset(%(rows)s::json) AS row (
        queue_id bigint, parent text, title text, description text, section text[], priority text,
        file_rank smallint, own_rank smallint, rank smallint, position integer, dependencies text[], tags text[], assignee text, agent text,
        runner text, hold text, needs text[], keys text[], places integer[], spec jsonb, fingerprint text, what text[]
    )
    WHERE task.queue_id = row.queue_id
    RETURNING task.queue_id, task.hold, row.what
)
INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
SELECT %(list_id)s::bigint, queue_id, 'task.changed', %(actor)s::text, jsonb_build_object('what', what)
FROM changed
WHERE what = '{}' OR NOT what <@ '{position,rank}'    -- what stands elsewhere changes these: no news of the task
UNION ALL
SELECT %(list_id)s::bigint, queue_id, 'task.blocked', %(actor)s::text, '{"reason": "marked as blocked in the file"}'::jsonb
FROM changed
WHERE hold = 'blocked' AND 'hold' = ANY(what)

-- name: remove
-- Keep tasks that left the file, out of everybody's way: they come back, with their history, when their lines do.
WITH removed AS (
    UPDATE executor.task_queue
    SET removed_at = now()
    WHERE queue_id = ANY(%(queue_ids)s::bigint[]) AND removed_at IS NULL
    RETURNING queue_id, status
)
INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
SELECT %(list_id)s, queue_id, 'task.removed', %(actor)s, jsonb_build_object('status', status)
FROM removed

-- name: link
-- Make the edges of a list those of the file.
WITH wanted AS MATERIALIZED (
    SELECT task.queue_id, needed.queue_id AS depends_on, min(edge.rule) AS rule
    FROM unnest(%(task_ids)s::text[], %(depends_on)s::text[], %(rules)s::text[]) AS edge (task_id, depends_on, rule)
    JOIN executor.task_queue AS task ON task.list_id = %(list_id)s AND task.task_id = edge.task_id
    JOIN executor.task_queue AS needed ON needed.list_id = %(list_id)s AND needed.task_id = edge.depends_on
    GROUP BY task.queue_id, needed.queue_id
), gone AS MATERIALIZED (    -- a set operation sorts or hashes; an anti-join against a CTE would be a nested loop
    SELECT edge.queue_id, edge.depends_on
    FROM executor.task_queue AS task
    JOIN executor.task_dependency AS edge USING (queue_id)
    WHERE task.list_id = %(list_id)s
    EXCEPT
    SELECT queue_id, depends_on
    FROM wanted
), dropped AS (
    DELETE FROM executor.task_dependency AS edge
    USING gone
    WHERE edge.depends_on = gone.depends_on AND edge.queue_id = gone.queue_id
)
INSERT INTO executor.task_dependency (queue_id, depends_on, rule)
SELECT queue_id, depends_on, rule
FROM wanted
ON CONFLICT DO NOTHING

-- name: revive
-- Queue again tasks that were skipped for a failure which no longer stands between them and their turn.
WITH RECURSIVE doomed AS (
    SELECT edge.queue_id
    FROM executor.task_queue AS failed
    JOIN executor.task_dependency AS edge ON edge.depends_on = failed.queue_id
    WHERE failed.list_id = %(list_id)s AND failed.status = 'failed' AND failed.removed_at IS NULL
    UNION
    SELECT edge.queue_id
    FROM doomed
    JOIN executor.task_queue AS via ON via.queue_id = doomed.queue_id
        AND (via.status = 'queued' OR (via.status = 'skipped' AND via.skip_cause IS NOT NULL))
    JOIN executor.task_dependency AS edge ON edge.depends_on = doomed.queue_id
), revived AS (
    UPDATE executor.task_queue AS task
    SET status = 'queued', completed_at = NULL, skip_cause = NULL, skip_reason = NULL, queued_at = now()
    WHERE task.list_id = %(list_id)s
      AND task.status = 'skipped'
      AND task.skip_cause IS NOT NULL
      AND (
          NOT EXISTS (SELECT FROM doomed WHERE doomed.queue_id = task.queue_id)
          OR NOT EXISTS (
              SELECT FROM executor.task_queue AS cause WHERE cause.queue_id = task.skip_cause AND cause.status = 'failed'
          )
      )
    RETURNING task.queue_id, task.task_id
), noted AS (
    INSERT INTO executor.event (list_id, queue_id, kind, actor, detail)
    SELECT %(list_id)s, queue_id, 'task.requeued', %(actor)s,
        jsonb_build_object('was', 'skipped', 'reason', 'what it depends on is no longer failed')
    FROM revived
)
SELECT queue_id, task_id
FROM revived

-- name: ranked
-- What is still to do of a list, with its place in the claim order.
SELECT queue_id, own_rank, rank
FROM executor.task_queue
WHERE list_id = %(list_id)s
  AND removed_at IS NULL
  AND status <> 'completed'
  AND (status <> 'skipped' OR skip_cause IS NOT NULL)
ORDER BY position

-- name: edges
-- Who waits for whom in a list.
SELECT edge.queue_id, edge.depends_on
FROM executor.task_queue AS task
JOIN executor.task_dependency AS edge USING (queue_id)
WHERE task.list_id = %(list_id)s

-- name: rerank
-- Give tasks the places in the claim order that what waits for them lends them now.
UPDATE executor.task_queue AS task
SET rank = lent.rank
FROM unnest(%(queue_ids)s::bigint[], %(ranks)s::smallint[]) AS lent (queue_id, rank)
WHERE task.queue_id = lent.queue_id

-- name: record
-- Note what was read, so that the same bytes need not be read again, and (`noted`) the sum of what changed.
WITH noted AS (
    INSERT INTO executor.event (list_id, kind, actor, detail)
    SELECT %(list_id)s, 'list.synced', %(actor)s, %(detail)s::jsonb
    WHERE %(noted)s::boolean
)
UPDATE executor.executor_state
SET title = %(title)s,
    description = %(description)s,
    dialect = %(dialect)s,
    sequential = %(sequential)s,
    settings = %(settings)s::jsonb,
    source_sha256 = %(sha256)s,
    reader = %(reader)s,
    reading = %(reading)s::jsonb,
    host = %(host)s,
    synced_at = now()
WHERE list_id = %(list_id)s
