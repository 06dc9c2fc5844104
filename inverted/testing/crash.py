"""A store that dies at a chosen journal line, as a process does at a `kill -9`.

What was written before is there afterwards, nothing more happens through this store, and
`restart` gives the store that the next process would open:

    store = CrashingStore(MemoryStore(), after=5)
    outcome = await host.run(make_server(store), "triage", run_key="r",
                             restart=lambda: make_server(store.restart()))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from inverted.stores import RunRecord, SQLiteStore, Store
from inverted.stores.base import Append


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
    """

    def __init__(
        self, store: Store, after: int | None = None, when: Literal["after", "before"] = "after"
    ) -> None:
        self._store = store
        self._after = after
        self._when = when
        self.lines: list[bytes] = []
        """The journal lines that were written through this store, of all runs, in order."""
        self.crashed = False
        """Whether the crash has happened."""

    def restart(self) -> Store:
        """The store as a new process opens it."""
        store = self._store
        if isinstance(store, SQLiteStore) and store.path != ":memory:":
            return SQLiteStore(store.path)
        return store

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        """See `Store.create`."""
        due = self._due(lines)
        await self._alive().create(record, lines)
        self._count(lines, due=due)

    async def append(self, run_id: str, append: Append) -> RunRecord:
        """See `Store.append`."""
        due = self._due(append.lines)
        record = await self._alive().append(run_id, append)
        self._count(append.lines, due=due)
        return record

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

    async def list(
        self,
        *,
        principal: str | None = None,
        agent: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[RunRecord]:
        """See `Store.list`."""
        return await self._alive().list(
            principal=principal, agent=agent, limit=limit, before=before
        )

    async def count(self, *, principal: str | None, live: bool) -> int:
        """See `Store.count`."""
        return await self._alive().count(principal=principal, live=live)

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

    def _due(self, lines: Sequence[bytes]) -> bool:
        written = len(self.lines)
        due = self._after is not None and written < self._after <= written + len(lines)
        if due and self._when == "before":
            self.crashed = True
        return due

    def _count(self, lines: Sequence[bytes], *, due: bool) -> None:
        self.lines += lines
        if due:
            self.crashed = True
            raise Crash(f"crashed after journal line {self._after}")
