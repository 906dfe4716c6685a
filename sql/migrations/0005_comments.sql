-- What the tables hold, for whoever meets them in psql; docs/reference/schema.md is printed from here.
COMMENT ON SCHEMA executor IS 'Everything of the executor: task lists, their runs, and the history of this schema';

COMMENT ON TABLE executor.executor_state IS 'A task list, and what people asked of it';
COMMENT ON COLUMN executor.executor_state.task_list_path IS 'The file as it was named, made absolute';
COMMENT ON COLUMN executor.executor_state.sequential IS 'Whether each task waits for the one before it';
COMMENT ON COLUMN executor.executor_state.stop_now IS 'Whether running tasks are ended too, and not waited for';
COMMENT ON COLUMN executor.executor_state.status_by IS 'Who asked for the present status';
COMMENT ON COLUMN executor.executor_state.synced_at IS 'When the file was last read into the queue';

COMMENT ON TABLE executor.worker IS 'A process at work';
COMMENT ON COLUMN executor.worker.boot_id IS 'With the pid namespace, tells whether its pid means anything on this machine';
COMMENT ON COLUMN executor.worker.pid_started IS 'When the process began, as a pid is given again';
COMMENT ON COLUMN executor.worker.lease_until IS 'Without a sign of life until then, its runs go to others';

COMMENT ON TABLE executor.worker_list IS 'Which lists a worker serves';

COMMENT ON TABLE executor.task_queue IS 'A task as it stands';
COMMENT ON COLUMN executor.task_queue.task_id IS 'Its id in the list';
COMMENT ON COLUMN executor.task_queue.parent IS 'The id of the task that it is a step of';
COMMENT ON COLUMN executor.task_queue.rank IS 'Its priority as a number, with the urgency of what waits for it; the least is claimed first';
COMMENT ON COLUMN executor.task_queue.position IS 'Its place in the file';
COMMENT ON COLUMN executor.task_queue.spec IS 'What is run, and how';
COMMENT ON COLUMN executor.task_queue.fingerprint IS 'A hash of what would make it another task if it changed';
COMMENT ON COLUMN executor.task_queue.mark IS 'The character in its box when the file was last read';
COMMENT ON COLUMN executor.task_queue.unmet IS 'How many dependencies are not completed';
COMMENT ON COLUMN executor.task_queue.hold IS 'Why it waits for a person';
COMMENT ON COLUMN executor.task_queue.due_at IS 'Not before then: the pause between two attempts';
COMMENT ON COLUMN executor.task_queue.failures IS 'Attempts that failed by themselves';
COMMENT ON COLUMN executor.task_queue.losses IS 'Attempts whose worker was lost';
COMMENT ON COLUMN executor.task_queue.run_id IS 'The run that has it now: the fence against workers that lost it';
COMMENT ON COLUMN executor.task_queue.wish IS 'What a person asked of it while it ran';
COMMENT ON COLUMN executor.task_queue.skip_cause IS 'The task whose failure skipped it';

COMMENT ON TABLE executor.task_dependency IS 'One task waits for another';
COMMENT ON COLUMN executor.task_dependency.rule IS 'What the edge comes from, where the file does not name it';

COMMENT ON TABLE executor.run IS 'One attempt at a task';
COMMENT ON COLUMN executor.run.worker IS 'The name of the worker, which outlives its row';

COMMENT ON TABLE executor.run_output IS 'What a run printed, up to 64 KB a row';

COMMENT ON TABLE executor.event IS 'One thing that happened; nothing is ever changed or deleted here';
COMMENT ON COLUMN executor.event.xid IS 'The transaction, so that readers can follow in the order of commits';
COMMENT ON COLUMN executor.event.actor IS 'Who did it';

COMMENT ON TABLE executor.migration IS 'One file that was applied, of this schema or of a user''s folder, with its SQL';
COMMENT ON COLUMN executor.migration.set_name IS 'Which folder; the executor''s own is `executor`';
COMMENT ON COLUMN executor.migration.scope IS 'Which tenant''s schema; empty for the database as a whole';

COMMENT ON VIEW executor.v_active_queue IS 'What is still to run';
