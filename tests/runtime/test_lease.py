"""The lease: one process works on a run at a time, and another takes over when it is gone."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest

from inverted import MemoryStore, Run
from inverted.errors import RunBusy
from inverted.runtime import Runtime
from inverted.runtime.ports import Agent, Answer, Outcome, Question
from inverted.stores import RunRecord, Store
from inverted.stores.base import Append, Lease
from inverted.testing import Crash, CrashingStore, VirtualClock

from .fakes import Inline, Rounds, agent, ask, journal, parked, record_of, result, within

NO_PROCESS = 2**31 - 1
"""A process id that no system gives out."""


class Gate:
    """A step that tells when it starts, and ends when it is let."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.open = anyio.Event()
        self.starts = 0

    async def __call__(self) -> str:
        self.starts += 1
        self.started.set()
        await self.open.wait()
        return "done"


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def by_hand() -> VirtualClock:
    return VirtualClock(jump=False)


def through(gate: Gate) -> Agent:
    async def body(run: Run) -> str:
        return await run.step(gate)

    return agent(body)


async def crashed_in_its_step(store: MemoryStore, gate: Gate, clock: VirtualClock) -> Runtime:
    """A run whose process died after "step started" was written; its runtime is returned."""
    runtime = Runtime(CrashingStore(store, after=2, keep_leases=True), clock=clock)
    with pytest.raises(Crash):
        await runtime.begin(through(gate), {}, Inline(), run_id="run")
    assert await journal(store, "run") == ["started", "asked 1"]
    return runtime


async def start(runtime: Runtime, gate: Gate) -> asyncio.Task[Outcome]:
    """Begin a run, up to where its step runs."""
    task = asyncio.create_task(runtime.begin(through(gate), {}, Inline(), run_id="run"))
    await within(gate.started.wait())
    return task


async def test_the_lease_is_renewed_while_a_step_runs(
    store: Store, gate: Gate, by_hand: VirtualClock
) -> None:
    runtime = Runtime(store, clock=by_hand, lease=30)
    task = await start(runtime, gate)
    first = (await record_of(store, "run")).lease
    assert first == Lease(runtime.owner, by_hand.now() + 30)

    await by_hand.advance(10)
    assert (await record_of(store, "run")).lease == Lease(runtime.owner, by_hand.now() + 30)
    await by_hand.advance(10)
    assert (await record_of(store, "run")).lease == Lease(runtime.owner, by_hand.now() + 30)
    gate.open.set()
    assert result(await within(task)) == "done"
    assert (await record_of(store, "run")).lease is None


async def test_nobody_else_works_on_a_leased_run(
    store: Store, gate: Gate, clock: VirtualClock
) -> None:
    holder, other = Runtime(store, clock=clock, lease=3600), Runtime(store, clock=clock, patience=5)
    task = await start(holder, gate)
    with pytest.raises(RunBusy, match="more than 5 s"):
        await within(other.resume(through(gate), "run", {}, Inline()))
    gate.open.set()
    assert result(await within(task)) == "done"
    assert gate.starts == 1


async def test_who_waits_for_the_holder_gets_its_result(
    store: Store, gate: Gate, clock: VirtualClock
) -> None:
    holder, other = Runtime(store, clock=clock, lease=3600), Runtime(store, clock=clock)
    task = await start(holder, gate)
    waiting = asyncio.create_task(other.resume(through(gate), "run", {}, Inline()))
    gate.open.set()
    assert result(await within(task)) == result(await within(waiting)) == "done"
    assert gate.starts == 1


async def test_a_second_request_in_the_same_process_waits_for_the_first(
    store: Store, gate: Gate, clock: VirtualClock
) -> None:
    runtime = Runtime(store, clock=clock)
    task = await start(runtime, gate)
    second = asyncio.create_task(runtime.resume(through(gate), "run", {}, Inline()))
    gate.open.set()
    assert await within(task) == await within(second)
    assert gate.starts == 1


async def test_a_run_is_taken_over_when_the_lease_has_lapsed(
    gate: Gate, clock: VirtualClock
) -> None:
    store = MemoryStore()
    await crashed_in_its_step(store, gate, clock)
    other = Runtime(store, clock=clock, patience=60)
    gate.open.set()
    before = clock.now()
    assert result(await within(other.resume(through(gate), "run", {}, Inline()))) == "done"
    assert 30 <= clock.now() - before < 31


async def test_who_takes_over_holds_the_lease_before_the_step_runs_again(
    gate: Gate, by_hand: VirtualClock
) -> None:
    store = MemoryStore()
    await crashed_in_its_step(store, gate, by_hand)
    await by_hand.advance(30)
    other, third = Runtime(store, clock=by_hand), Runtime(store, clock=by_hand, patience=-1)
    task = asyncio.create_task(other.resume(through(gate), "run", {}, Inline()))
    await within(gate.started.wait())

    record = await record_of(store, "run")
    assert record.lease == Lease(other.owner, by_hand.now() + 30)
    assert record.fence == 1
    with pytest.raises(RunBusy):
        await within(third.resume(through(gate), "run", {}, Inline()))
    gate.open.set()
    assert result(await within(task)) == "done"
    assert gate.starts == 1


async def test_a_process_that_comes_back_to_its_own_run_renews_the_lease_first(
    gate: Gate, by_hand: VirtualClock
) -> None:
    store = MemoryStore()

    async def hang_up(question: Question) -> Answer:
        raise ConnectionError("the client is gone")

    async def body(run: Run) -> str:
        return await ask("a")

    runtime = Runtime(store, clock=by_hand)
    with pytest.raises(ConnectionError):
        await runtime.begin(agent(body), {}, Inline(hang_up), run_id="run")
    await by_hand.advance(29)

    async def look(question: Question) -> Answer:
        lease = (await record_of(store, "run")).lease
        assert lease == Lease(runtime.owner, by_hand.now() + 30)
        raise ConnectionError("seen")

    with pytest.raises(ConnectionError, match="seen"):
        await runtime.resume(agent(body), "run", {}, Inline(look))


async def test_a_killed_process_on_this_machine_is_not_waited_for(
    gate: Gate, clock: VirtualClock
) -> None:
    store = MemoryStore()
    dead = await crashed_in_its_step(store, gate, clock)
    place, _, token = dead.owner.rsplit("/", 2)
    killed = f"{place}/{NO_PROCESS}/{token}"
    assert await store.acquire("run", killed, clock.now() + 30, clock.now() + 60) is not None
    gate.open.set()
    before = clock.now()
    other = Runtime(store, clock=clock)
    assert result(await within(other.resume(through(gate), "run", {}, Inline()))) == "done"
    assert clock.now() == before


async def test_the_holder_that_lost_its_lease_stops_and_serves_the_others_result(
    gate: Gate, by_hand: VirtualClock
) -> None:
    store = MemoryStore()
    late, stopped = Runtime(store, clock=by_hand), anyio.Event()

    async def body(run: Run, quick: str = "") -> str:
        return await run.step(slow)

    async def slow() -> str:
        gate.starts += 1
        gate.started.set()
        try:
            await gate.open.wait()
        except BaseException:
            stopped.set()
            raise
        return "done"

    task = asyncio.create_task(late.begin(agent(body), {}, Inline(), run_id="run"))
    await within(gate.started.wait())
    gate.started = anyio.Event()

    # A process whose clock is ahead sees the lease lapse.
    ahead = VirtualClock(by_hand.now() + 100, jump=False)
    other = asyncio.create_task(
        Runtime(store, clock=ahead).resume(agent(body), "run", {}, Inline())
    )
    await within(gate.started.wait())
    await by_hand.advance(10)
    await within(stopped.wait())
    gate.open.set()
    assert result(await within(other)) == "done"
    await by_hand.advance(1)
    assert result(await within(task)) == "done"
    assert gate.starts == 2
    assert (await journal(store, "run"))[-2:] == ["answered 1", "completed"]


async def test_a_heartbeat_that_is_due_when_the_run_has_ended_is_left_out(gate: Gate) -> None:
    class Alarm(VirtualClock):
        """Rings when the last line is written."""

        def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
            rings.append(callback)
            return rings.clear

    class Ringing(MemoryStore):
        async def append(self, run_id: str, append: Append) -> RunRecord:
            rings[0]()
            return await super().append(run_id, append)

    rings: list[Callable[[], object]] = []
    store = Ringing()
    gate.open.set()
    outcome = await Runtime(store, clock=Alarm()).begin(through(gate), {}, Inline(), run_id="run")
    await anyio.wait_all_tasks_blocked()
    assert result(outcome) == "done"
    assert (await record_of(store, "run")).lease is None


async def test_a_parked_run_is_not_leased_again_while_its_client_is_told_of_progress(
    store: Store, gate: Gate, by_hand: VirtualClock
) -> None:
    telling, told = anyio.Event(), anyio.Event()

    class Slow(Rounds):
        async def notify(self, payload: object) -> None:
            telling.set()
            await told.wait()

    async def body(run: Run) -> str:
        await run.step(gate)
        await run.report_progress(1)
        return await ask("a")

    runtime = Runtime(store, clock=by_hand)
    task = asyncio.create_task(runtime.begin(agent(body), {}, Slow(), run_id="run"))
    await within(gate.started.wait())
    await by_hand.advance(11)
    gate.open.set()
    await within(telling.wait())
    await by_hand.advance(11)
    assert (await record_of(store, "run")).lease is None
    told.set()
    assert parked(await within(task)) == ["2"]


async def test_an_answer_that_lost_a_race_with_another_process_is_not_recorded_twice() -> None:
    store = Interrupted()

    async def body(run: Run) -> list[str]:
        return [await ask("a"), await ask("b")]

    one, other = Runtime(store), Runtime(store)
    run_id = (await one.begin(agent(body), {}, Rounds())).run_id

    store.before_append = lambda: other.resume(agent(body), run_id, {"1": "other"}, Rounds())
    assert parked(await one.resume(agent(body), run_id, {"1": "mine"}, Rounds())) == ["2"]
    assert result(await one.resume(agent(body), run_id, {"2": "b"}, Rounds())) == ["other", "b"]


class Interrupted(MemoryStore):
    """A store in which something happens between a read and the next write, once."""

    before_append: Callable[[], Awaitable[object]] | None = None

    async def append(self, run_id: str, append: Append) -> RunRecord:
        happens, self.before_append = self.before_append, None
        if happens is not None:
            await happens()
        return await super().append(run_id, append)


async def test_a_run_that_another_process_took_between_a_read_and_the_lease_is_read_again(
    gate: Gate, clock: VirtualClock
) -> None:
    class Late(MemoryStore):
        async def acquire(
            self, run_id: str, owner: str, now: float, until: float
        ) -> RunRecord | None:
            if owner == mine.owner and self is store and not taken:
                taken.append(result(await other.resume(through(gate), "run", {}, Inline())))
            return await super().acquire(run_id, owner, now, until)

    store, taken = Late(), list[str]()
    mine, other = Runtime(store, clock=clock), Runtime(store, clock=clock)
    await crashed_in_its_step(store, gate, clock)
    await clock.advance(31)
    gate.open.set()
    assert result(await within(mine.resume(through(gate), "run", {}, Inline()))) == "done"
    assert taken == ["done"]
    assert gate.starts == 1
