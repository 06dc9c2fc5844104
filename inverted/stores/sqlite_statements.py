"""Every statement that the SQLite store runs, with its values as parameters.

They need no more than SQLite 3.24, which systems with an old library still bring: no RETURNING,
no STRICT tables. The only caller is `sqlite`.
"""
# ruff: noqa: S608 # the statements are put together from constants of this module only

from __future__ import annotations

from typing import Final

from inverted.core.lifecycle import Status, may_become

COLUMNS: Final = (
    "id, agent, principal, key, status, created, updated, position, segment_start, size, fence, "
    "lease_owner, lease_until"
)

SELECT: Final = f"SELECT number, {COLUMNS} FROM runs"
GET: Final = f"{SELECT} WHERE id = ?"
FIND: Final = (
    f"{SELECT} WHERE agent = ? AND key = ? "
    "AND coalesce('=' || principal, '') = coalesce('=' || ?, '')"
)
NEWEST_FIRST: Final = "ORDER BY created DESC, id DESC LIMIT ?"

COUNT: Final = "SELECT count(*) FROM runs WHERE principal IS ?"
COUNT_LIVE: Final = f"{COUNT} AND live"

NUMBER: Final = "(SELECT number FROM runs WHERE id = ?)"
READ: Final = (
    f"SELECT line FROM entries WHERE run = {NUMBER} AND position >= ? AND position < ? "
    "ORDER BY position"
)
NO_POSITION: Final = 2**63 - 1
"""Behind every journal line."""
ADD: Final = "INSERT INTO entries (run, position, line) VALUES (?, ?, ?)"

CREATE: Final = f"INSERT INTO runs ({COLUMNS}, live) VALUES ({'?, ' * 13}?)"
DELETE_ENTRIES: Final = f"DELETE FROM entries WHERE run = {NUMBER}"
DELETE_RUN: Final = "DELETE FROM runs WHERE id = ?"

FREE: Final = "(lease_owner IS NULL OR lease_owner = ? OR lease_until <= ?)"
ACQUIRE: Final = (
    "UPDATE runs SET fence = fence + (lease_owner IS NOT ?), lease_owner = ?, lease_until = ? "
    f"WHERE id = ? AND {FREE}"
)


def _append_to(after: Status) -> str:
    before = ", ".join(f"'{each.value}'" for each in Status if may_become(each, after))
    return (
        "UPDATE runs SET status = ?, updated = ?, position = position + ?, "
        "segment_start = coalesce(?, segment_start), size = size + ?, "
        "fence = fence + (lease_owner IS NOT NULL AND lease_owner <> ?), "
        f"lease_owner = ?, lease_until = ?{', live = 0' if after.terminal else ''} "
        f"WHERE id = ? AND position = ? AND fence = ? AND status IN ({before}) AND {FREE}"
    )


APPEND: Final = {after: _append_to(after) for after in Status}
"""What an append does to the record, by the new status; the conditions are `rules.may_append`.

Only the ones to a terminal status touch `live`, and thereby an index.
"""
