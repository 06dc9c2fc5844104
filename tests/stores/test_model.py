"""Any sequence of calls has the same outcome in the memory store and in SQLite."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inverted.core.lifecycle import Status
from inverted.errors import StoreError
from inverted.stores import Lease, MemoryStore, RunRecord, SQLiteStore, Store
from inverted.stores.base import Append

IDS = st.sampled_from(["r1", "r2", "r3"])
AGENTS = st.sampled_from(["triage", "review"])
PRINCIPALS = st.sampled_from([None, "", "ada"])
KEYS = st.sampled_from([None, "", "k"])
OWNERS = st.sampled_from(["me", "other"])
STATUSES = st.sampled_from(Status)
LIVE = st.sampled_from([Status.WORKING, Status.WORKING, Status.INPUT_REQUIRED])
TIMES = st.integers(0, 5).map(float)
LINES = st.lists(st.binary(max_size=8), max_size=3)
# Mostly right, so that runs grow.
OFFSETS = st.sampled_from([0, 0, 0, 0, -1, 1])

Call = Callable[[Store], Awaitable[Any]]


class Stores(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.memory = MemoryStore()
        self.sqlite = SQLiteStore(":memory:", synchronous="normal")

    def teardown(self) -> None:
        self.loop.run_until_complete(self.sqlite.aclose())
        self.loop.close()

    def outcome(self, store: Store, call: Call) -> object:
        async def run() -> object:
            try:
                return await call(store)
            except StoreError as error:
                return type(error), str(error)

        return self.loop.run_until_complete(run())

    def both(self, call: Call) -> Any:
        expected = self.outcome(self.memory, call)
        assert self.outcome(self.sqlite, call) == expected
        return expected

    @rule(
        id=IDS,
        agent=AGENTS,
        principal=PRINCIPALS,
        key=KEYS,
        status=LIVE,
        created=TIMES,
        lines=LINES,
        lease=st.none() | st.builds(Lease, OWNERS, TIMES),
    )
    def create(self, lines: list[bytes], **fields: Any) -> None:
        size = sum(map(len, lines))
        record = RunRecord(
            **fields,
            updated=fields["created"],
            position=len(lines),
            segment_start=0,
            size=size,
            fence=0,
        )
        self.both(lambda store: store.create(record, lines))

    @rule(
        id=IDS,
        position=OFFSETS,
        fence=OFFSETS,
        owner=OWNERS,
        lines=LINES,
        status=LIVE | STATUSES,
        now=TIMES,
        lease_until=st.none() | TIMES,
        segment_start=st.none() | st.integers(0, 3),
    )
    def append(self, id: str, position: int, fence: int, **fields: Any) -> None:
        record = self.both(lambda store: store.get(id))
        if record is not None:
            position, fence = record.position + position, record.fence + fence
        append = Append(position=position, fence=fence, **fields)
        self.both(lambda store: store.append(id, append))

    @rule(id=IDS, owner=OWNERS, now=TIMES, until=TIMES)
    def acquire(self, id: str, owner: str, now: float, until: float) -> None:
        self.both(lambda store: store.acquire(id, owner, now, until))

    @rule(id=IDS)
    def delete(self, id: str) -> None:
        self.both(lambda store: store.delete(id))

    @rule(
        principal=PRINCIPALS,
        agent=st.none() | AGENTS,
        limit=st.integers(0, 3),
        before=st.none() | IDS,
    )
    def list(self, **query: Any) -> None:
        self.both(lambda store: store.list(**query))

    @rule(agent=AGENTS, principal=PRINCIPALS, key=st.sampled_from(["", "k"]))
    def find(self, agent: str, principal: str | None, key: str) -> None:
        self.both(lambda store: store.find(agent, principal, key))

    @rule(id=IDS, start=st.integers(0, 4))
    def read(self, id: str, start: int) -> None:
        self.both(lambda store: store.read(id, start))

    @invariant()
    def everything_is_equal(self) -> None:
        for record in self.both(lambda store: store.list()):
            assert self.both(lambda store, id=record.id: store.get(id)) == record
            lines = self.both(lambda store, id=record.id: store.read(id))
            assert (record.position, record.size) == (len(lines), sum(map(len, lines)))
        for principal in (None, "", "ada"):
            for live in (False, True):
                query: dict[str, Any] = {"principal": principal, "live": live}
                self.both(lambda store, query=query: store.count(**query))


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
