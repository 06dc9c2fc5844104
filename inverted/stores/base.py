"""What every store does. The driver of `runtime` is the only caller.

A store keeps, for each run, one record and the ordered lines of its journal. Lines are opaque
bytes to it. Three rules make several processes on one store safe:

- every write names the position it was made at; a write at another position is refused;
- a write is refused while another owner holds the lease on the run;
- taking a lease raises the fencing number, and a write with an older number is refused.

A write is all or nothing, and it is durable when the call returns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
        task: How it is served as a task, in words of the layers above; None when it is no task.
        expires: Wall-clock seconds from which on it may be deleted.
        wake: Wall-clock seconds from which on somebody must drive it, though no request does.
        message: What it last said of its progress.
        stop: Why it shall be cancelled, from the request on. It can then end only as cancelled.
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
    task: str | None = None
    expires: float | None = None
    wake: float | None = None
    message: str | None = None
    stop: str | None = None


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
        wake: New `RunRecord.wake`. A write that releases the lease while something is left in the
            inbox sets it to `now` instead.
        message: New `RunRecord.message`; None keeps the old one.
        taken: Ids of the inbox that the lines have dealt with; they are removed.
        expires: New `RunRecord.expires`, with a terminal status; None keeps the old one.
    """

    position: int
    fence: int
    owner: str
    lines: Sequence[bytes]
    status: Status
    now: float
    lease_until: float | None = None
    segment_start: int | None = None
    wake: float | None = None
    message: str | None = None
    taken: Sequence[str] = ()
    expires: float | None = None


CANCEL = ""
"""The id in the inbox under which a request to cancel stands. No effect has it."""


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
        """Add lines, change the status and the lease, take from the inbox, in one write.

        Returns:
            The record after the write. Its fence is one higher when the lease of somebody else
            had lapsed.

        Raises:
            StoreConflict: The position or fence is another, somebody else holds the lease, or the
                run shall be cancelled and would end otherwise.
            StoreError: The lifecycle has no such transition, or the store failed. Nothing was
                written.
        """
        ...

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        """Take the lease, raising the fence, or renew one's own, keeping the fence.

        Returns:
            The record after the write; None while somebody else holds the lease, when the run has
            ended, or without such a run.
        """
        ...

    async def post(self, run_id: str, answers: Mapping[str, bytes], now: float) -> RunRecord | None:
        """Put answers into the inbox of a run, whoever works on it.

        The first answer to an id counts until it is taken. When nobody holds the lease, `wake`
        becomes `now`, otherwise at the latest the end of the lease. A run that has ended takes
        nothing.

        Returns:
            The record after the write, or None without such a run.
        """
        ...

    async def stop(self, run_id: str, reason: str, now: float) -> RunRecord | None:
        """Ask for the cancellation of a run, under the id `CANCEL` of its inbox too.

        Returns:
            The record after the write; None when the run has ended, is being cancelled already, or
            does not exist.
        """
        ...

    async def inbox(self, run_id: str) -> list[tuple[str, bytes]]:
        """What was posted and not yet taken, in the order of posting."""
        ...

    async def due(
        self,
        now: float,
        *,
        agents: Collection[str] | None = None,
        dead: Sequence[str] = (),
        limit: int = 100,
    ) -> list[RunRecord]:
        """Tasks that somebody must drive now: `wake` has come, no living owner holds the lease.

        Args:
            now: Wall-clock seconds.
            agents: Only tasks of these agents: those of others, which nobody here can drive, must
                not take their places. None for all.
            dead: Owners whose leases do not count, and whose runs need no `wake` to have come.
            limit: Most tasks.
        """
        ...

    async def next_wake(self) -> float | None:
        """The earliest `wake` of all runs."""
        ...

    async def owners(self) -> list[str]:
        """Who holds leases on runs that have a `wake`."""
        ...

    async def nudged(self, owner: str) -> list[str]:
        """Ids of the runs that this owner holds and that have something in their inbox."""
        ...

    async def expired(self, now: float, limit: int = 100) -> list[str]:
        """Ids of runs whose time is over."""
        ...

    async def list(
        self,
        *,
        principal: str | None = None,
        agent: str | None = None,
        tasks: bool = False,
        limit: int = 100,
        before: str | None = None,
    ) -> list[RunRecord]:
        """Runs, newest first, one page.

        Args:
            principal: Only this caller's runs; None for all.
            agent: Only this agent's runs; None for all.
            tasks: Only tasks, and of exactly this principal: None has its own.
            limit: Size of the page.
            before: Id of the last run of the page before. The page is empty when that run is gone:
                old runs are deleted oldest first, so nothing is after it.
        """
        ...

    async def count(self, *, principal: str | None, live: bool, tasks: bool = False) -> int:
        """How many runs a principal has; with `live`, those not ended; with `tasks`, only tasks."""
        ...

    async def delete(self, run_id: str) -> None:
        """Remove a run, its journal and its inbox. Unknown ids are no error."""
        ...

    async def aclose(self) -> None:
        """Release files and connections. Nothing depends on this being called."""
        ...
