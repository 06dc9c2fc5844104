"""From the start of a stdio server's process to its first list of tools."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from benchmarks.measure import Effort, in_turns
from benchmarks.rows import Goal, Row

ROOT: Final = Path(__file__).parent.parent
SERVERS: Final = Path(__file__).parent / "servers"
REVISION: Final = "2025-11-25"


async def _first_list(program: Path, environment: dict[str, str]) -> float:
    """Seconds until the answer to `tools/list` is read."""
    return await asyncio.to_thread(_list_tools, program, environment)


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
    if [tool["name"] for tool in tools] != ["digest"]:
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
    """Time to the first list; the imports beside."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            **os.environ,
            "PYTHONPATH": os.environ.get("SNAP", str(ROOT)),
            "INVERTED_STORE": str(Path(directory) / "runs.sqlite"),
        }
        sides: dict[str, Callable[[], Any]] = {
            "agent": partial(_first_list, SERVERS / "agent.py", environment),
            "plain": partial(_first_list, SERVERS / "plain.py", environment),
            "import inverted": partial(_import, "inverted", environment),
            "import fastmcp": partial(_import, "fastmcp", environment),
        }
        repetitions = max(1, effort.repetitions // 2)
        times = asyncio.run(in_turns(sides, repetitions, warm_up=1))
    milliseconds = {name: times.median(name) * 1000 for name in sides}
    return [
        Row(
            "cold start of a stdio server to its tools",
            "ms",
            milliseconds["agent"],
            milliseconds["plain"],
            Goal("ratio", at_most=1.10),
            times.spread("agent", "plain"),
            {
                "import inverted (ms)": milliseconds["import inverted"],
                "import fastmcp (ms)": milliseconds["import fastmcp"],
            },
        )
    ]
