-- A turn of a worker pays for every rule that the server reads with its rows; the same rules, for less.

-- What a run is of comes from the row that its claim changes in the same statement, so looking it up again, and locking
-- it, would only cost. What went with the key: a task that is deleted takes its runs along.
ALTER TABLE executor.run DROP CONSTRAINT run_queue_id_fkey;
CREATE FUNCTION executor.forget_runs() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM executor.run USING gone WHERE run.queue_id = gone.queue_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION executor.forget_runs() IS 'Lets the runs of deleted tasks go with them';
CREATE TRIGGER forget_runs AFTER DELETE ON executor.task_queue
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION executor.forget_runs();

-- The table of legal moves, as first letters, which are all different: the server reads it anew in every statement that
-- moves a task. AFTER: a trigger before the change locks each row once more.
DROP TRIGGER legal_move ON executor.task_queue;
CREATE TRIGGER legal_move AFTER UPDATE OF status ON executor.task_queue
FOR EACH ROW WHEN (
    OLD.status <> NEW.status
    AND strpos('qr qc qf qs rc rf rq rs fq fs fc sq sc cq', left(OLD.status, 1) || left(NEW.status, 1)) = 0
) EXECUTE FUNCTION executor.refuse_move();

-- Rules about what only a file or a person says of a task. As CHECKs, each was read anew by every statement that changes
-- any column of a task, and half of a turn's rules were these; a trigger of its columns is not even looked at there.
CREATE FUNCTION executor.refuse_task() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'task % may not be so: %', NEW.task_id, TG_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION executor.refuse_task() IS 'Refuses a row, as the constraint of its trigger''s name';

ALTER TABLE executor.task_queue
    DROP CONSTRAINT task_priority_known,
    DROP CONSTRAINT task_rank_lent,
    DROP CONSTRAINT file_rank_known,
    DROP CONSTRAINT task_runner_known,
    DROP CONSTRAINT task_hold_known,
    DROP CONSTRAINT places_for_keys;
CREATE TRIGGER task_priority_known AFTER INSERT OR UPDATE OF priority, rank ON executor.task_queue
FOR EACH ROW WHEN (NOT (NEW.priority IN ('P1', 'P2', 'P3', 'P4') AND NEW.rank BETWEEN 0 AND 4))
EXECUTE FUNCTION executor.refuse_task();
CREATE TRIGGER task_rank_lent AFTER INSERT OR UPDATE OF rank, own_rank ON executor.task_queue
FOR EACH ROW WHEN (NOT (NEW.rank <= NEW.own_rank AND NEW.own_rank BETWEEN 0 AND 4))
EXECUTE FUNCTION executor.refuse_task();
CREATE TRIGGER file_rank_known AFTER INSERT OR UPDATE OF file_rank ON executor.task_queue
FOR EACH ROW WHEN (NOT (NEW.file_rank BETWEEN 0 AND 4))
EXECUTE FUNCTION executor.refuse_task();
CREATE TRIGGER task_runner_known AFTER INSERT OR UPDATE OF runner ON executor.task_queue
FOR EACH ROW WHEN (NOT (NEW.runner IN ('shell', 'manual', 'container', 'sql', 'migrate', 'agent')))
EXECUTE FUNCTION executor.refuse_task();
CREATE TRIGGER task_hold_known AFTER INSERT OR UPDATE OF hold ON executor.task_queue
FOR EACH ROW WHEN (NOT (NEW.hold IN ('person', 'blocked')))
EXECUTE FUNCTION executor.refuse_task();
CREATE TRIGGER places_for_keys AFTER INSERT OR UPDATE OF keys, places ON executor.task_queue
FOR EACH ROW WHEN (NOT (cardinality(NEW.keys) = cardinality(NEW.places)))
EXECUTE FUNCTION executor.refuse_task();

-- migrate: down
DROP TRIGGER task_priority_known ON executor.task_queue;
DROP TRIGGER task_rank_lent ON executor.task_queue;
DROP TRIGGER file_rank_known ON executor.task_queue;
DROP TRIGGER task_runner_known ON executor.task_queue;
DROP TRIGGER task_hold_known ON executor.task_queue;
DROP TRIGGER places_for_keys ON executor.task_queue;
DROP FUNCTION executor.refuse_task();
ALTER TABLE executor.task_queue
    ADD CONSTRAINT task_priority_known CHECK (priority IN ('P1', 'P2', 'P3', 'P4') AND rank BETWEEN 0 AND 4),
    ADD CONSTRAINT task_rank_lent CHECK (rank <= own_rank AND own_rank BETWEEN 0 AND 4),
    ADD CONSTRAINT file_rank_known CHECK (file_rank BETWEEN 0 AND 4),
    ADD CONSTRAINT task_runner_known CHECK (runner IN ('shell', 'manual', 'container', 'sql', 'migrate', 'agent')),
    ADD CONSTRAINT task_hold_known CHECK (hold IN ('person', 'blocked')),
    ADD CONSTRAINT places_for_keys CHECK (cardinality(keys) = cardinality(places));
DROP TRIGGER legal_move ON executor.task_queue;
CREATE TRIGGER legal_move BEFORE UPDATE OF status ON executor.task_queue
FOR EACH ROW WHEN (
    OLD.status <> NEW.status
    AND OLD.status || ' > ' || NEW.status NOT IN (
        'queued > running', 'queued > completed', 'queued > failed', 'queued > skipped',
        'running > completed', 'running > failed', 'running > queued', 'running > skipped',
        'failed > queued', 'failed > skipped', 'failed > completed',
        'skipped > queued', 'skipped > completed',
        'completed > queued'
    )
) EXECUTE FUNCTION executor.refuse_move();
DROP TRIGGER forget_runs ON executor.task_queue;
DROP FUNCTION executor.forget_runs();
DELETE FROM executor.run
WHERE NOT EXISTS (SELECT FROM executor.task_queue WHERE task_queue.queue_id = run.queue_id);
ALTER TABLE executor.run
    ADD CONSTRAINT run_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES executor.task_queue ON DELETE CASCADE;
