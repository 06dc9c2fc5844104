"""The store that forgets: runs in dictionaries, for tests and for servers that live shortly."""

from __future__ import annotations

from collections.abc import Sequence

from inverted.stores.base import Append, Lease, RunRecord
from inverted.stores.rules import (
    appended,
    held_by_other,
    id_taken,
    key_taken,
    may_append,
    missing,
    refusal,
)


class MemoryStore:
    """Keeps runs in this process. Implements `Store`."""

    def __init__(self) -> None:
        self._records: dict[str, RunRecord] = {}
        self._lines: dict[str, list[bytes]] = {}
        self._keys: dict[tuple[str, str | None, str], str] = {}

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        """See `Store.create`."""
        if record.id in self._records:
            raise id_taken(record.id)
        if record.key is not None:
            name = (record.agent, record.principal, record.key)
            if name in self._keys:
                raise key_taken(record.key)
            self._keys[name] = record.id
        self._records[record.id] = record
        self._lines[record.id] = list(lines)

    async def get(self, run_id: str) -> RunRecord | None:
        """See `Store.get`."""
        return self._records.get(run_id)

    async def find(self, agent: str, principal: str | None, key: str) -> RunRecord | None:
        """See `Store.find`."""
        return self._records.get(self._keys.get((agent, principal, key), ""))

    async def read(self, run_id: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """See `Store.read`."""
        return self._lines.get(run_id, [])[start:stop]

    async def append(self, run_id: str, append: Append) -> RunRecord:
        """See `Store.append`."""
        record = self._records.get(run_id)
        if record is None:
            raise missing(run_id)
        if not may_append(record, append):
            raise refusal(record, append)
        self._records[run_id] = updated = appended(record, append)
        self._lines[run_id].extend(append.lines)
        return updated

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """See `Store.acquire`."""
        record = self._records.get(run_id)
        if record is None or held_by_other(record, owner, now):
            return None
        mine = record.lease is not None and record.lease.owner == owner
        fence = record.fence if mine else record.fence + 1
        self._records[run_id] = record = record._replace(fence=fence, lease=Lease(owner, until))
        return record

    async def list(
        self,
        *,
        principal: str | None = None,
        agent: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[RunRecord]:
        """See `Store.list`."""
        found = sorted(
            (
                record
                for record in self._records.values()
                if principal in (None, record.principal) and agent in (None, record.agent)
            ),
            key=lambda record: (record.created, record.id),
            reverse=True,
        )
        if before is not None:
            last = self._records.get(before)
            if last is None:
                return []
            found = [each for each in found if (each.created, each.id) < (last.created, last.id)]
        return found[:limit]

    async def count(self, *, principal: str | None, live: bool) -> int:
        """See `Store.count`."""
        return sum(
            record.principal == principal and not (live and record.status.terminal)
            for record in self._records.values()
        )

    async def delete(self, run_id: str) -> None:
        """See `Store.delete`."""
        record = self._records.pop(run_id, None)
        self._lines.pop(run_id, None)
        if record is not None and record.key is not None:
            self._keys.pop((record.agent, record.principal, record.key), None)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
