"""What every store does. The driver of `runtime` is the only caller.

A store keeps, for each run, one record and the ordered lines of its journal. Lines are opaque
bytes to it. Three rules make several processes on one store safe:

- every write names the position it was made at; a write at another position is refused;
- a write is refused while another owner holds the lease on the run;
- taking a lease raises the fencing number, and a write with an older number is refused.

A write is all or nothing, and it is durable when the call returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from inverted.core.lifecycle import Status


class Lease(NamedTuple):
    """The right to work on a run until a moment.

    Attributes:
        owner: Who holds it (one name for each runtime).
        until: Wall-clock seconds at which it lapses.
    """

    owner: str
    until: float


class RunRecord(NamedTuple):
    """One run, without its journal.

    Attributes:
        id: Name of the run; 128 bits of entropy.
        agent: Name of the agent.
        principal: The authenticated caller it belongs to; None on unauthenticated transports.
        key: The name that the client gave the run, if any; unique for its agent and principal.
        status: State in the lifecycle.
        created: Wall-clock seconds of its start.
        updated: Wall-clock seconds of the last write that did more than add lines.
        position: How many journal lines it has.
        segment_start: Position of the line from which a replay starts (the last checkpoint).
        size: Bytes of its journal.
        fence: Fencing number; raised by every takeover.
        lease: Who works on it now, if anybody.
    """

    id: str
    agent: str
    principal: str | None
    key: str | None
    status: Status
    created: float
    updated: float
    position: int
    segment_start: int
    size: int
    fence: int
    lease: Lease | None


class Append(NamedTuple):
    """One write to a run.

    Attributes:
        position: Where the writer believes the journal ends.
        fence: The fencing number that the writer knows.
        owner: Who writes.
        lines: New journal lines.
        status: State of the run after the write.
        now: Wall-clock seconds.
        lease_until: Keep (or take) the lease until then; None releases it.
        segment_start: New start of replay, when the lines hold a checkpoint.
    """

    position: int
    fence: int
    owner: str
    lines: Sequence[bytes]
    status: Status
    now: float
    lease_until: float | None = None
    segment_start: int | None = None


class Store(Protocol):
    """Runs and their journals."""

    async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
        """Write a new run and its first lines.

        Args:
            record: The run as it is after the write: its position is `len(lines)`.
            lines: The first journal lines.

        Raises:
            StoreConflict: The id exists, or the key does for this agent and principal.
            StoreError: The store failed; nothing was written.
        """
        ...

    async def get(self, run_id: str) -> RunRecord | None:
        """The record of a run, or None."""
        ...

    async def find(self, agent: str, principal: str | None, key: str) -> RunRecord | None:
        """The run that a client named, or None."""
        ...

    async def read(self, run_id: str, start: int = 0, stop: int | None = None) -> list[bytes]:
        """The journal lines of a run from a position on, before another one if given."""
        ...

    async def append(self, run_id: str, append: Append) -> RunRecord:
        """Add lines, change the status and the lease, in one write.

        Returns:
            The record after the write. Its fence is one higher when the lease of somebody else
            had lapsed.

        Raises:
            StoreConflict: The position or fence is another, or somebody else holds the lease.
            StoreError: The lifecycle has no such transition, or the store failed. Nothing was
                written.
        """
        ...

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """Take the lease, raising the fence, or renew one's own, keeping the fence.

        Returns:
            The record after the write; None while somebody else holds the lease, or without such
            a run.
        """
        ...

    async def list(
        self,
        *,
        principal: str | None = None,
        agent: str | None = None,
        limit: int = 100,
        before: str | None = None,
    ) -> list[RunRecord]:
        """Runs, newest first, one page.

        Args:
            principal: Only this caller's runs; None for all.
            agent: Only this agent's runs; None for all.
            limit: Size of the page.
            before: Id of the last run of the page before. The page is empty when that run is gone:
                old runs are deleted oldest first, so nothing is after it.
        """
        ...

    async def count(self, *, principal: str | None, live: bool) -> int:
        """How many runs a principal has; with `live`, only those that have not ended."""
        ...

    async def delete(self, run_id: str) -> None:
        """Remove a run and its journal. Unknown ids are no error."""
        ...

    async def aclose(self) -> None:
        """Release files and connections. Nothing depends on this being called."""
        ...
