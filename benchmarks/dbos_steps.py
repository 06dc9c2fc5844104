"""The other side of a row: a workflow of N steps in DBOS. Runs in an environment of its own.

Started with the path of a SQLite file; each line of its input is a number of steps, each line of
its output the seconds that a workflow of so many steps took.
"""

# pyright: basic, reportMissingImports=false
# DBOS is in another environment, so nothing is known of its types here.
import asyncio
import sys
import time

from dbos import DBOS, DBOSConfig


@DBOS.step()
async def double(number: int) -> int:
    """The step: it costs nothing."""
    return number * 2


@DBOS.workflow()
async def loop(steps: int) -> int:
    """One step after the other, each needing the one before."""
    total = 0
    for number in range(steps):
        total += await double(number)
    return total


async def main() -> None:
    """Serve lines until the input ends."""
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": f"sqlite:///{sys.argv[1]}",
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    for line in iter(sys.stdin.readline, ""):
        steps = int(line)
        start = time.perf_counter()
        result = await loop(steps)
        seconds = time.perf_counter() - start
        if result != steps * (steps - 1):
            raise AssertionError(result)
        print(seconds, flush=True)
    DBOS.destroy()


asyncio.run(main())
