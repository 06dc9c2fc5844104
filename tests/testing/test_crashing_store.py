"""A store that dies at a journal line: what was written stays, and nothing more happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from inverted import MemoryStore, SQLiteStore, Status
from inverted.stores import Lease, RunRecord, Store
from inverted.stores.base import Append
from inverted.testing import Crash, CrashingStore

RECORD = RunRecord(
    id="run",
    agent="agent",
    principal=None,
    key="key",
    status=Status.WORKING,
    created=1.0,
    updated=1.0,
    position=2,
    segment_start=0,
    size=2,
    fence=0,
    lease=None,
)
MORE = Append(
    position=2, fence=0, owner="me", lines=[b"c", b"d", b"e"], status=Status.WORKING, now=2.0
)


async def write_both(store: Store) -> None:
    await store.create(RECORD, [b"a", b"b"])
    await store.append("run", MORE)


@pytest.mark.parametrize(
    ("after", "when", "kept"),
    [
        (1, "before", []),
        (2, "before", []),
        (1, "after", [b"a", b"b"]),
        (2, "after", [b"a", b"b"]),
        (3, "before", [b"a", b"b"]),
        (5, "before", [b"a", b"b"]),
        (3, "after", [b"a", b"b", b"c", b"d", b"e"]),
        (5, "after", [b"a", b"b", b"c", b"d", b"e"]),
    ],
)
async def test_a_write_is_all_there_or_not_at_all(
    after: int, when: Literal["after", "before"], kept: list[bytes]
) -> None:
    store = MemoryStore()
    crashing = CrashingStore(store, after, when)
    with pytest.raises(Crash):
        await write_both(crashing)
    assert crashing.crashed
    assert crashing.lines == kept
    assert await store.read("run") == kept


@pytest.mark.parametrize("kind", [MemoryStore, lambda: SQLiteStore(":memory:")])
async def test_the_leases_of_the_dead_hold_nobody_up(kind: Callable[[], Store]) -> None:
    store = kind()
    crashing = CrashingStore(store, after=3)
    leased = RECORD._replace(lease=Lease("me", 1e12))
    await crashing.create(leased, [b"a", b"b"])
    with pytest.raises(Crash):
        await crashing.append("run", MORE._replace(lease_until=1e12))
    record = await store.get("run")
    assert record is not None
    taken = await store.acquire("run", "the next", 5.0, 6.0)
    assert taken is not None
    assert taken.fence > record.fence
    await store.aclose()


async def test_the_leases_of_the_dead_can_be_kept() -> None:
    store = MemoryStore()
    crashing = CrashingStore(store, after=1, keep_leases=True)
    with pytest.raises(Crash):
        await crashing.create(RECORD._replace(lease=Lease("me", 9.0)), [b"a", b"b"])
    assert await store.acquire("run", "the next", 5.0, 6.0) is None


async def test_a_dead_store_does_nothing_more() -> None:
    crashing = CrashingStore(MemoryStore(), after=1)
    with pytest.raises(Crash):
        await crashing.create(RECORD, [b"a", b"b"])
    calls: list[Any] = [
        lambda: crashing.create(RECORD._replace(id="other"), []),
        lambda: crashing.append("run", MORE),
        lambda: crashing.get("run"),
        lambda: crashing.find("agent", None, "key"),
        lambda: crashing.read("run"),
        lambda: crashing.acquire("run", "me", 1.0, 2.0),
        crashing.list,
        lambda: crashing.count(principal=None, live=True),
        lambda: crashing.delete("run"),
    ]
    for call in calls:
        with pytest.raises(Crash, match="dead"):
            await call()
    assert (await crashing.restart().get("run")) is not None


async def test_without_a_line_it_is_the_store_itself_and_counts() -> None:
    store = CrashingStore(MemoryStore())
    await store.create(RECORD, [b"a", b"b"])
    assert (await store.append("run", MORE)).position == 5
    assert len(store.lines) == 5
    assert (await store.find("agent", None, "key")) == (await store.get("run"))
    assert [record.id for record in await store.list()] == ["run"]
    assert await store.count(principal=None, live=True) == 1
    assert await store.acquire("run", "me", 3.0, 4.0) is not None
    await store.delete("run")
    assert await store.read("run") == []
    assert not store.crashed
    await store.aclose()


async def test_the_next_process_opens_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    crashing = CrashingStore(SQLiteStore(path), after=2)
    with pytest.raises(Crash):
        await crashing.create(RECORD, [b"a", b"b"])
    again = crashing.restart()
    assert isinstance(again, SQLiteStore)
    assert again.path == str(path)
    assert await again.read("run") == [b"a", b"b"]
    await again.aclose()
    await crashing.aclose()


async def test_a_memory_store_is_its_own_successor() -> None:
    store = MemoryStore()
    assert CrashingStore(store).restart() is store
    in_memory = SQLiteStore(":memory:")
    assert CrashingStore(in_memory).restart() is in_memory
