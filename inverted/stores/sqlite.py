"""The store of one machine: runs in one SQLite file, shared by any number of processes.

Durable when a call returns: WAL with `synchronous=FULL` survives a crash of the process and of the
machine; with "normal", a crash of the machine may lose the last writes, never the file.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from platformdirs import user_data_path

from inverted.core.lifecycle import Status
from inverted.stores import sqlite_statements as sql
from inverted.stores.base import CANCEL, Append, Lease, RunRecord
from inverted.stores.rules import (
    appended,
    id_taken,
    key_taken,
    may_append,
    missing,
    nudge,
    only_adds,
    refusal,
)
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
            if connection.execute(sql.GET, (record.id,)).fetchone():
                raise id_taken(record.id)
            named = (record.agent, record.key, record.principal)
            if record.key is not None and connection.execute(sql.FIND, named).fetchone():
                raise key_taken(record.key)
            number = connection.execute(sql.CREATE, _row(record)).lastrowid
            _add(connection, number, 0, lines)

        await self._database.transaction(work)

    async def get(self, run_id: str) -> RunRecord | None:
        """See `Store.get`."""
        row = await self._database.run(lambda db: db.execute(sql.GET, (run_id,)).fetchone())
        return row and _record(row)

    async def find(self, agent: str, principal: str | None, key: str) -> RunRecord | None:
        """See `Store.find`."""
        named = (agent, key, principal)
        row = await self._database.run(lambda db: db.execute(sql.FIND, named).fetchone())
        return row and _record(row)

    async def read(self, run_id: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """See `Store.read`."""
        wanted = (run_id, start, sql.NO_POSITION if stop is None else stop)
        rows = await self._database.run(lambda db: db.execute(sql.READ, wanted).fetchall())
        return [line for (line,) in rows]

    async def append(self, run_id: str, append: Append) -> RunRecord:
        """See `Store.append`."""

        def work(connection: sqlite3.Connection) -> RunRecord:
            row = connection.execute(sql.GET, (run_id,)).fetchone()
            if row is None:
                raise missing(run_id)
            record = _record(row)
            if not may_append(record, append):
                raise refusal(record, append)
            number = row[0]
            if append.taken:
                connection.executemany(sql.TAKE, [(number, id) for id in append.taken])
            posted = append.lease_until is None and record.task is not None
            if posted:
                (posted,) = connection.execute(sql.POSTED, (number,)).fetchone()
            after = appended(record, append, posted=posted)
            synced = record.position // sql.SYNCED == after.position // sql.SYNCED
            if not synced or not only_adds(record, append):
                _update(connection, number, after)
            _add(connection, number, append.position, append.lines)
            return after

        return await self._database.transaction(work)

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """See `Store.acquire`."""
        update = (owner, owner, until, run_id, owner, now)

        def work(connection: sqlite3.Connection) -> RunRecord | None:
            if not connection.execute(sql.ACQUIRE, update).rowcount:
                return None
            return _record(connection.execute(sql.GET, (run_id,)).fetchone())

        return await self._database.transaction(work)

    async def post(self, run_id: str, answers: Mapping[str, bytes], now: float) -> RunRecord | None:
        """See `Store.post`."""

        def work(connection: sqlite3.Connection) -> RunRecord | None:
            row = connection.execute(sql.GET, (run_id,)).fetchone()
            record = row and _record(row)
            if record is None or record.status.terminal or not answers:
                return record
            rows = [(row[0], id, answer) for id, answer in answers.items()]
            connection.executemany(sql.POST, rows)
            after = nudge(record, now)
            if after is not record:
                connection.execute(sql.NUDGE, (after.wake, row[0]))
            return after

        return await self._database.transaction(work)

    async def stop(self, run_id: str, reason: str, now: float) -> RunRecord | None:
        """See `Store.stop`."""

        def work(connection: sqlite3.Connection) -> RunRecord | None:
            row = connection.execute(sql.GET, (run_id,)).fetchone()
            record = row and _record(row)
            if record is None or record.status.terminal or record.stop is not None:
                return None
            connection.execute(sql.POST, (row[0], CANCEL, reason.encode()))
            after = nudge(record, now)._replace(stop=reason, updated=now)
            connection.execute(sql.STOP, (after.wake, reason, now, row[0]))
            return after

        return await self._database.transaction(work)

    async def inbox(self, run_id: str) -> list[tuple[str, bytes]]:
        """See `Store.inbox`."""
        return await self._database.run(lambda db: db.execute(sql.INBOX, (run_id,)).fetchall())

    async def due(
        self,
        now: float,
        *,
        agents: Collection[str] | None = None,
        dead: Sequence[str] = (),
        limit: int = 100,
    ) -> list[RunRecord]:
        """See `Store.due`."""
        names = None if agents is None else json.dumps(list(agents))

        def work(connection: sqlite3.Connection) -> list[RunRecord]:
            wanted = {"now": now, "agents": names, "limit": limit}
            rows = connection.execute(sql.DUE, wanted).fetchall()
            for owner in dead:
                wanted = {**wanted, "owner": owner, "limit": limit - len(rows)}
                rows += connection.execute(sql.DUE_OF_DEAD, wanted).fetchall()
            return [_record(row) for row in rows]

        return await self._database.run(work)

    async def next_wake(self) -> float | None:
        """See `Store.next_wake`."""
        (wake,) = await self._database.run(lambda db: db.execute(sql.NEXT_WAKE).fetchone())
        return wake

    async def owners(self) -> list[str]:
        """See `Store.owners`."""
        rows = await self._database.run(lambda db: db.execute(sql.OWNERS).fetchall())
        return [owner for (owner,) in rows]

    async def nudged(self, owner: str) -> list[str]:
        """See `Store.nudged`."""
        rows = await self._database.run(lambda db: db.execute(sql.NUDGED, (owner,)).fetchall())
        return [run_id for (run_id,) in rows]

    async def expired(self, now: float, limit: int = 100) -> list[str]:
        """See `Store.expired`."""
        rows = await self._database.run(lambda db: db.execute(sql.EXPIRED, (now, limit)).fetchall())
        return [run_id for (run_id,) in rows]

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
        conditions: list[str] = []
        values: list[str | int | None] = []
        if tasks:
            conditions.append("task IS NOT NULL AND principal IS ?")
            values.append(principal)
        elif principal is not None:
            conditions.append("principal = ?")
            values.append(principal)
        if agent is not None:
            conditions.append("agent = ?")
            values.append(agent)
        if before is not None:
            conditions.append("(created, id) < (SELECT created, id FROM runs WHERE id = ?)")
            values.append(before)
        query = f"{sql.SELECT} WHERE {' AND '.join(conditions)}" if conditions else sql.SELECT
        values.append(limit)
        rows = await self._database.run(
            lambda db: db.execute(f"{query} {sql.NEWEST_FIRST}", values).fetchall()
        )
        return [_record(row) for row in rows]

    async def count(self, *, principal: str | None, live: bool, tasks: bool = False) -> int:
        """See `Store.count`."""
        query = f"{sql.COUNT}{sql.LIVE if live else ''}{sql.TASKS if tasks else ''}"
        (count,) = await self._database.run(lambda db: db.execute(query, (principal,)).fetchone())
        return count

    async def delete(self, run_id: str) -> None:
        """See `Store.delete`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(sql.DELETE_ENTRIES, (run_id,))
            connection.execute(sql.DELETE_INBOX, (run_id,))
            connection.execute(sql.DELETE_RUN, (run_id,))

        await self._database.transaction(work)

    async def aclose(self) -> None:
        """See `Store.aclose`."""
        self._database.close()


def _chosen(path: str | os.PathLike[str] | None) -> str:
    if path is None:
        path = os.environ.get(PATH_VARIABLE) or user_data_path("inverted") / "runs.sqlite3"
    if path == MEMORY:
        return MEMORY
    return str(Path(path).expanduser().absolute())


def _add(
    connection: sqlite3.Connection, number: int | None, start: int, lines: Sequence[bytes]
) -> None:
    connection.executemany(
        sql.ADD, [(number, position, line) for position, line in enumerate(lines, start)]
    )


def _update(connection: sqlite3.Connection, number: int, record: RunRecord) -> None:
    lease = record.lease
    values = (
        record.status.value,
        record.updated,
        record.position,
        record.segment_start,
        record.size,
        record.fence,
        lease and lease.owner,
        lease and lease.until,
        record.wake,
        record.message,
        number,
    )
    connection.execute(sql.UPDATE, values)
    if record.status.terminal:
        connection.execute(sql.END, (record.expires, number))


def _row(record: RunRecord) -> tuple[Any, ...]:
    lease = record.lease
    return (
        record.id,
        record.agent,
        record.principal,
        record.key,
        record.status.value,
        record.created,
        record.updated,
        record.position,
        record.segment_start,
        record.size,
        record.fence,
        lease and lease.owner,
        lease and lease.until,
        record.task,
        record.expires,
        record.wake,
        record.message,
        record.stop,
        not record.status.terminal,
    )


def _record(row: tuple[Any, ...]) -> RunRecord:
    (
        _,
        id,
        agent,
        principal,
        key,
        status,
        created,
        updated,
        position,
        segment_start,
        size,
        fence,
        owner,
        until,
        *rest,
    ) = row
    return RunRecord(
        id,
        agent,
        principal,
        key,
        Status(status),
        created,
        updated,
        position,
        segment_start,
        size,
        fence,
        None if owner is None else Lease(owner, until),
        *rest,
    )
