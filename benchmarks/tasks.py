"""Tasks: from the call to the result, against fastmcp-tasks; a poll among many; an idle server."""

from __future__ import annotations

import asyncio
import resource
import secrets
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastmcp import Client

from benchmarks.load import KEY
from benchmarks.measure import Effort, Figures, Side, in_turns
from benchmarks.peer import FASTMCP_TASKS, Peer
from benchmarks.rows import Goal, Row, Value
from inverted import AgentServer, MemoryStore, Run, SQLiteStore
from inverted.client import TasksExtension
from inverted.runtime.tasks import TaskInfo, TaskSettings
from inverted.stores import Store

ONE_BY_ONE = 20
AT_ONCE = 200
FEW = 100
MANY = 100_000
IDLE = 10_000
IDLE_SECONDS = 10.0
SETTINGS = TaskSettings(concurrent=None)
INFO = TaskInfo("2026-07-28", "2026-07-28", ["elicitation.form"])


def task_server(store: Store) -> AgentServer:
    """A server with an agent that costs nothing and one that waits for a person."""
    server = AgentServer("ours", store=store, keys=[KEY], tasks=SETTINGS)

    @server.agent(task="always")
    async def double(run: Run, number: int) -> int:  # noqa: ARG001 # that makes it an agent
        return number * 2

    @server.agent(task="always")
    async def wait(run: Run) -> bool:
        return (await run.elicit("Go on?", response_type=bool)).action == "accept"

    return server


class Ours:
    """A client of our server, in this process."""

    def __init__(self, client: Client[Any]) -> None:
        self._client = client

    @classmethod
    @asynccontextmanager
    async def connected(cls, store: Store) -> AsyncGenerator[Ours]:
        """A server on this store, and its client."""
        client = Client(task_server(store), mode="auto", extensions=[TasksExtension()])
        async with client:
            yield cls(client)

    async def one(self, number: int) -> None:
        """One task, to its result."""
        result = await self._client.call_tool("double", {"number": number})
        if result.data != number * 2:
            raise AssertionError(result)

    async def one_by_one(self, count: int) -> float:
        """Seconds of a task, one after the other."""
        start = time.perf_counter()
        for number in range(count):
            await self.one(number)
        return (time.perf_counter() - start) / count

    async def at_once(self, count: int) -> float:
        """Seconds of a task, all at once."""
        start = time.perf_counter()
        await asyncio.gather(*map(self.one, range(count)))
        return (time.perf_counter() - start) / count


def rows(effort: Effort) -> list[Row]:
    """Every row of tasks."""
    with tempfile.TemporaryDirectory() as directory:
        return asyncio.run(_measure(effort, Path(directory)))


async def _measure(effort: Effort, directory: Path) -> list[Row]:
    return [
        *await _against_fastmcp(effort, directory),
        await _among_many(effort, directory),
        await _idle(effort, directory),
    ]


async def _against_fastmcp(effort: Effort, directory: Path) -> list[Row]:
    few, many = effort.of(ONE_BY_ONE), effort.of(AT_ONCE)
    async with AsyncExitStack() as stack:
        sides: dict[str, Side] = {}
        stores: dict[str, Store] = {
            "memory": MemoryStore(),
            "sqlite": SQLiteStore(directory / "tasks.sqlite"),
        }
        for name, store in stores.items():
            ours = await stack.enter_async_context(Ours.connected(store))
            sides[f"{name} one"] = partial(ours.one_by_one, few)
            sides[f"{name} many"] = partial(ours.at_once, many)
        theirs, missing = Peer.started(FASTMCP_TASKS, install=effort.size >= 1)
        if theirs is not None:
            stack.callback(theirs.close)
            sides["theirs one"] = partial(theirs.seconds_per, f"one {few}", few)
            sides["theirs many"] = partial(theirs.seconds_per, f"many {many}", many)
        times = await in_turns(sides, effort.part(0.25))
    compared = partial(_compared, times, missing)
    return [
        compared("a task to its end, 200 at once, memory", "memory many", "theirs many", 0.33),
        compared("a task to its end, one by one, memory", "memory one", "theirs one", 0.2),
        compared("a task to its end, 200 at once, SQLite", "sqlite many", "theirs many", 1.0),
        compared("a task to its end, one by one, SQLite", "sqlite one", "theirs one", 1.0),
    ]


def _compared(  # noqa: PLR0917 # as the table has it
    times: Figures, missing: str, name: str, ours: str, theirs: str, at_most: float
) -> Row:
    beside: dict[str, Value] = {"not measured": missing} if missing else {}
    return Row(
        name,
        "ms each",
        times.median(ours) * 1000,
        None if missing else times.median(theirs) * 1000,
        Goal("ratio", at_most=at_most),
        None if missing else times.spread(ours, theirs),
        beside,
    )


async def _among_many(effort: Effort, directory: Path) -> Row:
    few, many = effort.of(FEW), effort.of(MANY)
    async with AsyncExitStack() as stack:
        sides: dict[str, Side] = {}
        for name, count in {"few": few, "many": many}.items():
            store = SQLiteStore(directory / f"{name}.sqlite", synchronous="normal")
            server = task_server(store)
            await stack.enter_async_context(Client(server, mode="auto"))
            sides[name] = await _parked_among(server, store, count)
        times = await in_turns(sides, effort.part(0.5))
    return Row(
        f"a look at a parked task among {MANY:,}, against {FEW}",
        "us",
        times.median("many") * 1e6,
        times.median("few") * 1e6,
        Goal("ratio", at_most=1.3),
        times.spread("many", "few"),
    )


async def _parked_among(
    server: AgentServer, store: Store, count: int
) -> Callable[[], Awaitable[float]]:
    """Store so many parked tasks; gives the measure of a look at one that is not in memory."""
    ids = await _park(server, store, count)

    async def look() -> float:
        wanted = ids[:: max(1, len(ids) // FEW)][:FEW]
        start = time.perf_counter()
        for run_id in wanted:
            view = await server.tasks.look(run_id, principal=None)
            assert view.questions, view  # noqa: S101 # it waits
        return (time.perf_counter() - start) / len(wanted)

    return look


async def _park(server: AgentServer, store: Store, count: int) -> list[str]:
    """The ids of so many parked tasks. Only the first is run; the others are copies of it."""
    tasks = server.tasks
    view = await tasks.create(tasks.agents["wait"], {}, INFO, principal=None)
    view = await tasks.settled(view)
    lines = await store.read(view.record.id)
    ids = [view.record.id]
    for _ in range(count - 1):
        record = view.record._replace(id=secrets.token_urlsafe(16))
        await store.create(record, lines)
        ids.append(record.id)
    return ids


async def _idle(effort: Effort, directory: Path) -> Row:
    count, seconds = effort.of(IDLE), IDLE_SECONDS * max(effort.size, 0.05)
    shares: dict[str, float] = {}
    grown: dict[str, float] = {}
    stores: dict[str, Store] = {
        "memory": MemoryStore(),
        "SQLite": SQLiteStore(directory / "idle.sqlite", synchronous="normal"),
    }
    for name, store in stores.items():
        server = task_server(store)
        async with Client(server, mode="auto"):
            await _park(server, store, count)
            await asyncio.sleep(seconds / 5)  # what came with the creation settles
            memory, processor = _resident(), time.process_time()
            start = time.perf_counter()
            await asyncio.sleep(seconds)
            shares[name] = (time.process_time() - processor) / (time.perf_counter() - start)
            grown[name] = _resident() - memory
    return Row(
        f"idle server with {IDLE:,} parked tasks",
        "% of a core",
        shares["SQLite"] * 100,
        None,
        Goal("ours", at_most=1.0),
        beside={
            "with the memory store (% of a core)": shares["memory"] * 100,
            "peak memory grown meanwhile (KiB)": grown["SQLite"],
            "the same with the memory store (KiB)": grown["memory"],
        },
    )


def _resident() -> float:
    """The most memory that this process has had, in KiB."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
