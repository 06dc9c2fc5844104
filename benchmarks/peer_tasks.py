"""The other side of the rows of tasks: FastMCP with fastmcp-tasks, in an environment of its own.

Each line of its input is `one N` or `many N`: N tasks one after the other, or all at once. Each
line of its output is the seconds that this took, from the call to the result, through its client.
"""

# pyright: basic, reportMissingImports=false
# fastmcp-tasks is in another environment, so nothing is known of its types here.
import asyncio
import sys
import time

from fastmcp import Client, FastMCP
from fastmcp_tasks import TasksExtension

server = FastMCP("theirs")
server.add_extension(TasksExtension())


@server.tool(task=True)
async def double(number: int) -> int:
    """The work: it costs nothing."""
    return number * 2


async def main() -> None:
    """Serve lines until the input ends."""
    async with Client(server, mode="auto") as client:

        async def task(number: int) -> None:
            result = await client.call_tool("double", {"number": number})
            if result.data != number * 2:
                raise AssertionError(result)

        await task(0)
        while line := await asyncio.to_thread(sys.stdin.readline):
            how, count = line.split()
            start = time.perf_counter()
            if how == "one":
                for number in range(int(count)):
                    await task(number)
            else:
                await asyncio.gather(*map(task, range(int(count))))
            print(time.perf_counter() - start, flush=True)


asyncio.run(main())
