"""Jobs that do nothing, on Procrastinate: prints how many seconds it took to work them off.

Usage: URL JOBS CONCURRENCY
"""

import asyncio
import logging
import sys
import time

import procrastinate


async def main(url: str, jobs: int, concurrency: int) -> float:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, max_size=concurrency + 4))

    @app.task(queue="noop", name="noop")
    async def noop(number: int) -> None:
        return None

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for start in range(0, jobs, 1000):
            await noop.batch_defer_async(*({"number": number} for number in range(start, min(jobs, start + 1000))))
        began = time.perf_counter()
        await app.run_worker_async(
            wait=False, concurrency=concurrency, listen_notify=False, install_signal_handlers=False
        )
        return time.perf_counter() - began


logging.disable(logging.CRITICAL)
print(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
