"""One SQLite file: opened on first use, migrated, retried while it is locked, its errors explained.

Rules:

- calls run inline on the event loop's thread, because a commit costs less than a thread hop;
- a lock of another process is waited for with `anyio.sleep`, never inside SQLite;
- a transaction is repeated as a whole or not at all;
- what the file is gets checked before anything in it is changed.

The only caller is `sqlite`.
"""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeVar

import anyio

from inverted.errors import StoreError, StoreFull, StoreLocked
from inverted.stores.sqlite_schema import APPLICATION_ID, MIGRATIONS

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MEMORY: Final = ":memory:"
"""The path of a database that lives only in this process."""

RETRIED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL})
"""What SQLite answers while another process reads, writes, opens or recovers the file."""

FIRST_WAIT: Final = 0.0005
LONGEST_WAIT: Final = 0.025


class Database:
    """A lazily opened connection.

    It may be used from any thread and event loop of the process that opened it. It must not be
    used on both sides of a fork.

    Args:
        path: The file, or `:memory:`.
        synchronous: What a commit waits for.
        busy_timeout: Seconds to wait for other processes.
    """

    def __init__(
        self, path: str, synchronous: Literal["full", "normal"], busy_timeout: float
    ) -> None:
        self.path = path
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def __del__(self) -> None:
        # Python 3.13 and later warn about a connection that nobody closed, and nothing here
        # depends on anybody closing it.
        self.close()

    async def transaction(self, work: Work[T]) -> T:
        """Run the statements of `work` in one transaction; all of them are kept, or none.

        Args:
            work: Called again from the start when the file was locked. What it raises undoes
                the transaction.

        Raises:
            StoreError: SQLite failed, or other processes kept the file locked.
        """
        return await self.run(lambda connection: _transaction(connection, work))

    async def run(self, work: Work[T]) -> T:
        """Run a single reading statement, or anything else that may be repeated as a whole.

        Raises:
            StoreError: SQLite failed, or other processes kept the file locked.
        """
        give_up: float | None = None
        wait = FIRST_WAIT
        while True:
            try:
                with self._lock:
                    return work(self._connection or self._connected())
            except (sqlite3.Error, OSError, UnicodeEncodeError) as error:
                code = _code(error)
                if code not in RETRIED:
                    raise self._explained(error, code) from error
                now = time.monotonic()
                give_up = now + self._busy_timeout if give_up is None else give_up
                if now >= give_up:
                    raise self._locked() from error
            # Jitter, so that processes that met once do not meet again.
            await anyio.sleep(min(wait * random.uniform(0.5, 1.5), give_up - now))  # noqa: S311
            wait = min(wait * 2, LONGEST_WAIT)

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _connected(self) -> sqlite3.Connection:
        self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        if self.path != MEMORY:
            Path(self.path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite gives its side files the modes of this one.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._check(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        while self._check(connection) < len(MIGRATIONS):
            _transaction(connection, self._migrate_once)

    def _migrate_once(self, connection: sqlite3.Connection) -> None:
        version = self._check(connection)  # another process may have been faster
        if version < len(MIGRATIONS):
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")

    def _check(self, connection: sqlite3.Connection) -> int:
        """The schema version of the file.

        Raises:
            StoreError: It is no store, or a newer one.
        """
        # The application last: a file that another process makes meanwhile must not look foreign.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID and (version or tables):
            raise StoreError(
                f"{self.path} is the SQLite database of another program, not a store of runs. "
                "Nothing was changed. Choose another path for the store (INVERTED_STORE)."
            )
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self.path} has store schema {version}; this version of inverted knows "
                f"{len(MIGRATIONS)}. Nothing was changed. Upgrade inverted, or choose another path "
                "for the store (INVERTED_STORE)."
            )
        return version

    def _locked(self) -> StoreLocked:
        return StoreLocked(
            f"Another process kept {self.path} locked for {self._busy_timeout:g} seconds. Nothing "
            "was written. Find the program that holds a transaction open on this file (a database "
            "browser, a backup) and end it, or raise busy_timeout; then try again."
        )

    def _explained(self, error: Exception, code: int | None) -> StoreError:
        if code == sqlite3.SQLITE_FULL:
            return StoreFull(
                f"There is no space left for {self.path}. Nothing was written. Free some space on "
                "its disk, or delete old runs; then try again."
            )
        remedy = REMEDIES.get(code, "Try again; if it stays, restore the file from a backup.")
        return StoreError(f"{self.path}: {error}. Nothing was written. {remedy}")


PERMISSIONS: Final = (
    "Make the file and its directory writable for this user, or choose another path for the store "
    "(INVERTED_STORE)."
)
DAMAGED: Final = (
    "Move the file and the files beside it that share its name away, or restore them from a backup."
)
REMEDIES: Final[dict[int | None, str]] = {
    sqlite3.SQLITE_READONLY: PERMISSIONS,
    sqlite3.SQLITE_CANTOPEN: PERMISSIONS,
    sqlite3.SQLITE_PERM: PERMISSIONS,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: "Check the disk (a network file system is not suitable), then try again.",
}


def _code(error: Exception) -> int | None:
    """SQLite's primary result code of an error."""
    if isinstance(error, OSError):  # from making the directory or the file
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_CANTOPEN
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _transaction(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
