"""Every statement that the SQLite store runs, with its values as parameters.

They need no more than SQLite 3.24, which systems with an old library still bring: no RETURNING,
no STRICT tables. The only caller is `sqlite`.
"""
# ruff: noqa: S608 # the statements are put together from constants of this module only

from __future__ import annotations

from typing import Final

COLUMNS: Final = (
    "id, agent, principal, key, status, created, updated, position, segment_start, size, fence, "
    "lease_owner, lease_until, task, expires, wake, message, stop"
)

# A write that only adds lines leaves the row of the run alone: one page less to write and to sync.
# So the row may be behind the lines, by less than `SYNCED` of them, and is read with them.
SYNCED: Final = 64
"""Each time the journal grows past a multiple of this, the row of the run is brought up to date."""
POSITION: Final = (
    "max(position, 1 + coalesce((SELECT max(e.position) FROM entries e WHERE e.run = number), -1))"
)
SIZE: Final = (
    "size + coalesce((SELECT sum(length(e.line)) FROM entries e "
    "WHERE e.run = number AND e.position >= runs.position), 0)"
)
SELECT: Final = (
    "SELECT number, id, agent, principal, key, status, created, updated, "
    f"{POSITION}, segment_start, {SIZE}, fence, lease_owner, lease_until, "
    "task, expires, wake, message, stop FROM runs"
)
GET: Final = f"{SELECT} WHERE id = ?"
FIND: Final = (
    f"{SELECT} WHERE agent = ? AND key = ? "
    "AND coalesce('=' || principal, '') = coalesce('=' || ?, '')"
)
NEWEST_FIRST: Final = "ORDER BY created DESC, id DESC LIMIT ?"

COUNT: Final = "SELECT count(*) FROM runs WHERE principal IS ?"
LIVE: Final = " AND live"
TASKS: Final = " AND task IS NOT NULL"

NUMBER: Final = "(SELECT number FROM runs WHERE id = ?)"
READ: Final = (
    f"SELECT line FROM entries WHERE run = {NUMBER} AND position >= ? AND position < ? "
    "ORDER BY position"
)
NO_POSITION: Final = 2**63 - 1
"""Behind every journal line."""
ADD: Final = "INSERT INTO entries (run, position, line) VALUES (?, ?, ?)"

CREATE: Final = f"INSERT INTO runs ({COLUMNS}, live) VALUES ({'?, ' * 18}?)"
DELETE_ENTRIES: Final = f"DELETE FROM entries WHERE run = {NUMBER}"
DELETE_RUN: Final = "DELETE FROM runs WHERE id = ?"

FREE: Final = "(lease_owner IS NULL OR lease_owner = ? OR lease_until <= ?)"
ACQUIRE: Final = (
    "UPDATE runs SET fence = fence + (lease_owner IS NOT ?), lease_owner = ?, lease_until = ? "
    f"WHERE id = ? AND live AND {FREE}"
)

UPDATE: Final = (
    "UPDATE runs SET status = ?, updated = ?, position = ?, segment_start = ?, size = ?, "
    "fence = ?, lease_owner = ?, lease_until = ?, wake = ?, message = ? WHERE number = ?"
)
END: Final = "UPDATE runs SET live = 0, expires = ? WHERE number = ?"
"""Only the end of a run touches `live` and `expires`, and thereby their indexes."""

POST: Final = "INSERT OR IGNORE INTO inbox (run, id, answer) VALUES (?, ?, ?)"
NUDGE: Final = "UPDATE runs SET wake = ? WHERE number = ?"
STOP: Final = "UPDATE runs SET wake = ?, stop = ?, updated = ? WHERE number = ?"
INBOX: Final = f"SELECT id, answer FROM inbox WHERE run = {NUMBER} ORDER BY number"
POSTED: Final = "SELECT EXISTS (SELECT 1 FROM inbox WHERE run = ?)"
TAKE: Final = "DELETE FROM inbox WHERE run = ? AND id = ?"
NUDGED: Final = (
    "SELECT id FROM runs WHERE number IN (SELECT DISTINCT run FROM inbox) AND lease_owner = ?"
)
DELETE_INBOX: Final = f"DELETE FROM inbox WHERE run = {NUMBER}"

_OF_THESE: Final = (
    "task IS NOT NULL AND (:agents IS NULL OR agent IN (SELECT value FROM json_each(:agents)))"
)
DUE: Final = (
    f"{SELECT} WHERE wake <= :now AND (lease_owner IS NULL OR lease_until <= :now) AND {_OF_THESE} "
    "ORDER BY wake LIMIT :limit"
)
DUE_OF_DEAD: Final = (
    f"{SELECT} WHERE wake IS NOT NULL AND lease_owner = :owner "
    f"AND NOT (wake <= :now AND lease_until <= :now) AND {_OF_THESE} ORDER BY wake LIMIT :limit"
)
NEXT_WAKE: Final = "SELECT min(wake) FROM runs WHERE wake IS NOT NULL"
OWNERS: Final = (
    "SELECT DISTINCT lease_owner FROM runs WHERE wake IS NOT NULL AND lease_owner IS NOT NULL "
    "ORDER BY lease_owner"
)
EXPIRED: Final = "SELECT id FROM runs WHERE expires <= ? ORDER BY expires LIMIT ?"
