-- name: held
-- What the task of a run has kept, while that run holds it: one that was taken for dead must not write over the next.
SELECT queue_id, checkpoint
FROM executor.task_queue
WHERE run_id = %(run_id)s
FOR NO KEY UPDATE

-- name: keep
-- Keep a value under its key.
UPDATE executor.task_queue
SET checkpoint = checkpoint || jsonb_build_object(%(key)s::text, %(value)s::text)
WHERE queue_id = %(queue_id)s

-- name: of_run
-- What the task of a run, present or past, has kept.
SELECT task.checkpoint
FROM executor.run
JOIN executor.task_queue AS task USING (queue_id)
WHERE run.run_id = %(run_id)s

-- name: tell
-- Note how far a run says it is, while it holds its task.
UPDATE executor.task_queue
SET progress = %(progress)s
WHERE run_id = %(run_id)s
RETURNING queue_id
