"""The size of a parked run: in memory with its coroutine, and in either store."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

from mcp_types import ClientCapabilities, SamplingCapability

from benchmarks.measure import Effort
from benchmarks.rows import Goal, Row
from inverted import MemoryStore, Run, SQLiteStore
from inverted.carriers.ladder import Ladder
from inverted.carriers.rounds import Rounds
from inverted.core.effects import Json
from inverted.runtime import Runtime
from inverted.runtime.ports import Agent, Parked, RunInfo
from inverted.stores import Store

RUNS = 10_000


async def ask(run: Run, topic: str) -> str:
    """The agent: parked at its first question."""
    plan = await run.sample(f"Plan the work on {topic}.")
    return plan.text or ""


def _body(info: RunInfo, arguments: dict[str, Json], restored: Json) -> Any:
    return ask(Run(info, restored), **arguments)


AGENT = Agent("ask", _body, encode=lambda value: value)


async def _no_notice(payload: dict[str, Json]) -> None:
    """Nothing listens."""


async def _park(store: Store, runs: int, hot: int) -> int:
    """Bytes of Python memory that so many parked runs take."""
    runtime = Runtime(store, hot_runs=hot)
    client = ClientCapabilities(sampling=SamplingCapability())
    carrier = Ladder(Rounds("2026-07-28", client, _no_notice))
    # The first run pays for what all share.
    await runtime.begin(AGENT, {"topic": "warming up"}, carrier)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(runs):
            outcome = await runtime.begin(AGENT, {"topic": f"part {number}"}, carrier)
            assert isinstance(outcome, Parked)  # noqa: S101 # it asks something
            del outcome
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


def rows(effort: Effort) -> list[Row]:
    """Bytes of each run."""
    return asyncio.run(_measure(effort.of(RUNS)))


async def _measure(runs: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "runs.sqlite"
        # SQLite's own memory and file do not count here, so what is left is the hot run.
        store = SQLiteStore(path, synchronous="normal")
        hot = await _park(store, runs, hot=runs + 1)
        await store.aclose()
        in_file = path.stat().st_size
        in_memory = await _park(MemoryStore(), runs, hot=0)
    return [
        Row(
            f"{RUNS:,} parked runs",
            "bytes each",
            hot / runs,
            None,
            Goal("ours", at_most=4096),
            beside={
                "in the SQLite store (bytes each)": in_file / runs,
                "in the memory store (bytes each)": in_memory / runs,
            },
        )
    ]
