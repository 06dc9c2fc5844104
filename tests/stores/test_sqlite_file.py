"""The file of the SQLite store: where it is, how it is opened, and what it refuses to open."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import platformdirs
import pytest

from inverted.core.lifecycle import Status
from inverted.errors import StoreError
from inverted.stores import RunRecord, SQLiteStore, sqlite_database, sqlite_schema
from inverted.stores.base import Append

RUN = RunRecord("r1", "triage", None, None, Status.WORKING, 1.0, 1.0, 1, 0, 5, 0, None)
FIRST = [b"start"]

Opened = list[sqlite3.Connection]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The connections that the store opens."""
    connections: Opened = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def noted(*args: Any, **options: Any) -> sqlite3.Connection:
        connections.append(connect(*args, **options))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    return connections


async def stored(path: Path) -> SQLiteStore:
    """A store with `RUN`, closed."""
    store = SQLiteStore(path)
    await store.create(RUN, FIRST)
    await store.aclose()
    return store


# where it is


def test_the_default_file_is_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVERTED_STORE", raising=False)
    assert SQLiteStore().path == str(platformdirs.user_data_path("inverted") / "runs.sqlite3")


def test_the_environment_names_another_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INVERTED_STORE", "here.sqlite3")
    assert SQLiteStore().path == str(Path.cwd() / "here.sqlite3")
    assert SQLiteStore("other.sqlite3").path == str(Path.cwd() / "other.sqlite3")
    monkeypatch.setenv("INVERTED_STORE", ":memory:")
    assert SQLiteStore().path == ":memory:"
    monkeypatch.setenv("INVERTED_STORE", "~/mine.sqlite3")
    assert SQLiteStore().path == str(Path.home() / "mine.sqlite3")


async def test_making_a_store_touches_no_file_and_the_first_use_does(tmp_path: Path) -> None:
    path = tmp_path / "data" / "runs.sqlite3"
    store = SQLiteStore(path)
    assert not path.parent.exists()
    assert await store.list() == []
    assert path.exists()
    await store.aclose()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file modes")
async def test_directory_and_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "runs.sqlite3"
    umask = os.umask(0)
    try:
        store = SQLiteStore(path)
        await store.create(RUN, FIRST)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files = list(path.parent.iterdir())
    assert len(files) == 3  # the database, its write-ahead log and that one's index
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    await store.aclose()


async def test_a_memory_database_forgets_when_it_is_closed() -> None:
    store = SQLiteStore(":memory:")
    await store.create(RUN, FIRST)
    await store.aclose()
    assert await store.get("r1") is None
    await store.aclose()


async def test_a_closed_store_opens_again_with_everything_in_it(tmp_path: Path) -> None:
    store = await stored(tmp_path / "runs.sqlite3")
    assert await store.get("r1") == RUN
    assert await store.read("r1") == FIRST
    await store.aclose()


# how it is opened


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
async def test_commits_go_to_a_write_ahead_log_and_wait_as_chosen(
    tmp_path: Path, opened: Opened, synchronous: Literal["full", "normal"], level: int
) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3", synchronous=synchronous)
    await store.list()
    (connection,) = opened
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    await store.aclose()


async def test_a_dropped_store_closes_its_connection(tmp_path: Path, opened: Opened) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    await store.list()
    del store
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_one_store_serves_several_event_loops_and_threads(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    asyncio.run(store.create(RUN, FIRST))
    together = threading.Barrier(4)
    won: list[bytes] = []

    async def attempts(name: str) -> None:
        for position in range(1, 51):
            line = f"{name} {position}".encode()
            while True:
                record = await store.get("r1")
                assert record is not None
                if record.position > position:
                    break
                try:
                    append = Append(position, 0, name, [line], Status.WORKING, 2.0)
                    await store.append("r1", append)
                except StoreError:
                    continue
                won.append(line)

    def work(name: str) -> None:
        together.wait(20)
        asyncio.run(attempts(name))

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert asyncio.run(store.read("r1", 1)) == sorted(won, key=lambda line: int(line.split()[1]))
    assert len(won) == 50
    asyncio.run(store.aclose())


# migrations


async def test_an_older_file_is_brought_up_to_date_with_everything_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    store = await stored(tmp_path / "runs.sqlite3")
    newer = (
        *sqlite_schema.MIGRATIONS,
        ("ALTER TABLE runs ADD COLUMN note TEXT", "UPDATE runs SET note = 'moved'"),
        ("ALTER TABLE runs ADD COLUMN other TEXT",),
    )
    monkeypatch.setattr(sqlite_database, "MIGRATIONS", newer)
    assert await store.get("r1") == RUN
    assert await store.read("r1") == FIRST
    connection = opened[-1]
    assert connection.execute("SELECT note, other FROM runs").fetchall() == [("moved", None)]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
    await store.aclose()


async def test_a_file_of_the_first_version_keeps_its_runs(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "runs.sqlite3")
    for statement in sqlite_schema.MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute(
        f"INSERT INTO runs VALUES (1, {'?, ' * 11}NULL, NULL, 1)",  # noqa: S608 # constants
        (*RUN[:4], RUN.status, *RUN[5:11]),
    )
    connection.execute("INSERT INTO entries VALUES (1, 0, ?)", (FIRST[0],))
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    store = SQLiteStore(tmp_path / "runs.sqlite3")
    assert await store.get("r1") == RUN
    assert await store.read("r1") == FIRST
    await store.aclose()


async def test_a_failed_migration_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await stored(tmp_path / "runs.sqlite3")
    with monkeypatch.context() as patch:
        broken = ("ALTER TABLE runs ADD COLUMN note TEXT", "UPDATE nowhere SET x = 1")
        patch.setattr(sqlite_database, "MIGRATIONS", (*sqlite_schema.MIGRATIONS, broken))
        with pytest.raises(StoreError, match="no such table: nowhere"):
            await store.get("r1")
    assert await store.get("r1") == RUN
    await store.aclose()
    connection = sqlite3.connect(store.path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(sqlite_schema.MIGRATIONS),)
    assert "note" not in [row[1] for row in connection.execute("PRAGMA table_info(runs)")]
    connection.close()


@pytest.mark.parametrize(
    "moment",
    [
        "PRAGMA user_version",
        "SELECT count(*) FROM sqlite_master",
        "PRAGMA application_id",
        "PRAGMA journal_mode = WAL",
        "BEGIN IMMEDIATE",
    ],
)
async def test_a_file_that_another_process_makes_meanwhile_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = tmp_path / "runs.sqlite3"
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    class Overtaken(sqlite3.Connection):
        """At that moment, another process makes the schema."""

        overtaken = False

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == moment and not self.overtaken:
                self.overtaken = True
                other = connect(path, isolation_level=None)
                other.execute("BEGIN")
                for statement in sqlite_schema.MIGRATIONS[0]:
                    other.execute(statement)
                other.execute("PRAGMA user_version = 1")
                other.execute("COMMIT")
                other.close()
            return super().execute(sql, *values)

    monkeypatch.setattr(sqlite3, "connect", partial(connect, factory=Overtaken))
    store = SQLiteStore(path)
    await store.create(RUN, FIRST)
    assert await store.get("r1") == RUN
    await store.aclose()


# what it refuses to open


def content(path: Path) -> bytes:
    return path.read_bytes()


async def refused(path: Path, reason: str) -> None:
    """The file is refused for this reason, again on the next use, and is not changed."""
    before = content(path)
    store = SQLiteStore(path)
    for _ in range(2):
        with pytest.raises(StoreError, match=reason) as caught:
            await store.create(RUN, FIRST)
        assert str(path) in str(caught.value)
    await store.aclose()
    assert content(path) == before


async def test_a_file_of_a_newer_version_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite3"
    await stored(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    await refused(path, r"has store schema 99.* knows \d+\. Nothing was changed\. Upgrade inverted")


@pytest.mark.parametrize("mark", ["CREATE TABLE t (a)", "PRAGMA user_version = 1"])
async def test_the_database_of_another_program_is_refused_unchanged(
    tmp_path: Path, mark: str
) -> None:
    path = tmp_path / "theirs.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute(mark)
    connection.close()
    await refused(path, r"another program.* Nothing was changed\. Choose another path")


async def test_a_file_that_is_no_database_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"no database\n" * 100)
    await refused(path, r"not a database\. Nothing was written\. Move the file .*away")


async def test_a_path_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SQLiteStore(tmp_path / "file" / "runs.sqlite3")
    with pytest.raises(StoreError, match=r"Nothing was written\. Make the file .* writable"):
        await store.create(RUN, FIRST)
    directory = SQLiteStore(tmp_path)
    with pytest.raises(StoreError, match=r"Nothing was written\. Make the file .* writable"):
        await directory.get("r1")
