"""Cancelling a run from outside: journaled once, and its cleanup driven to the end."""

import anyio
import pytest

from inverted import Cancelled, MemoryStore, Run
from inverted.core.effects import Kind
from inverted.core.lifecycle import Status
from inverted.errors import RunNotFound
from inverted.runtime import Runtime
from inverted.runtime.ports import Agent, Ended
from inverted.stores import Store
from inverted.testing import Crash, CrashingStore, VirtualClock

from .fakes import Inline, Rounds, agent, ask, journal, parked, record_of, result, within

CANCELLED = Status.CANCELLED
NOBODY = [Kind.ELICIT, Kind.SAMPLE, Kind.ROOTS]


async def asks(run: Run) -> str:
    return await ask("a")


class Cleaning:
    """An agent that undoes its work in two steps when it is cancelled."""

    def __init__(self) -> None:
        self.undone: list[str] = []
        self.agent: Agent = agent(self.body)

    async def body(self, run: Run) -> None:
        try:
            await ask("a")
        except Cancelled:
            await run.step(self.undone.append, "first")
            await run.step(self.undone.append, "second")
            raise


@pytest.fixture
def cleaning() -> Cleaning:
    return Cleaning()


async def test_a_cancelled_run_says_so_for_ever(store: Store) -> None:
    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(asks), {}, Rounds())).run_id
    outcome = await runtime.cancel(agent(asks), run_id, "not needed", Rounds())

    assert outcome == Ended(run_id, CANCELLED)
    assert await journal(store, run_id) == ["started", "asked 1", "cancel", "cancelled"]
    assert (await record_of(store, run_id)).status is CANCELLED
    for other in (runtime, Runtime(store)):
        assert await other.resume(agent(asks), run_id, {"1": "late"}, Rounds()) == outcome


@pytest.mark.parametrize("hot_runs", [0, 10])
async def test_cleanup_is_driven_to_its_end(
    store: Store, cleaning: Cleaning, hot_runs: int
) -> None:
    runtime = Runtime(store, hot_runs=hot_runs)
    run_id = (await runtime.begin(cleaning.agent, {}, Rounds())).run_id
    outcome = await runtime.cancel(cleaning.agent, run_id, "not needed", Rounds())
    assert outcome == Ended(run_id, CANCELLED)
    assert cleaning.undone == ["first", "second"]


async def test_cancelling_twice_is_cancelling_once(store: Store) -> None:
    async def body(run: Run) -> None:
        try:
            await ask("a")
        except Cancelled:
            await ask("what now?")
            raise

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    assert parked(await runtime.cancel(agent(body), run_id, "one", Rounds())) == ["2"]
    assert parked(await runtime.cancel(agent(body), run_id, "two", Rounds())) == ["2"]
    assert (await journal(store, run_id)).count("cancel") == 1
    outcome = await runtime.resume(agent(body), run_id, {"2": "nothing"}, Rounds())
    assert outcome == Ended(run_id, CANCELLED)


async def test_cleanup_that_asks_nobody_hears_it_and_may_go_on(store: Store) -> None:
    seen: list[str] = []

    async def body(run: Run) -> None:
        try:
            await ask("a")
        except Cancelled:
            try:
                await ask("what now?")
            except Exception as error:  # noqa: BLE001 - its text is what is tested
                seen.append(str(error))
            seen.append(await run.step(str, "cleaned"))
            raise

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    outcome = await runtime.cancel(agent(body), run_id, "gone", Rounds(refuses=NOBODY))
    assert outcome == Ended(run_id, CANCELLED)
    assert seen == ["no elicit", "cleaned"]


@pytest.mark.parametrize("line", [1, 2, 3, 4, 5])
async def test_a_crash_in_the_middle_of_cleanup_is_continued_and_the_run_stays_cancelled(
    cleaning: Cleaning, clock: VirtualClock, line: int
) -> None:
    store = MemoryStore()
    run_id = (await Runtime(store, clock=clock).begin(cleaning.agent, {}, Rounds())).run_id
    dying = Runtime(CrashingStore(store, after=line), clock=clock)
    with pytest.raises(Crash):
        await dying.cancel(cleaning.agent, run_id, "not needed", Rounds())

    other = Runtime(store, clock=clock)
    outcome = await within(other.resume(cleaning.agent, run_id, {"1": "late"}, Rounds()))
    assert outcome == Ended(run_id, CANCELLED)
    assert cleaning.undone == ["first", "second"]
    assert (await journal(store, run_id))[-1] == "cancelled"


async def test_a_body_that_swallows_its_cancellation_is_cancelled_all_the_same(
    store: Store,
) -> None:
    async def body(run: Run) -> str:
        try:
            return await ask("a")
        except Cancelled:
            return await ask("b")

    runtime = Runtime(store)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    await runtime.cancel(agent(body), run_id, "not needed", Rounds())
    outcome = await runtime.resume(agent(body), run_id, {"2": "b"}, Rounds())
    assert outcome == Ended(run_id, CANCELLED)


async def test_a_run_that_has_ended_cannot_be_cancelled(store: Store) -> None:
    runtime = Runtime(store)
    outcome = await runtime.begin(agent(asks), {}, Inline())
    assert await runtime.cancel(agent(asks), outcome.run_id, "late", Rounds()) == outcome
    assert result(outcome) == "a"
    assert "cancel" not in await journal(store, outcome.run_id)


async def test_a_run_that_is_not_there_cannot_be_cancelled(store: Store) -> None:
    with pytest.raises(RunNotFound, match="no run nothing of agent"):
        await Runtime(store).cancel(agent(asks), "nothing", "why not", Rounds())


async def test_what_the_body_asks_beyond_the_journal_is_written_before_its_cancellation(
    store: Store,
) -> None:
    async def body(run: Run) -> str:
        return (await ask("a")) + (await ask("b"))

    runtime = Runtime(MemoryStore())
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    await runtime.resume(agent(body), run_id, {"1": "a"}, Rounds())
    record, lines = await record_of(runtime.store, run_id), await runtime.store.read(run_id)
    await store.create(record._replace(position=3), lines[:3])

    outcome = await Runtime(store).cancel(agent(body), run_id, "not needed", Rounds())
    assert outcome == Ended(run_id, CANCELLED)
    ended = ["started", "asked 1", "answered 1", "asked 2", "cancel", "cancelled"]
    assert await journal(store, run_id) == ended


async def test_a_request_that_is_cut_off_leaves_the_run_to_be_cancelled(store: Store) -> None:
    started = anyio.Event()

    async def slow() -> None:
        started.set()
        await anyio.sleep_forever()

    async def body(run: Run) -> None:
        await run.step(slow)

    runtime = Runtime(store)
    async with anyio.create_task_group() as tasks:

        async def request() -> None:
            await runtime.begin(agent(body), {}, Inline(), run_id="run")

        tasks.start_soon(request)
        await within(started.wait())
        tasks.cancel_scope.cancel()

    outcome = await within(runtime.cancel(agent(body), "run", "cut off", Rounds()))
    assert outcome == Ended("run", CANCELLED)
    assert await journal(store, "run") == ["started", "asked 1", "cancel", "cancelled"]
