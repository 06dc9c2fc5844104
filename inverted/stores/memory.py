"""The store that forgets: runs in dictionaries, for tests and for servers that live shortly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from inverted.stores.base import CANCEL, Append, Lease, RunRecord
from inverted.stores.rules import (
    appended,
    held_by_other,
    id_taken,
    is_due,
    key_taken,
    may_append,
    missing,
    nudge,
    refusal,
)


class MemoryStore:
    """Keeps runs in this process. Implements `Store`."""

    def __init__(self) -> None:
        self._records: dict[str, RunRecord] = {}
        self._lines: dict[str, list[bytes]] = {}
        self._keys: dict[tuple[str, str | None, str], str] = {}
        self._inbox: dict[str, dict[str, bytes]] = {}

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
        inbox = self._inbox.get(run_id)
        if inbox:
            for id in append.taken:
                inbox.pop(id, None)
        self._records[run_id] = updated = appended(record, append, posted=bool(inbox))
        self._lines[run_id].extend(append.lines)
        return updated

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """See `Store.acquire`."""
        record = self._records.get(run_id)
        if record is None or record.status.terminal or held_by_other(record, owner, now):
            return None
        mine = record.lease is not None and record.lease.owner == owner
        fence = record.fence if mine else record.fence + 1
        self._records[run_id] = record = record._replace(fence=fence, lease=Lease(owner, until))
        return record

    async def post(self, run_id: str, answers: Mapping[str, bytes], now: float) -> RunRecord | None:
        """See `Store.post`."""
        record = self._records.get(run_id)
        if record is None or record.status.terminal or not answers:
            return record
        self._put(record, answers)
        self._records[run_id] = record = nudge(record, now)
        return record

    async def stop(self, run_id: str, reason: str, now: float) -> RunRecord | None:
        """See `Store.stop`."""
        record = self._records.get(run_id)
        if record is None or record.status.terminal or record.stop is not None:
            return None
        self._put(record, {CANCEL: reason.encode()})
        self._records[run_id] = record = nudge(record, now)._replace(stop=reason, updated=now)
        return record

    def _put(self, record: RunRecord, answers: Mapping[str, bytes]) -> None:
        inbox = self._inbox.setdefault(record.id, {})
        for id, answer in answers.items():
            inbox.setdefault(id, answer)

    async def inbox(self, run_id: str) -> list[tuple[str, bytes]]:
        """See `Store.inbox`."""
        return list(self._inbox.get(run_id, {}).items())

    async def due(
        self,
        now: float,
        *,
        agents: Collection[str] | None = None,
        dead: Sequence[str] = (),
        limit: int = 100,
    ) -> list[RunRecord]:
        """See `Store.due`."""
        found = [
            record
            for record in self._waking()
            if is_due(record, now, dead) and (agents is None or record.agent in agents)
        ]
        return sorted(found, key=lambda record: record.wake or 0.0)[:limit]

    async def next_wake(self) -> float | None:
        """See `Store.next_wake`."""
        return min((record.wake or 0.0 for record in self._waking()), default=None)

    async def owners(self) -> list[str]:
        """See `Store.owners`."""
        return sorted({each.lease.owner for each in self._waking() if each.lease is not None})

    def _waking(self) -> list[RunRecord]:
        return [record for record in self._records.values() if record.wake is not None]

    async def nudged(self, owner: str) -> list[str]:
        """See `Store.nudged`."""
        return [
            run_id
            for run_id, inbox in self._inbox.items()
            if inbox and (lease := self._records[run_id].lease) and lease.owner == owner
        ]

    async def expired(self, now: float, limit: int = 100) -> list[str]:
        """See `Store.expired`."""
        over = [
            each.id
            for each in self._records.values()
            if each.expires is not None and each.expires <= now
        ]
        return over[:limit]

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
        found = sorted(
            (
                record
                for record in self._records.values()
                if principal in ((record.principal,) if tasks else (None, record.principal))
                and agent in (None, record.agent)
                and not (tasks and record.task is None)
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

    async def count(self, *, principal: str | None, live: bool, tasks: bool = False) -> int:
        """See `Store.count`."""
        return sum(
            record.principal == principal
            and not (live and record.status.terminal)
            and not (tasks and record.task is None)
            for record in self._records.values()
        )

    async def delete(self, run_id: str) -> None:
        """See `Store.delete`."""
        record = self._records.pop(run_id, None)
        self._lines.pop(run_id, None)
        self._inbox.pop(run_id, None)
        if record is not None and record.key is not None:
            self._keys.pop((record.agent, record.principal, record.key), None)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
