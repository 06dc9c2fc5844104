"""What the SQLite store does when the disk, the file or another process is in the way."""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inverted.core.lifecycle import Status
from inverted.errors import StoreError, StoreFull, StoreLocked
from inverted.stores import Lease, RunRecord, SQLiteStore
from inverted.stores.base import Append

RUN = RunRecord("r1", "triage", None, None, Status.WORKING, 1.0, 1.0, 1, 0, 5, 0, None)
FIRST = [b"start"]


def write(record: RunRecord, *lines: bytes) -> Append:
    return Append(record.position, record.fence, "me", lines, record.status, 2.0, lease_until=9.0)


Pragma = Callable[[str], None]


@pytest.fixture
def pragma(monkeypatch: pytest.MonkeyPatch) -> Pragma:
    """Changes a setting of every connection that is opened, now and from now on."""
    settings: list[str] = []
    connections: list[sqlite3.Connection] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def prepared(*args: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connection := connect(*args, **options))
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")
        return connection

    def change(setting: str) -> None:
        settings.append(setting)
        for connection in connections:
            connection.execute(f"PRAGMA {setting}")

    monkeypatch.setattr(sqlite3, "connect", prepared)
    return change


# the disk


async def test_a_full_disk_keeps_what_was_acknowledged_and_no_more(
    tmp_path: Path, pragma: Pragma
) -> None:
    pragma("max_page_count = 40")
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.create(RUN, FIRST)
    record, lines = RUN, [*FIRST]

    async def fill() -> None:
        nonlocal record
        while len(lines) < 1000:
            # Two lines, so that the space may end between them.
            pair = [b"%d" % len(lines) * 300, b"%d" % len(lines) * 600]
            record = await store.append("r1", write(record, *pair))
            lines.extend(pair)

    with pytest.raises(StoreFull, match=r"Nothing was written\. Free some space") as caught:
        await fill()
    assert store.path in str(caught.value)
    assert len(lines) > 20
    assert await store.get("r1") == record
    assert await store.read("r1") == lines
    with pytest.raises(StoreFull):
        await store.create(RUN._replace(id="r2"), [b"x" * 4000] * 40)
    assert await store.get("r2") is None
    await store.aclose()
    assert await store.read("r1") == lines

    # Deleting makes room, as the message says.
    await store.delete("r1")
    await store.create(RUN._replace(id="r2"), [b"x" * 4000] * 10)
    assert await store.read("r2") == [b"x" * 4000] * 10
    await store.aclose()


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, StoreFull), (errno.EACCES, StoreError)]
)
async def test_a_file_that_cannot_be_made_tells_a_full_disk_from_missing_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[StoreError]
) -> None:
    def fails(*args: object) -> int:
        raise OSError(number, os.strerror(number))

    store = SQLiteStore(tmp_path / "runs.sqlite3")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fails)
        with pytest.raises(StoreError, match="Nothing was written") as caught:
            await store.create(RUN, FIRST)
    assert type(caught.value) is expected
    await store.create(RUN, FIRST)
    await store.aclose()


async def test_a_store_that_may_only_be_read_says_so_and_can_be_read(
    tmp_path: Path, pragma: Pragma
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.create(RUN, FIRST)
    pragma("query_only = ON")
    with pytest.raises(StoreError, match=r"readonly database\. Nothing was written\. Make the"):
        await store.append("r1", write(RUN, b"more"))
    assert await store.get("r1") == RUN
    pragma("query_only = OFF")
    await store.append("r1", write(RUN, b"more"))
    await store.aclose()


async def test_a_damaged_file_says_to_restore_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    store = SQLiteStore(path)
    await store.create(RUN, FIRST)
    await store.aclose()
    intact = path.read_bytes()
    path.write_bytes(intact[:4096] + b"\xff" * (len(intact) - 4096))
    with pytest.raises(StoreError, match=r"malformed\. Nothing was written\. Move .* or restore"):
        await store.append("r1", write(RUN, b"more"))
    await store.aclose()


async def test_a_name_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    with pytest.raises(StoreError, match=r"surrogates not allowed\. Nothing was written"):
        await store.create(RUN._replace(key="\ud800"), FIRST)
    assert await store.list() == []
    await store.aclose()


# another process


@pytest.fixture
def other(tmp_path: Path) -> sqlite3.Connection:
    """The connection of a program that also uses the file."""
    return sqlite3.connect(tmp_path / "runs.sqlite3", isolation_level=None)


async def parked(task: asyncio.Task[Any]) -> None:
    """Let the task run until it waits. Calls run inline, so one turn of the loop is enough."""
    await asyncio.sleep(0)
    assert not task.done()


async def test_a_write_waits_for_another_writer_without_blocking_the_loop(
    tmp_path: Path, other: sqlite3.Connection
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.create(RUN, FIRST)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(store.append("r1", write(RUN, b"more")))
    await parked(task)
    # Only this loop can end the lock that the task waits for.
    assert await store.get("r1") == RUN
    other.execute("COMMIT")
    async with asyncio.timeout(20):
        record = await task
    assert record.lease == Lease("me", 9.0)
    assert await store.read("r1") == [b"start", b"more"]
    await store.aclose()
    other.close()


async def test_a_write_that_waited_looks_again_at_what_the_other_wrote(
    tmp_path: Path, other: sqlite3.Connection
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.create(RUN, FIRST)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(store.append("r1", write(RUN, b"more")))
    await parked(task)
    other.execute("UPDATE runs SET fence = 1")
    other.execute("COMMIT")
    async with asyncio.timeout(20):
        with pytest.raises(StoreError, match="fence 1; this copy has 1, 0"):
            await task
    assert await store.read("r1") == FIRST
    await store.aclose()
    other.close()


@pytest.mark.parametrize("bound", [0.0, 0.05])
async def test_a_lock_that_stays_ends_in_a_message_within_the_bound(
    tmp_path: Path, other: sqlite3.Connection, bound: float
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3", busy_timeout=bound)
    await store.create(RUN, FIRST)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(20):
        with pytest.raises(StoreLocked, match=r"Nothing was written\. Find the program") as caught:
            await store.append("r1", write(RUN, b"more"))
    assert store.path in str(caught.value)
    assert await store.get("r1") == RUN
    other.execute("ROLLBACK")
    assert (await store.append("r1", write(RUN, b"more"))).position == 2
    await store.aclose()
    other.close()


async def test_an_append_that_fails_at_its_last_line_leaves_the_record_too(
    tmp_path: Path, other: sqlite3.Connection
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.create(RUN, FIRST)
    other.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON entries WHEN new.line = CAST('bad' AS BLOB) "
        "BEGIN SELECT RAISE(ABORT, 'refused by the trigger'); END"
    )
    with pytest.raises(StoreError, match=r"refused by the trigger\. Nothing was written"):
        await store.append("r1", write(RUN, b"good", b"bad"))
    with pytest.raises(StoreError, match=r"refused by the trigger\. Nothing was written"):
        await store.create(RUN._replace(id="r2"), [b"good", b"bad"])
    assert await store.list() == [RUN]
    assert await store.read("r1") == FIRST
    assert (await store.append("r1", write(RUN, b"good"))).position == 2
    await store.aclose()
    other.close()


async def test_opening_waits_for_the_process_that_makes_the_file(
    tmp_path: Path, other: sqlite3.Connection
) -> None:
    other.execute("BEGIN EXCLUSIVE")
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    task = asyncio.create_task(store.create(RUN, FIRST))
    await parked(task)
    other.execute("ROLLBACK")
    async with asyncio.timeout(20):
        await task
    assert await store.get("r1") == RUN
    await store.aclose()
    other.close()


async def test_a_cancelled_wait_writes_nothing_and_leaves_the_store_usable(
    tmp_path: Path, other: sqlite3.Connection
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.create(RUN, FIRST)
    other.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(store.append("r1", write(RUN, b"cancelled")))
    await parked(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    other.execute("ROLLBACK")
    await store.append("r1", write(RUN, b"more"))
    assert await store.read("r1") == [b"start", b"more"]
    await store.aclose()
    other.close()
