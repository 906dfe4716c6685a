"""Jobs that do nothing, on PgQueuer: prints how many seconds it took to work them off.

Usage: URL JOBS BATCH
"""

import asyncio
import logging
import sys
import time

import asyncpg
from pgqueuer import PgQueuer, types
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries


async def main(url: str, jobs: int, batch: int) -> float:
    queries = Queries(AsyncpgDriver(await asyncpg.connect(url)))
    await queries.install()
    await queries.optimize_autovacuum()
    for start in range(0, jobs, 1000):
        size = min(1000, jobs - start)
        await queries.enqueue(["noop"] * size, [b""] * size, [0] * size)
    worker = PgQueuer(AsyncpgDriver(await asyncpg.connect(url)))

    @worker.entrypoint("noop")
    async def noop(job: object) -> None:
        return None

    began = time.perf_counter()
    await worker.run(batch_size=batch, mode=types.QueueExecutionMode.drain)
    return time.perf_counter() - began


logging.disable(logging.CRITICAL)
print(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
