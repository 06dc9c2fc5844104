"""The store of one machine: runs in one SQLite file, shared by any number of processes.

Durable when a call returns: WAL with `synchronous=FULL` survives a crash of the process and of the
machine; with "normal", a crash of the machine may lose the last writes, never the file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, Literal

import platformdirs

from inverted.core.lifecycle import Status, may_become
from inverted.stores.base import Append, Lease, RunRecord
from inverted.stores.rules import check_append, id_taken, key_taken, missing
from inverted.stores.sqlite_database import MEMORY, Database

PATH_VARIABLE: Final = "INVERTED_STORE"
"""Environment variable that names the file when the program does not."""


class SQLiteStore:
    """Keeps runs in a file. Implements `Store`.

    Making one opens nothing; the first use does. It may be used from several event loops and
    threads, but not on both sides of a fork: make a store in each process.

    Args:
        path: The file. None is the one that `INVERTED_STORE` names, else `runs.sqlite3` in the
            user's data directory. ":memory:" keeps runs only as long as this object.
        synchronous: "full" waits until the disk has a write; "normal" leaves the last writes to
            the operating system.
        busy_timeout: Seconds to wait while another process holds the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        synchronous: Literal["full", "normal"] = "full",
        busy_timeout: float = 10.0,
    ) -> None:
        self._database = Database(_chosen(path), synchronous, busy_timeout)

    @property
    def path(self) -> str:
        """The file, or `:memory:`."""
        return self._database.path

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        """See `Store.create`."""

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute(GET, (record.id,)).fetchone():
                raise id_taken(record.id)
            named = (record.agent, record.key, record.principal)
            if record.key is not None and connection.execute(FIND, named).fetchone():
                raise key_taken(record.key)
            connection.execute(CREATE, _row(record))
            connection.executemany(ADD, _numbered(record.id, 0, lines))

        await self._database.write(work)

    async def get(self, run_id: str) -> RunRecord | None:
        """See `Store.get`."""
        row = await self._database.read(lambda db: db.execute(GET, (run_id,)).fetchone())
        return row and _record(row)

    async def find(self, agent: str, principal: str | None, key: str) -> RunRecord | None:
        """See `Store.find`."""
        named = (agent, key, principal)
        row = await self._database.read(lambda db: db.execute(FIND, named).fetchone())
        return row and _record(row)

    async def read(self, run_id: str, start: int = 0) -> list[bytes]:
        """See `Store.read`."""
        rows = await self._database.read(lambda db: db.execute(READ, (run_id, start)).fetchall())
        return [line for (line,) in rows]

    async def append(self, run_id: str, append: Append) -> RunRecord:
        """See `Store.append`."""
        leased = append.lease_until is not None
        update = (
            append.status,
            append.now,
            len(append.lines),
            append.segment_start,
            sum(map(len, append.lines)),
            append.owner,
            append.owner if leased else None,
            append.lease_until,
            run_id,
            append.position,
            append.fence,
            append.owner,
            append.now,
        )

        def work(connection: sqlite3.Connection) -> RunRecord:
            row = connection.execute(APPEND[append.status], update).fetchone()
            if row is None:
                record = connection.execute(GET, (run_id,)).fetchone()
                if record is None:
                    raise missing(run_id)
                check_append(_record(record), append)
                raise AssertionError(f"{APPEND[append.status]} and check_append disagree")
            connection.executemany(ADD, _numbered(run_id, append.position, append.lines))
            return _record(row)

        return await self._database.write(work)

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """See `Store.acquire`."""
        update = (owner, owner, until, run_id, owner, now)
        row = await self._database.write(lambda db: db.execute(ACQUIRE, update).fetchone())
        return row and _record(row)

    async def list(
        self,
        *,
        principal: str | None = None,
        agent: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[RunRecord]:
        """See `Store.list`."""
        conditions: list[str] = []
        values: list[str | int] = []
        if principal is not None:
            conditions.append("principal = ?")
            values.append(principal)
        if agent is not None:
            conditions.append("agent = ?")
            values.append(agent)
        if before is not None:
            conditions.append("(created, id) < (SELECT created, id FROM runs WHERE id = ?)")
            values.append(before)
        query = f"{LIST} WHERE {' AND '.join(conditions)}" if conditions else LIST
        values.append(limit)
        rows = await self._database.read(
            lambda db: db.execute(f"{query} {NEWEST_FIRST}", values).fetchall()
        )
        return [_record(row) for row in rows]

    async def count(self, *, principal: str | None, live: bool) -> int:
        """See `Store.count`."""
        query = COUNT_LIVE if live else COUNT
        (count,) = await self._database.read(lambda db: db.execute(query, (principal,)).fetchone())
        return count

    async def delete(self, run_id: str) -> None:
        """See `Store.delete`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM entries WHERE run_id = ?", (run_id,))
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))

        await self._database.write(work)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
        self._database.close()


def _chosen(path: str | os.PathLike[str] | None) -> str:
    if path is None:
        path = os.environ.get(PATH_VARIABLE) or os.path.join(
            platformdirs.user_data_dir("inverted"), "runs.sqlite3"
        )
    path = os.fspath(path)
    return path if path == MEMORY else os.path.abspath(os.path.expanduser(path))


COLUMNS: Final = (
    "id, agent, principal, key, status, created, updated, position, segment_start, size, fence, "
    "lease_owner, lease_until"
)
GET: Final = f"SELECT {COLUMNS} FROM runs WHERE id = ?"
FIND: Final = (
    f"SELECT {COLUMNS} FROM runs WHERE agent = ? AND key = ? "
    "AND coalesce('=' || principal, '') = coalesce('=' || ?, '')"
)
READ: Final = "SELECT line FROM entries WHERE run_id = ? AND position >= ? ORDER BY position"
CREATE: Final = f"INSERT INTO runs ({COLUMNS}) VALUES ({', '.join('?' * 13)})"
ADD: Final = "INSERT INTO entries (run_id, position, line) VALUES (?, ?, ?)"
LIST: Final = f"SELECT {COLUMNS} FROM runs"
NEWEST_FIRST: Final = "ORDER BY created DESC, id DESC LIMIT ?"
COUNT: Final = "SELECT count(*) FROM runs WHERE principal IS ?"


def _quoted(statuses: list[Status]) -> str:
    return ", ".join(f"'{status.value}'" for status in statuses)


COUNT_LIVE: Final = (
    f"{COUNT} AND status IN ({_quoted([each for each in Status if not each.terminal])})"
)

FREE: Final = "(lease_owner IS NULL OR lease_owner = ? OR lease_until <= ?)"
APPEND: Final = {
    after: "UPDATE runs SET status = ?, updated = ?, position = position + ?, "
    "segment_start = coalesce(?, segment_start), size = size + ?, "
    "fence = fence + (lease_owner IS NOT NULL AND lease_owner <> ?), "
    "lease_owner = ?, lease_until = ? "
    "WHERE id = ? AND position = ? AND fence = ? AND "
    f"status IN ({_quoted([each for each in Status if may_become(each, after)])}) "
    f"AND {FREE} RETURNING {COLUMNS}"
    for after in Status
}
"""For each new status, the whole of `Store.append` but its lines: the rules are its conditions."""
ACQUIRE: Final = (
    "UPDATE runs SET fence = fence + (lease_owner IS NOT ?), lease_owner = ?, lease_until = ? "
    f"WHERE id = ? AND {FREE} RETURNING {COLUMNS}"
)


def _numbered(
    run_id: str, start: int, lines: Sequence[bytes]
) -> list[tuple[str, int, bytes]]:
    return [(run_id, position, line) for position, line in enumerate(lines, start)]


def _row(record: RunRecord) -> tuple[Any, ...]:
    lease = record.lease
    return (
        record.id,
        record.agent,
        record.principal,
        record.key,
        record.status,
        record.created,
        record.updated,
        record.position,
        record.segment_start,
        record.size,
        record.fence,
        lease and lease.owner,
        lease and lease.until,
    )


def _record(row: tuple[Any, ...]) -> RunRecord:
    lease = None if row[11] is None else Lease(row[11], row[12])
    return RunRecord(*row[:4], Status(row[4]), *row[5:11], lease)
