"""The runtime: begins, resumes and cancels runs, and keeps some of them in memory.

A request names a run and brings answers; the reply is where the run stands afterwards. The store
decides: a copy in memory is used only while it stands where the store does, so any process can
serve any request, and a duplicate, late, partial or reordered one changes nothing.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

import anyio

from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import LimitExceeded, RunBusy, RunError, RunNotFound, StoreConflict
from inverted.runtime.leg import Leg
from inverted.runtime.live import Live, arguments_of, begin, load
from inverted.runtime.owner import new_owner, surely_dead
from inverted.runtime.ports import (
    Agent,
    Carrier,
    Clock,
    Ended,
    Outcome,
    Question,
    Sealer,
    SystemClock,
)
from inverted.runtime.writer import Services
from inverted.stores.base import RunRecord, Store
from inverted.stores.rules import missing


def new_run_id() -> str:
    """A name for a run, with 128 bits of entropy."""
    return secrets.token_urlsafe(16)


class Runtime:
    """Drives runs of any agents against one store.

    Args:
        store: Where runs live.
        clock: Time; replaced in tests.
        sealer: Encrypts results of secret steps; without one secret steps are refused.
        hot_runs: How many parked runs stay in memory. The others are replayed when they are needed.
        lease: Seconds after which a process that stopped answering loses a run.
        patience: Seconds a request waits for another process that works on its run.
        retention: Seconds that a run is kept after its end, and after its limit of time for one
            that was left; None keeps them for ever.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        sealer: Sealer | None = None,
        hot_runs: int = 1000,
        lease: float = 30.0,
        patience: float = 60.0,
        retention: float | None = None,
    ) -> None:
        self.store = store
        self.clock: Clock = clock or SystemClock()
        self.owner = new_owner()
        self.sealer = sealer
        self.lease = lease
        self.retention = retention
        self._services = Services(
            store, self.clock, sealer, self.owner, lease, retention, self._committed
        )
        self.legs: dict[str, Leg] = {}
        """The legs that are under way here, by run."""
        self.watchers: list[Callable[[RunRecord], object]] = []
        """Told of every commit of a task."""
        self.hot_runs = hot_runs
        self._patience = patience
        self._hot: OrderedDict[str, Live] = OrderedDict()
        # The runs that a request works on, each with what wakes the requests that wait for it.
        self._taken: dict[str, anyio.Event | None] = {}
        self._driving: dict[str | None, int] = {}

    async def begin(
        self,
        agent: Agent,
        arguments: dict[str, Json],
        carrier: Carrier,
        *,
        principal: str | None = None,
        key: str | None = None,
        run_id: str | None = None,
    ) -> Outcome:
        """Start a run, or continue the one that the client gave this key.

        Args:
            agent: The agent.
            arguments: Its arguments as JSON.
            carrier: How to reach the client.
            principal: The authenticated caller.
            key: The client's name for the run.
            run_id: Id of a new run, from `new_run_id`; made here if not given.

        Returns:
            Where the run stands.

        Raises:
            RunError: The key names a run with other arguments.
            LimitExceeded: The principal has too many runs in progress here.
            StoreError: The store failed.
        """
        if key is not None:
            known = await self.known(agent, principal, key)
            if known is not None:
                return await self._continue(agent, arguments, carrier, known, principal)
        record = self.new_record(agent, principal, key, run_id)
        try:
            async with self.alone(record.id):
                live = begin(agent, record, arguments, record.created)
                return await self.drive(live, {}, carrier)
        except StoreConflict:
            known = await self.known(agent, principal, key) if key is not None else None
            if known is None:
                return await self.resume(agent, record.id, {}, carrier, principal=principal)
        return await self._continue(agent, arguments, carrier, known, principal)

    async def known(self, agent: Agent, principal: str | None, key: str) -> RunRecord | None:
        """The run that a client named by this key; an expired one is deleted, and gone.

        Raises:
            StoreError: The store failed.
        """
        record = await self.store.find(agent.name, principal, key)
        if record is None or record.expires is None or record.expires > self.clock.now():
            return record
        await self.store.delete(record.id)
        return None

    def new_record(
        self, agent: Agent, principal: str | None, key: str | None, run_id: str | None
    ) -> RunRecord:
        """The record of a run that is not yet written."""
        now, seconds = self.clock.now(), agent.limits.seconds
        kept = None if seconds is None or self.retention is None else seconds + self.retention
        return RunRecord(
            id=run_id or new_run_id(),
            agent=agent.name,
            principal=principal,
            key=key,
            status=Status.WORKING,
            created=now,
            updated=now,
            position=0,
            segment_start=0,
            size=0,
            fence=0,
            lease=None,
            expires=None if kept is None else now + kept,
        )

    async def resume(
        self,
        agent: Agent,
        run_id: str,
        answers: Mapping[str, Json],
        carrier: Carrier,
        *,
        principal: str | None = None,
    ) -> Outcome:
        """Bring answers to a run and drive it on.

        Args:
            agent: The agent that the run belongs to.
            run_id: The run.
            answers: Raw answers by effect id; may be empty, partial, old or repeated.
            carrier: How to reach the client.
            principal: The authenticated caller.

        Returns:
            Where the run stands.

        Raises:
            RunNotFound: No such run for this caller and agent.
            RunBusy: Another process worked on it for longer than this runtime waits.
            AnswerError: An answer has the wrong shape; nothing was delivered.
            DeterminismError: The agent's code does not follow the journal any more.
            JournalError: The journal cannot be read.
            StoreError: The store failed.
        """
        return await self._serve(agent, run_id, answers, carrier, principal=principal)

    async def cancel(
        self,
        agent: Agent,
        run_id: str,
        reason: str,
        carrier: Carrier,
        *,
        principal: str | None = None,
    ) -> Outcome:
        """Cancel a run: `Cancelled` is thrown into its body, and its cleanup is driven.

        Raises:
            RunNotFound: No such run for this caller and agent.
            RunBusy: Another process worked on it for longer than this runtime waits.
            StoreError: The store failed.
        """
        return await self._serve(agent, run_id, {}, carrier, principal=principal, cancel=reason)

    async def check_known(self, known: RunRecord, arguments: dict[str, Json]) -> None:
        """Refuse to continue a run with other arguments than its own.

        Raises:
            RunError: They are others.
        """
        lines = await self.store.read(known.id, 0, 1)
        if not lines:
            raise missing(known.id)  # deleted since
        if arguments_of(lines[0]) != arguments:
            raise RunError(
                f"The run key {known.key!r} names a run of {known.agent} with other arguments. Use "
                "the same "
                "arguments to continue it, or another key to start a new run."
            )

    async def _continue(
        self,
        agent: Agent,
        arguments: dict[str, Json],
        carrier: Carrier,
        known: RunRecord,
        principal: str | None,
    ) -> Outcome:
        await self.check_known(known, arguments)
        return await self.resume(agent, known.id, {}, carrier, principal=principal)

    async def _serve(
        self,
        agent: Agent,
        run_id: str,
        answers: Mapping[str, Json],
        carrier: Carrier,
        *,
        principal: str | None,
        cancel: str | None = None,
    ) -> Outcome:
        deadline = self.clock.now() + self._patience
        pause = 0.005
        while True:
            async with self.alone(run_id):
                record = await self.store.get(run_id)
                if record is None or record.principal != principal or record.agent != agent.name:
                    raise RunNotFound(
                        f"There is no run {run_id} of {agent.name} for this caller: it was "
                        "deleted, or belongs to somebody else. Call the agent again to start a "
                        "new run."
                    )
                free = await self.free(record)
                if free is not None:
                    live = await self.load(agent, free)
                    if isinstance(live, Ended):
                        return live
                    try:
                        return await self.drive(live, answers, carrier, cancel)
                    except StoreConflict:
                        pass
            if self.clock.now() > deadline:
                raise RunBusy(
                    f"Another process has been working on run {run_id} for more than "
                    f"{self._patience:.0f} s. "
                    "Nothing was lost; send the same request again later."
                )
            await self.clock.sleep(pause)
            pause = min(pause * 2, 0.25)

    async def questions(self, agent: Agent, run_id: str) -> list[Question]:
        """What a run asks, without driving it. A run that another process drives may ask more.

        Raises:
            DeterminismError: The agent's code does not follow the journal any more.
            JournalError: The journal cannot be read.
            StoreError: The store failed.
        """
        leg = self.legs.get(run_id)
        if leg is not None:
            record = await self.store.get(run_id)
            if record is None:
                return []
            # A leg is believed only while it stands where the store does. Otherwise another process
            # has moved the run on, and the leg does not know it yet.
            if leg.position >= record.position:
                return leg.questions
            live = await self._replayed(agent, record)
            if isinstance(live, Ended):
                return []
            questions = live.questions
            live.machine.close()
            return questions
        async with self.alone(run_id):
            record = await self.store.get(run_id)
            live = None if record is None else await self.load(agent, record)
            if live is None or isinstance(live, Ended):
                return []
            questions = live.questions
            self._keep(live)
            return questions

    async def free(self, record: RunRecord) -> RunRecord | None:
        """The run if this process may work on it; None while another one does."""
        lease, now = record.lease, self.clock.now()
        if lease is None or lease.owner == self.owner or lease.until <= now:
            return record
        if not surely_dead(lease.owner):
            return None
        # Its holder was killed: taken as of the moment when the lease would lapse.
        until = now + self.lease
        return await self.store.acquire(record.id, self.owner, lease.until, until)

    async def load(self, agent: Agent, record: RunRecord) -> Live | Ended:
        """The run in memory, from its copy here or from its journal. Called within `alone`."""
        live = self._hot.pop(record.id, None)
        if live is not None:
            if live.record.position == record.position:
                live.record = record
                return live
            live.machine.close()
        return await self._replayed(agent, record)

    async def _replayed(self, agent: Agent, record: RunRecord) -> Live | Ended:
        lines = await self.store.read(record.id, record.segment_start)
        if not lines:
            raise missing(record.id)  # deleted since
        (first,) = (
            lines[:1] if record.segment_start == 0 else await self.store.read(record.id, 0, 1)
        )
        return load(agent, record, first, lines, self.sealer)

    async def drive(
        self, live: Live, answers: Mapping[str, Json], carrier: Carrier, cancel: str | None = None
    ) -> Outcome:
        """One leg. Called within `alone`; raises what `Leg.run` raises."""
        self._enter(live)
        self.legs[live.record.id] = leg = Leg(live, carrier, self._services)
        try:
            outcome = await leg.run(answers, cancel)
        except BaseException:
            # The copy in memory may be ahead of the store. The store is the truth.
            live.machine.close()
            raise
        finally:
            del self.legs[live.record.id]
            self._leave(live)
        if isinstance(outcome, Ended):
            live.machine.close()
        else:
            self._keep(live)
        return outcome

    def _committed(self, record: RunRecord) -> None:
        for watcher in self.watchers:
            watcher(record)

    def _enter(self, live: Live) -> None:
        principal, limit = live.record.principal, live.agent.limits.concurrent
        driving = self._driving.get(principal, 0)
        if limit is not None and driving >= limit:
            live.machine.close()
            raise LimitExceeded(
                f"This caller has {driving} runs in progress, the most that "
                f"Limits(concurrent={limit}) allows. "
                "Wait for one to end, or raise the limit."
            )
        self._driving[principal] = driving + 1

    def _leave(self, live: Live) -> None:
        principal = live.record.principal
        self._driving[principal] -= 1
        if not self._driving[principal]:
            del self._driving[principal]

    def _keep(self, live: Live) -> None:
        if self.hot_runs:
            self._hot[live.record.id] = live
        else:
            live.machine.close()
        while len(self._hot) > self.hot_runs:
            _, oldest = self._hot.popitem(last=False)
            oldest.machine.close()

    @asynccontextmanager
    async def alone(self, run_id: str) -> AsyncGenerator[None]:
        """One request at a time works on a run."""
        while run_id in self._taken:
            self._taken[run_id] = over = self._taken[run_id] or anyio.Event()
            await over.wait()
        self._taken[run_id] = None
        try:
            yield
        finally:
            over = self._taken.pop(run_id)
            if over is not None:
                over.set()
