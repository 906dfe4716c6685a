-- A task goes as early as the most urgent task that waits for it: `rank` is where it is claimed, `own_rank` what its
-- own priority says. The claim and its index stay as they are.
ALTER TABLE executor.task_queue ADD COLUMN own_rank smallint;
UPDATE executor.task_queue SET own_rank = rank;
ALTER TABLE executor.task_queue
    ALTER COLUMN own_rank SET NOT NULL,
    ADD CONSTRAINT task_rank_lent CHECK (rank <= own_rank AND own_rank BETWEEN 0 AND 4);
-- The next run compares every list once more, which lends the ranks.
UPDATE executor.executor_state SET source_sha256 = NULL;

-- migrate: down
UPDATE executor.task_queue SET rank = own_rank;
ALTER TABLE executor.task_queue DROP CONSTRAINT task_rank_lent, DROP COLUMN own_rank;
