"""Workflows that do nothing, on a queue of DBOS: prints how many seconds it took to work them off.

Usage: URL WORKFLOWS CONCURRENCY (0 is as many as it likes)
"""

import sys
import time

import psycopg
from dbos import DBOS, DBOSClient


def main(url: str, workflows: int, concurrency: int) -> float:
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "application_version": "v1"})

    @DBOS.workflow(name="noop")
    def noop(number: int) -> None:
        return None

    DBOS.launch()
    client = DBOSClient(system_database_url=url)
    for number in range(workflows):
        client.enqueue({"queue_name": "noop", "workflow_name": "noop", "app_version": "v1"}, number)
    began = time.perf_counter()
    DBOS.register_queue("noop", polling_interval_sec=0.1, worker_concurrency=concurrency or None)
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            row = connection.execute(
                "SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS' AND name = 'noop'"
            ).fetchone()
            if row and row[0] >= workflows:
                return time.perf_counter() - began
            time.sleep(0.05)


print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), flush=True)
DBOS.destroy()
