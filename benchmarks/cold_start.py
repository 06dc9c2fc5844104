"""From the start of a stdio server's process to its first list of tools."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from benchmarks.measure import Effort, Side, in_turns
from benchmarks.rows import Goal, Row

SERVERS: Final = Path(__file__).parent / "servers"
REVISION: Final = "2025-11-25"


class Server:
    """One of the two programs."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self._program = SERVERS / f"{name}.py"
        self._environment = environment
        self.processor: list[float] = []
        """Processor seconds of every start, its end included."""

    async def first_list(self) -> float:
        """Seconds until the answer to `tools/list` is read."""
        before = _processor_of_children()
        seconds = await asyncio.to_thread(_list_tools, self._program, self._environment)
        self.processor.append(_processor_of_children() - before)
        return seconds


def _processor_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _list_tools(program: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    with _python(str(program), environment=environment) as process:
        requests, replies = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

        def call(id: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
            message = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
            requests.write(json.dumps(message) + "\n")
            reply = json.loads(replies.readline())
            if reply.get("id") != id or "result" not in reply:
                raise AssertionError(f"{program.name} answered {method} with {reply}")
            return reply["result"]

        client = {"name": "benchmark", "version": "1"}
        call(
            1,
            "initialize",
            {"protocolVersion": REVISION, "capabilities": {}, "clientInfo": client},
        )
        requests.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        tools = call(2, "tools/list", {})["tools"]
        seconds = time.perf_counter() - start
        requests.close()
        process.wait(timeout=20)
    if "digest" not in [tool["name"] for tool in tools]:
        raise AssertionError(f"{program.name} lists {tools}")
    return seconds


async def _import(module: str, environment: dict[str, str]) -> float:
    """Seconds of one import, measured inside a new process."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"

    def once() -> float:
        with _python("-c", code, environment=environment) as process:
            output, _ = process.communicate(timeout=60)
        return float(output)

    return await asyncio.to_thread(once)


def _python(*arguments: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env=environment,
    )


def rows(effort: Effort) -> list[Row]:
    """Time to the first list; the processor's share and the imports beside."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "INVERTED_STORE": str(Path(directory) / "runs.sqlite")}
        agent, plain = Server("agent", environment), Server("plain", environment)
        sides: dict[str, Side] = {
            "agent": agent.first_list,
            "plain": plain.first_list,
            "import inverted": partial(_import, "inverted", environment),
            "import FastMCP": partial(_import, "fastmcp.server.server", environment),
        }
        times = asyncio.run(in_turns(sides, effort.part(0.4)))
    milliseconds = {name: times.median(name) * 1000 for name in sides}
    processor = statistics.median(agent.processor), statistics.median(plain.processor)
    return [
        Row(
            "cold start of a stdio server to its tools",
            "ms",
            milliseconds["agent"],
            milliseconds["plain"],
            Goal("ratio", at_most=1.10),
            times.spread("agent", "plain"),
            {
                "processor time (ms)": processor[0] * 1000,
                "processor time, theirs (ms)": processor[1] * 1000,
                "processor time, ratio": processor[0] / processor[1],
                "import inverted (ms)": milliseconds["import inverted"],
                "import fastmcp.server.server (ms)": milliseconds["import FastMCP"],
            },
        )
    ]
