-- A person's word on a task's priority: `priority` and `own_rank` are then theirs, and `file_rank` is what the file said.
-- It stands until the file's own priority changes. NULL: the priority is the file's.
ALTER TABLE executor.task_queue
    ADD COLUMN file_rank smallint,
    ADD CONSTRAINT file_rank_known CHECK (file_rank BETWEEN 0 AND 4);

-- migrate: down
ALTER TABLE executor.task_queue DROP COLUMN file_rank;
