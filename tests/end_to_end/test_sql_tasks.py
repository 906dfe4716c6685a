"""SQL blocks, folders of migrations and backfills as tasks: in another database, exactly once, whatever is killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import make
from tests.desk import Desk

ROWS = 400


class Shop:
    """The target: a database that is not the queue's."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        at = {"user": "", "port": "5432", **psycopg.conninfo.conninfo_to_dict(conninfo)}
        self.url = f"postgresql://{at['user']}@/{at['dbname']}?host={at['host']}&port={at['port']}"
        self.connection = psycopg.connect(conninfo, autocommit=True)

    def do(self, statement: str) -> None:
        self.connection.execute(statement.encode())

    def value(self, query: str) -> Any:
        row = self.connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    made = Shop(database)
    made.do("CREATE TABLE orders (id integer PRIMARY KEY, changed integer NOT NULL DEFAULT 0)")
    made.do(f"INSERT INTO orders (id) SELECT 3 * n FROM generate_series(1, {ROWS}) AS n")
    yield made
    made.connection.close()


def sql_task(run: str, *, words: str = "", **options: Any) -> str:
    text = make.task(run=run, language="sql", settings={"target": "SHOP_URL", **options.pop("settings", {})}, **options)
    return text.replace("```sql\n", f"```sql {words}\n", 1) if words else text


def run(desk: Desk, shop: Shop, *arguments: str, code: int = 0, **env: str) -> str:
    answer = desk.do("run", *arguments, env={"SHOP_URL": shop.url, **env})
    assert answer.code == code, answer.said
    return answer.said


def logs(desk: Desk, task_id: str = "A1") -> str:
    return desk.do("logs", task_id).said


BACKFILL = "UPDATE orders SET changed = changed + 1 WHERE id BETWEEN :from AND :to"


def test_a_block_runs_in_its_target_and_leaves_the_queue_alone(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("UPDATE orders SET changed = 7;\nSELECT 5 AS five;", id="A1")))
    run(desk, shop)
    said = logs(desk)
    assert f"UPDATE {ROWS}" in said
    assert "five\n" in said
    assert shop.value("SELECT min(changed) FROM orders") == 7
    assert desk.value("SELECT count(*) FROM executor.sql_block") == 0


def test_a_refused_statement_undoes_its_block_and_is_told_with_its_line(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("DELETE FROM orders;\n\nSELECT nothing\nFROM orders;", id="A1")))
    said = run(desk, shop, code=1)
    assert 'line 3 of the block: column "nothing" does not exist [42703]' in said
    assert shop.value("SELECT count(*) FROM orders") == ROWS


def test_no_database_is_chosen_by_accident(desk: Desk, shop: Shop):
    desk.write(make.document(make.task(run="SELECT 1", language="sql", settings={"target": "NOBODY"}, id="A1")))
    assert "target: NOBODY names an environment variable that is not set" in run(desk, shop, code=1)


def test_a_target_can_have_a_name_of_the_lists_own(desk: Desk, shop: Shop):
    desk.put("url", f"{shop.url}\n")
    names = {"shop": f"file:{desk.folder}/url", "other": "env:NOT_SET"}
    tasks = [
        make.task(run="UPDATE orders SET changed = 1", language="sql", settings={"target": "shop"}, id="A1"),
        make.task(run="SELECT 1", language="sql", settings={"target": "other"}, id="A2"),
    ]
    desk.write(make.document(*tasks, targets=names))
    assert "target: other is the environment variable NOT_SET, which is not set" in run(desk, shop, code=1)
    assert shop.value("SELECT min(changed) FROM orders") == 1


def test_the_queue_can_be_the_target_by_its_word(desk: Desk, shop: Shop):
    desk.write(make.document(make.task(run="SELECT 40 + 2", language="sql", settings={"target": "queue"}, id="A1")))
    run(desk, shop)
    assert "42\n" in logs(desk)
    assert desk.value("SELECT count(*) FROM executor.sql_block WHERE done") == 1


def test_a_password_is_not_shown(desk: Desk, shop: Shop):
    url = "postgresql://someone:hunter2secret@127.0.0.1:1/none"
    desk.write(make.document(sql_task("SELECT 1", id="A1", settings={"target": url})))
    said = run(desk, shop, code=1)
    assert "port 1 failed" in said
    assert "hunter2secret" not in said


@pytest.mark.parametrize(
    ("check", "code"),
    [("SELECT true FROM orders", 0), ("SELECT id > 3 FROM orders ORDER BY id DESC", 1), ("SELECT 1 WHERE false", 1)],
)
def test_a_check_passes_when_its_last_answer_is_true(desk: Desk, shop: Shop, check: str, code: int):
    desk.write(make.document(sql_task("UPDATE orders SET changed = 1", verify=check, id="A1")))
    said = run(desk, shop, code=code)
    assert ("the last answer has no row, or one whose first column is not true" in said) == bool(code)


def test_a_check_changes_nothing(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("SELECT 1", verify="DELETE FROM orders; SELECT true", id="A1")))
    assert "cannot execute DELETE in a read-only transaction" in run(desk, shop, code=1)


def test_a_block_that_committed_is_not_repeated_after_a_crash_before_the_record(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("UPDATE orders SET changed = changed + 1", id="A1")))
    run(desk, shop, code=-signal.SIGKILL, EXECUTOR_FAULT="exited-not-settled:kill")
    run(desk, shop)
    assert "committed by an earlier run; not repeated" in logs(desk)
    assert shop.value("SELECT max(changed) FROM orders") == 1


def test_a_retry_goes_on_behind_the_block_that_committed(desk: Desk, shop: Shop):
    task = sql_task("UPDATE orders SET changed = changed + 1", verify="SELECT count(*) = 0 FROM orders", id="A1")
    desk.write(make.document(task))
    run(desk, shop, code=1)
    shop.do("DELETE FROM orders WHERE id > 3")
    run(desk, shop, "--retry-failed", code=1)
    assert shop.value("SELECT max(changed) FROM orders") == 1


def test_a_task_that_was_completed_runs_anew_when_its_box_is_opened(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("UPDATE orders SET changed = changed + 1", id="A1")))
    run(desk, shop)
    desk.write(desk.read().replace("[x]", "[ ]"))
    run(desk, shop)
    assert shop.value("SELECT min(changed) FROM orders") == 2


def test_blocks_of_two_languages_run_in_their_order(desk: Desk, shop: Shop):
    both = sql_task("INSERT INTO orders SELECT 1 FROM pg_ls_dir('.') LIMIT 1", id="A1")
    desk.write(make.document(both + "  ```sh\n  touch behind\n  ```\n"))
    run(desk, shop)
    assert desk.exists("behind")


def test_a_statement_that_takes_too_long_is_ended_in_the_server(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("SELECT pg_sleep(600)", id="A1", settings={"timeout": "300ms"})))
    assert "ran longer than its timeout of 0.3 s" in run(desk, shop, code=1)
    assert desk.runs("A1") == ["timed_out"]
    desk.until(lambda: shop.value(SLEEPING) == 0, "an idle server")


SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"


def test_a_skipped_task_is_ended_in_the_server(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("SELECT pg_sleep(600)", id="A1")))
    running = desk.start("run", env={"SHOP_URL": shop.url})
    desk.until(lambda: shop.value(SLEEPING) == 1, "the statement")
    desk.do("skip", "A1")
    running.end()
    assert desk.status("A1") == "skipped"
    desk.until(lambda: shop.value(SLEEPING) == 0, "an idle server")


def test_a_lock_that_others_keep_is_waited_for_and_the_block_tried_again(desk: Desk, shop: Shop):
    text = "-- migrate: lock-timeout=100ms retries=30\nALTER TABLE orders ADD COLUMN note text"
    desk.write(make.document(sql_task(text, id="A1")))
    with psycopg.connect(shop.conninfo) as other:
        other.execute("SELECT count(*) FROM orders")
        running = desk.start("run", env={"SHOP_URL": shop.url})
        desk.until(lambda: "trying again" in logs(desk), "a refused try")
    assert running.end().code == 0
    assert shop.value("SELECT count(note) FROM orders") == 0


@pytest.mark.parametrize(
    "task",
    [
        sql_task(BACKFILL, words="{batch=150 key=id}", id="A1"),
        sql_task(BACKFILL, settings={"batch": "150 key: id"}, id="A1"),
        sql_task(BACKFILL, settings={"batch": 150, "key": "orders.id"}, id="A1"),
    ],
    ids=["attributes", "one line", "two settings"],
)
def test_a_backfill_goes_batch_by_batch(desk: Desk, shop: Shop, task: str):
    desk.write(make.document(task))
    run(desk, shop)
    said = logs(desk)
    assert "1 of 3 batches, 150 rows" in said
    assert "3 of 3 batches, 100 rows" in said
    assert shop.value("SELECT min(changed) + max(changed) FROM orders") == 2


def test_a_statement_of_a_killed_run_ends_and_the_next_run_does_it(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task("UPDATE orders SET changed = changed + 1;\nSELECT pg_sleep(600)", id="A1")))
    running = desk.start("run", env={"SHOP_URL": shop.url})
    desk.until(lambda: shop.value(SLEEPING) == 1, "the statement")
    running.process.kill()
    running.process.wait()
    desk.until(lambda: shop.value(SLEEPING) == 0, "an idle server", seconds=30)
    desk.write(desk.read().replace("pg_sleep(600)", "pg_sleep(0)"))
    run(desk, shop)
    assert shop.value("SELECT array_agg(DISTINCT changed)::text FROM orders") == "{1}"


def test_a_backfill_pauses_for_those_who_wait_for_its_locks(desk: Desk, shop: Shop):
    text = f"{BACKFILL};\nSELECT pg_sleep(0.5)"
    desk.write(make.document(sql_task(text, words="{batch=200 key=id}", id="A1")))
    running = desk.start("run", env={"SHOP_URL": shop.url})
    desk.until(
        lambda: shop.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == 1, "the first batch"
    )
    shop.do("UPDATE orders SET changed = changed + 10 WHERE id = 3")
    assert running.end().code == 0
    assert "1 waited for it, so a longer pause" in logs(desk)
    assert shop.value("SELECT changed FROM orders WHERE id = 3") == 11


@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_backfill_goes_on_with_the_batch_it_was_killed_in(desk: Desk, shop: Shop, kills: int):
    """Each start is killed in the middle of a batch of its own, by a check of how far it is."""
    desk.write(make.document(sql_task(f"{BACKFILL};\nSELECT pg_sleep(0.02)", words="{batch=10 key=id}", id="A1")))
    done = "SELECT coalesce(max(batches), 0) FROM executor.sql_block"
    for kill in range(1, kills + 1):
        running = desk.start("run", env={"SHOP_URL": shop.url})
        desk.until(lambda: shop.value("SELECT to_regclass('executor.sql_block') IS NOT NULL"), "the table")
        desk.until(lambda at=5 * kill: shop.value(done) >= at, "some batches")
        running.process.kill()
        running.process.wait()
    run(desk, shop)
    assert shop.value("SELECT array_agg(DISTINCT changed)::text FROM orders") == "{1}"
    assert shop.value("SELECT max(batches) FROM executor.sql_block") == ROWS / 10


def test_a_batch_that_was_not_committed_is_done_once_by_the_next_run(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task(BACKFILL, words="{batch=150 key=id}", id="A1")))
    run(desk, shop, code=-signal.SIGKILL, EXECUTOR_FAULT="batch-not-committed:kill")
    run(desk, shop)
    assert shop.value("SELECT array_agg(DISTINCT changed)::text FROM orders") == "{1}"


def test_a_finished_backfill_is_not_repeated_after_a_crash_before_the_record(desk: Desk, shop: Shop):
    desk.write(make.document(sql_task(BACKFILL, words="{batch=150 key=id}", id="A1")))
    run(desk, shop, code=-signal.SIGKILL, EXECUTOR_FAULT="exited-not-settled:kill")
    run(desk, shop)
    assert shop.value("SELECT array_agg(DISTINCT changed)::text FROM orders") == "{1}"


@pytest.mark.parametrize(
    ("text", "words", "problem"),
    [
        ("UPDATE orders SET changed = 1 -- up :to", "{batch=10 key=id}", "WHERE id BETWEEN :from AND :to"),
        (BACKFILL, "{batch=10 key=nothing}", 'column "nothing" does not exist'),
        ("SELECT :from, :to", "{batch=10 key=id}", "name the table with the key"),
        ("VACUUM orders", "", "cannot run in a transaction"),
        ("COMMIT", "", "COMMIT in a migration"),
    ],
)
def test_a_block_that_cannot_be_carried_out_says_why(desk: Desk, shop: Shop, text: str, words: str, problem: str):
    desk.write(make.document(sql_task(text, words=words, id="A1")))
    assert problem in run(desk, shop, code=1)


def test_a_folder_of_migrations_is_a_task(desk: Desk, shop: Shop):
    (desk.folder / "sql").mkdir()
    desk.put("sql/0001_colour.sql", "ALTER TABLE orders ADD COLUMN colour text;\n")
    desk.put(
        "sql/0002_index.sql", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY colours ON orders (colour);\n"
    )
    task = make.task(run=None, id="A1", settings={"migrate": "sql/", "target": "SHOP_URL"})
    desk.write(make.document(task, make.task(run=None, id="A2", settings={"migrate": "sql/", "target": "SHOP_URL"})))
    run(desk, shop)
    assert "0001_colour applied" in logs(desk)
    assert "nothing to do" in logs(desk, "A2")
    assert shop.value("SELECT count(*) FROM executor.migration") == 2


def test_a_migration_that_fails_is_the_failure_of_its_task(desk: Desk, shop: Shop):
    (desk.folder / "sql").mkdir()
    desk.put("sql/0001_colour.sql", "ALTER TABLE nowhere ADD COLUMN colour text;\n")
    desk.write(make.document(make.task(run=None, id="A1", settings={"migrate": "sql/", "target": "SHOP_URL"})))
    said = run(desk, shop, code=1)
    assert 'relation "nowhere" does not exist' in said
    assert desk.status("A1") == "failed"


def migrating(desk: Desk, **settings: object) -> None:
    """A list of one task, for a folder whose last file does not end by itself."""
    (desk.folder / "sql").mkdir()
    desk.put("sql/0001_log.sql", "CREATE TABLE log (version int); INSERT INTO log VALUES (1);\n")
    desk.put(
        "sql/0002_i.sql", "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON log (version);\n"
    )
    desk.put("sql/0003_slow.sql", "INSERT INTO log VALUES (3);\nSELECT pg_sleep(600);\n")
    desk.write(
        make.document(make.task(run=None, id="A1", settings={"migrate": "sql/", "target": "SHOP_URL"} | settings))
    )


def goes_on(desk: Desk, shop: Shop, *arguments: str) -> None:
    """The next run applies what is left, and nothing a second time."""
    desk.until(lambda: shop.value(SLEEPING) == 0, "an idle server", seconds=30)
    assert shop.value("SELECT array_agg(version)::text FROM log") == "{1}"
    desk.put("sql/0003_slow.sql", "INSERT INTO log VALUES (3);\n")
    run(desk, shop, *arguments)
    assert desk.status("A1") == "completed"
    assert shop.value("SELECT array_agg(version)::text FROM log") == "{1,3}"
    assert shop.value("SELECT array_agg(version ORDER BY version)::text FROM executor.migration") == "{1,2,3}"


def test_a_folder_whose_run_is_killed_goes_on_with_the_file_it_was_in(desk: Desk, shop: Shop):
    migrating(desk)
    running = desk.start("run", env={"SHOP_URL": shop.url})
    desk.until(lambda: shop.value(SLEEPING) == 1, "the last file")
    running.process.kill()
    running.process.wait()
    goes_on(desk, shop)


def test_a_folder_that_is_cancelled_is_ended_in_the_server_and_goes_on_when_it_is_queued_again(desk: Desk, shop: Shop):
    migrating(desk)
    running = desk.start("run", env={"SHOP_URL": shop.url})
    desk.until(lambda: shop.value(SLEEPING) == 1, "the last file")
    desk.do("skip", "A1")
    running.end()
    assert desk.status("A1") == "skipped"
    desk.do("requeue", "A1")
    goes_on(desk, shop)


def test_a_folder_that_takes_too_long_is_ended_in_the_server_and_goes_on_when_it_is_tried_again(desk: Desk, shop: Shop):
    migrating(desk, timeout="1500ms")
    assert "migrate ran longer than its timeout of 1.5 s" in run(desk, shop, code=1)
    assert desk.runs("A1") == ["timed_out"]
    goes_on(desk, shop, "--retry-failed")


def test_a_folder_that_waits_for_a_lock_is_cancelled_at_once(desk: Desk, shop: Shop):
    migrating(desk)
    desk.put(
        "sql/0003_slow.sql", "-- migrate: lock-timeout=50ms retries=50\nALTER TABLE orders ADD COLUMN note text;\n"
    )
    with psycopg.connect(shop.conninfo) as other:
        other.execute("SELECT count(*) FROM orders")
        running = desk.start("run", env={"SHOP_URL": shop.url})
        desk.until(lambda: logs(desk).count("tries again, a lock is taken") >= 4, "some tries", seconds=30)
        desk.do("skip", "A1")
        desk.until(lambda: desk.status("A1") == "skipped", "the end of the pause", seconds=3)
        running.end()
