"""A store that dies at a chosen journal line, as a process does at a `kill -9`.

What was written before is there afterwards, nothing more happens through this store, and
`restart` gives the store that the next process would open:

    store = CrashingStore(MemoryStore(), after=5)
    outcome = await host.run(make_server(store), "triage", run_key="r",
                             restart=lambda: make_server(store.restart()))
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from math import inf
from typing import Final, Literal, NoReturn

from inverted.stores import RunRecord, SQLiteStore, Store
from inverted.stores.base import Append

MANY: Final = 10_000
"""More runs than a test has."""


class Crash(BaseException):
    """The simulated death of the process. Nothing but a test catches it."""


class CrashingStore:
    """A store with a death in it. Implements `Store`.

    Args:
        store: Where the lines really go.
        after: Number of the journal line, counted from 1 over all runs, at which to crash. Never
            if None: then it only counts.
        when: Whether the write that holds the line is `after`wards in the store, or the crash
            comes `before` it. A write of several lines is all or nothing.
        keep_leases: Leave the leases of the dead as they are, as if it died on another machine:
            they hold others up until they lapse. On one machine nobody waits for the dead.
    """

    def __init__(
        self,
        store: Store,
        after: int | None = None,
        when: Literal["after", "before"] = "after",
        *,
        keep_leases: bool = False,
    ) -> None:
        self._store = store
        self._after = after
        self._when = when
        self._keep_leases = keep_leases
        self.lines: list[bytes] = []
        """The journal lines that were written through this store, of all runs, in order."""
        self.crashed = False
        """Whether the crash has happened."""

    @property
    def written(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def restart(self) -> Store:
        """The store as a new process opens it."""
        store = self._store
        if isinstance(store, SQLiteStore) and store.path != ":memory:":
            return SQLiteStore(store.path)
        return store

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        """See `Store.create`."""
        async with self._writing(lines) as store:
            await store.create(record, lines)

    async def append(self, run_id: str, append: Append) -> RunRecord:
        """See `Store.append`."""
        async with self._writing(append.lines) as store:
            return await store.append(run_id, append)

    async def get(self, run_id: str) -> RunRecord | None:
        """See `Store.get`."""
        return await self._alive().get(run_id)

    async def find(self, agent: str, principal: str | None, key: str) -> RunRecord | None:
        """See `Store.find`."""
        return await self._alive().find(agent, principal, key)

    async def read(self, run_id: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """See `Store.read`."""
        return await self._alive().read(run_id, start, stop)

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """See `Store.acquire`."""
        return await self._alive().acquire(run_id, owner, now, until)

    async def post(self, run_id: str, answers: Mapping[str, bytes], now: float) -> RunRecord | None:
        """See `Store.post`."""
        return await self._alive().post(run_id, answers, now)

    async def stop(self, run_id: str, reason: str, now: float) -> RunRecord | None:
        """See `Store.stop`."""
        return await self._alive().stop(run_id, reason, now)

    async def inbox(self, run_id: str) -> list[tuple[str, bytes]]:
        """See `Store.inbox`."""
        return await self._alive().inbox(run_id)

    async def due(
        self,
        now: float,
        *,
        agents: Collection[str] | None = None,
        dead: Sequence[str] = (),
        limit: int = 100,
    ) -> list[RunRecord]:
        """See `Store.due`."""
        return await self._alive().due(now, agents=agents, dead=dead, limit=limit)

    async def next_wake(self) -> float | None:
        """See `Store.next_wake`."""
        return await self._alive().next_wake()

    async def owners(self) -> list[str]:
        """See `Store.owners`."""
        return await self._alive().owners()

    async def nudged(self, owner: str) -> list[str]:
        """See `Store.nudged`."""
        return await self._alive().nudged(owner)

    async def expired(self, now: float, limit: int = 100) -> list[str]:
        """See `Store.expired`."""
        return await self._alive().expired(now, limit)

    async def list(
        self,
        *,
        principal: str | None = None,
        agent: str | None = None,
        tasks: bool = False,
        limit: int = 100,
        before: str | None = None,
    ) -> list[RunRecord]:
        """See `Store.list`."""
        return await self._alive().list(
            principal=principal, agent=agent, tasks=tasks, limit=limit, before=before
        )

    async def count(self, *, principal: str | None, live: bool, tasks: bool = False) -> int:
        """See `Store.count`."""
        return await self._alive().count(principal=principal, live=live, tasks=tasks)

    async def delete(self, run_id: str) -> None:
        """See `Store.delete`."""
        await self._alive().delete(run_id)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
        await self._store.aclose()

    def _alive(self) -> Store:
        if self.crashed:
            raise Crash("the process is dead")
        return self._store

    @asynccontextmanager
    async def _writing(self, lines: Sequence[bytes]) -> AsyncGenerator[Store]:
        store = self._alive()
        written = len(self.lines)
        due = self._after is not None and written < self._after <= written + len(lines)
        if due and self._when == "before":
            await self._die()
        yield store
        self.lines += lines
        if due:
            await self._die()

    async def _die(self) -> NoReturn:
        self.crashed = True
        # The runtime sees from a process id that the holder of a lease is dead. This process lives
        # on, so its leases are ended here.
        for record in await self._store.list(limit=MANY):
            if record.lease is not None and not self._keep_leases:
                await self._store.acquire(record.id, "the dead process", inf, 0.0)
        raise Crash(f"crashed {self._when} journal line {self._after}")
