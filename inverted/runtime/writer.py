"""Writes what happens in a leg to the store: one commit for all that happened between two waits.

Also how a run ends, and how its lease is kept. `Leg` is the only caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inverted.core.effects import Kind
from inverted.core.journal import Failure, Finished
from inverted.core.lifecycle import Status
from inverted.errors import JournalError, StoreConflict
from inverted.runtime.apart import explained
from inverted.runtime.live import Live
from inverted.runtime.ports import Clock, Ended, Question, Sealer
from inverted.stores.base import Append, Lease, RunRecord, Store
from inverted.stores.rules import missing


def _nothing_more(_: RunRecord) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Services:
    """What every leg of one runtime uses.

    Attributes:
        store: Where runs live.
        clock: Time.
        sealer: Encrypts results of secret steps, if there is one.
        owner: Name under which this runtime holds leases.
        lease: Seconds that a lease lasts without being renewed.
        retention: Seconds that a run is kept after its end; None keeps it for ever.
        committed: Told of every record that a leg has written.
    """

    store: Store
    clock: Clock
    sealer: Sealer | None
    owner: str
    lease: float
    retention: float | None = None
    committed: Callable[[RunRecord], object] = _nothing_more


class Writer:
    """Writes one run during one leg."""

    def __init__(self, live: Live, services: Services) -> None:
        self._live = live
        self._store = services.store
        self._clock = services.clock
        self._owner = services.owner
        self._lease = services.lease
        self._retention = services.retention
        self._committed = services.committed
        self._task = live.record.task is not None
        self.ended: Ended | None = None
        """How the run ended, if it has."""
        self.taken: list[str] = []
        """What was taken from the inbox since the last commit."""
        self.questions: list[Question] = live.questions if self._task and live.created else []
        """What a task asks, as of the last commit."""

    async def commit(self, *, busy: bool) -> None:
        """Write what has happened since the last time: lines, status, lease and wake time.

        Args:
            busy: Whether the leg goes on, and keeps the lease.

        Raises:
            StoreConflict: Another process moved the run on.
            StoreError: The store failed; nothing was written.
        """
        live, now = self._live, self._clock.now()
        status = Status.INPUT_REQUIRED if live.asks else Status.WORKING
        expires = None
        if live.machine.done and not busy:
            if self._task and live.created:
                await self._see_whether_it_shall_stop()
            self.ended = self._end(now)
            status = self.ended.status
            expires = self._expires(now)
        until = self._until(now) if busy else None
        wake = self._wake_time(until) if self._task else None
        if not live.created:
            record = live.record
            record = record._replace(
                status=status,
                updated=now,
                position=len(live.lines),
                segment_start=live.segment_start or 0,
                size=live.pending,
                lease=None if until is None else Lease(self._owner, until),
                expires=record.expires if expires is None else expires,
                wake=wake,
                message=self._message(),
            )
            await self._store.create(record, live.lines)
            live.record, live.created = record, True
        elif live.lines or self.taken or (self._task and not busy and self._is_due(wake)):
            live.record = await self._store.append(
                live.record.id,
                Append(
                    position=live.record.position,
                    fence=live.record.fence,
                    owner=self._owner,
                    lines=live.lines,
                    status=status,
                    now=now,
                    lease_until=until,
                    segment_start=live.segment_start,
                    wake=wake,
                    message=self._message(),
                    taken=self.taken,
                    expires=expires,
                ),
            )
        elif busy:
            await self._take_lease()
        live.lines, live.pending, live.segment_start = [], 0, None
        if self.taken:
            self.taken = []
        if self._task:
            self.questions = self._live.questions
            self._committed(live.record)

    async def _see_whether_it_shall_stop(self) -> None:
        """A cancellation that was posted before the end is written decides how the run ends."""
        live = self._live
        record = await self._store.get(live.record.id)
        if record is None:
            raise missing(live.record.id)
        live.record = live.record._replace(stop=record.stop)

    def _wake_time(self, until: float | None) -> float | None:
        """When somebody must drive the task on.

        Its lease has lapsed, its first timer is due, or its limit of time is over: a task that is
        left alone ends then.
        """
        if until is not None or self.ended is not None:
            return until
        live = self._live
        due = [
            live.marks[id]
            for id, effect, _ in live.machine.parked.values()
            if effect.kind is Kind.SLEEP
        ]
        if live.agent.limits.seconds is not None:
            due.append(live.record.created + live.agent.limits.seconds + 1)
        return min(due, default=None)

    def _is_due(self, wake: float | None) -> bool:
        """Whether the record asks for a drive that found nothing to do."""
        record = self._live.record
        return record.lease is not None or record.wake != wake

    def _message(self) -> str | None:
        """What the body last said of its progress, if it said something since the last commit."""
        said = [
            notice["message"]
            for notice in self._live.machine.notices
            if notice["type"] == "progress" and notice["message"] is not None
        ]
        return said[-1] if said else None

    def _expires(self, now: float) -> float | None:
        """When a run that ends now may be deleted. A time to live that was promised is kept."""
        promised = self._live.record.expires if self._task else None
        return (
            promised if promised is not None or self._retention is None else now + self._retention
        )

    def _until(self, now: float) -> float:
        """A lease that has just been taken is kept as it is: a write that only adds is cheaper."""
        lease, until = self._live.record.lease, now + self._lease
        if (
            lease is not None
            and lease.owner == self._owner
            and lease.until > until - self._lease / 5
        ):
            return lease.until
        return until

    def _end(self, now: float) -> Ended:
        """How the run ended; queued for the next write."""
        live, ended = self._live, self._outcome()
        try:
            live.write(Finished(ended.status, ended.result, ended.failure), now)
        except JournalError as error:
            ended = Ended(ended.run_id, Status.FAILED, None, self._unsendable(error))
            live.write(Finished(ended.status, None, ended.failure), now)
        return ended

    def _outcome(self) -> Ended:
        live, machine = self._live, self._live.machine
        run_id = live.record.id
        if machine.cancelled or live.record.stop is not None:
            return Ended(run_id, Status.CANCELLED)
        if machine.error is not None:
            error = live.agent.translate(explained(machine.error))
            return Ended(run_id, Status.FAILED, None, Failure.of(error))
        try:
            return Ended(run_id, Status.COMPLETED, live.agent.encode(machine.result))
        except Exception as error:  # noqa: BLE001 - pydantic and the author's types raise anything
            return Ended(run_id, Status.FAILED, None, self._unsendable(error))

    def _unsendable(self, error: Exception) -> Failure:
        """For a result that is no JSON, or an error with data that are none."""
        machine = self._live.machine
        if machine.error is not None:
            return Failure(type(machine.error).__name__, str(machine.error))
        return Failure(
            "AgentCodeError",
            f"The agent returned a {type(machine.result).__name__} that cannot be sent as its "
            f"result: {error}. Return what its annotation says.",
        )

    async def _take_lease(self) -> None:
        """Take or renew the lease when there is nothing to write with it.

        The record may still name a lease: one that lapsed, or our own from a leg that failed.
        """
        live, now = self._live, self._clock.now()
        record = await self._store.acquire(live.record.id, self._owner, now, now + self._lease)
        if record is None or record.position != live.record.position:
            raise StoreConflict(
                f"Another process works on run {live.record.id}. Wait for it and reload."
            )
        live.record = record

    async def heartbeat(self) -> None:
        """Keep the lease. Started when a third of it has passed; most legs end before.

        Raises:
            StoreConflict: The lease was lost.
        """
        # Without a lease in the record, the leg has parked and released it: there is none to keep.
        while self._live.record.lease is not None:
            now = self._clock.now()
            record = await self._store.acquire(
                self._live.record.id, self._owner, now, now + self._lease
            )
            if record is None or record.fence != self._live.record.fence:
                raise StoreConflict(f"The lease on run {self._live.record.id} was lost. Reload it.")
            self._live.record = self._live.record._replace(lease=record.lease)
            await self._clock.sleep(self._lease / 3)
