"""A journaled step on SQLite against one raw commit, and against a step of DBOS."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Literal

from benchmarks.measure import Effort, Figures, Side, in_turns
from benchmarks.peer import DBOS, Peer
from benchmarks.rows import Goal, Row, Value
from inverted import Run, SQLiteStore
from inverted.carriers.nobody import Nobody
from inverted.core.effects import Json
from inverted.runtime import Runtime
from inverted.runtime.ports import Agent, Ended, RunInfo

STEPS = 200
Synchronous = Literal["full", "normal"]
MODES: tuple[Synchronous, ...] = ("full", "normal")


async def double(number: int) -> int:
    """The step: it costs nothing, so what is left is the journal."""
    return number * 2


async def loop(run: Run, steps: int) -> int:
    """The agent: one step after the other, each needing the one before."""
    total = 0
    for number in range(steps):
        total += await run.step(double, number)
    return total


def _body(info: RunInfo, arguments: dict[str, Json], restored: Json) -> Any:
    return loop(Run(info, restored), **arguments)


AGENT = Agent("loop", _body, encode=lambda value: value)


class Ours:
    """A runtime on a SQLite file, without MCP around it."""

    def __init__(self, path: Path, synchronous: Synchronous) -> None:
        self.store = SQLiteStore(path, synchronous=synchronous)
        self._runtime = Runtime(self.store)

    async def per_step(self, steps: int) -> float:
        """Seconds per step of a whole run."""
        start = time.perf_counter()
        outcome = await self._runtime.begin(AGENT, {"steps": steps}, Nobody("it is a benchmark"))
        seconds = time.perf_counter() - start
        assert isinstance(outcome, Ended)  # noqa: S101 # nobody can be asked
        assert outcome.result == steps * (steps - 1), outcome  # noqa: S101
        return seconds / steps

    async def bytes_per_step(self, steps: int) -> int:
        """Journal bytes of one step: the size of the row that the raw commit writes."""
        await self.per_step(steps)
        (newest,) = await self.store.list(limit=1)
        return newest.size // steps


class Raw:
    """One table, one row and one commit at a time, through the same module `sqlite3`."""

    def __init__(self, path: Path, synchronous: Synchronous, row: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA synchronous = {synchronous}")
        self._connection.execute("CREATE TABLE lines (number INTEGER PRIMARY KEY, line BLOB)")
        self._line = b"x" * row

    async def per_commit(self, commits: int) -> float:
        """Seconds per commit."""
        execute = self._connection.execute
        start = time.perf_counter()
        for _ in range(commits):
            execute("BEGIN IMMEDIATE")
            execute("INSERT INTO lines (line) VALUES (?)", (self._line,))
            execute("COMMIT")
        return (time.perf_counter() - start) / commits

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def rows(effort: Effort) -> list[Row]:
    """Time per step against a raw commit, and against DBOS."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(effort, Path(directory)))


async def _measure(effort: Effort, directory: Path) -> list[Row]:
    steps = effort.of(STEPS)
    with ExitStack() as stack:
        sides: dict[str, Side] = {}
        for mode in MODES:
            ours = Ours(directory / f"ours-{mode}.sqlite", mode)
            raw = Raw(directory / f"raw-{mode}.sqlite", mode, await ours.bytes_per_step(steps))
            stack.callback(raw.close)
            sides[f"ours {mode}"] = partial(ours.per_step, steps)
            sides[f"raw {mode}"] = partial(raw.per_commit, steps)
        dbos, missing = Peer.started(
            DBOS,
            str(directory / "dbos.sqlite"),
            install=effort.size >= 1,
            directory=directory,
        )
        if dbos is not None:
            stack.callback(dbos.close)
            sides["dbos"] = partial(dbos.seconds_per, str(steps), steps)
        times = await in_turns(sides, effort.part(0.6))
    us = {name: times.median(name) * 1e6 for name in sides}
    return [
        Row(
            "journaled step on SQLite, against a raw commit",
            "us",
            us["ours full"],
            us["raw full"],
            Goal("ratio", at_most=1.5),
            times.spread("ours full", "raw full"),
            {
                "synchronous=normal (us)": us["ours normal"],
                "synchronous=normal, raw commit (us)": us["raw normal"],
                "synchronous=normal, ratio": us["ours normal"] / us["raw normal"],
            },
        ),
        _against_dbos(us, times, missing),
    ]


def _against_dbos(us: dict[str, float], times: Figures, missing: str) -> Row:
    beside: dict[str, Value] = {"not measured": missing} if missing else {}
    return Row(
        "journaled step on SQLite, against a DBOS step",
        "us",
        us["ours full"],
        us.get("dbos"),
        Goal("ratio", at_most=0.1),
        None if missing else times.spread("ours full", "dbos"),
        beside,
    )
