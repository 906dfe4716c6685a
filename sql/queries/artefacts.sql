-- name: sizes
-- What a run has kept so far, in bytes by name.
SELECT name, sum(length(content))::bigint AS bytes
FROM executor.artefact
WHERE run_id = %(run_id)s
GROUP BY name

-- name: drop
-- Let go of a file, for another of that name.
DELETE FROM executor.artefact
WHERE run_id = %(run_id)s AND name = %(name)s

-- name: add
-- Keep a piece of a file.
INSERT INTO executor.artefact (run_id, name, piece, content)
VALUES (%(run_id)s, %(name)s, %(piece)s, %(content)s)

-- name: newest
-- Which run of a task kept a file of this name last, in any attempt or in one.
SELECT run.run_id
FROM executor.run
WHERE run.queue_id = %(queue_id)s
  AND (%(attempt)s::integer IS NULL OR run.attempt = %(attempt)s::integer)
  AND EXISTS (SELECT FROM executor.artefact WHERE artefact.run_id = run.run_id AND artefact.name = %(name)s)
ORDER BY run.run_id DESC
LIMIT 1

-- name: names
-- The names of all files that the runs of a task have kept.
SELECT DISTINCT artefact.name
FROM executor.artefact
JOIN executor.run USING (run_id)
WHERE run.queue_id = %(queue_id)s
ORDER BY artefact.name

-- name: piece
-- A piece of a file.
SELECT content
FROM executor.artefact
WHERE run_id = %(run_id)s AND name = %(name)s AND piece = %(piece)s
