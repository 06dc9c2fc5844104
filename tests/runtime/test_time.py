"""Timers and values: their moment and their outcome are in the journal."""

import uuid
from datetime import UTC, datetime

from inverted import MemoryStore, Run
from inverted.runtime import Runtime
from inverted.runtime.ports import SystemClock
from inverted.stores import Store
from inverted.testing import VirtualClock

from .fakes import Inline, Rounds, agent, ask, journal, parked, record_of, result, within


async def test_a_run_that_only_sleeps_is_waited_for(store: Store, clock: VirtualClock) -> None:
    async def body(run: Run) -> str:
        await run.sleep(3600)
        return "slept"

    before = clock.now()
    outcome = await within(Runtime(store, clock=clock).begin(agent(body), {}, Rounds()))
    assert result(outcome) == "slept"
    assert clock.now() == before + 3600


async def test_a_short_pause_is_a_pause(store: Store, clock: VirtualClock) -> None:
    async def body(run: Run) -> None:
        await run.sleep(0.25)

    before = clock.now()
    await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline()))
    assert clock.now() == before + 0.25


async def test_no_pause_is_no_entry(store: Store) -> None:
    async def body(run: Run) -> None:
        await run.sleep(0)
        await run.sleep(-1)

    outcome = await Runtime(store).begin(agent(body), {}, Inline())
    assert await journal(store, outcome.run_id) == ["started", "completed"]


async def test_a_timer_does_not_hold_up_a_question(store: Store, clock: VirtualClock) -> None:
    async def body(run: Run) -> str | None:
        return await run.race(run.sleep(60), ask("a"))

    before = clock.now()
    outcome = await within(Runtime(store, clock=clock).begin(agent(body), {}, Rounds()))
    assert parked(outcome) == ["1.1.1"]
    assert clock.now() == before
    assert (await record_of(store, outcome.run_id)).lease is None


async def test_an_answer_in_time_wins_against_a_timer(store: Store) -> None:
    clock = VirtualClock(jump=False)

    async def body(run: Run) -> str | None:
        return await run.race(run.sleep(60), ask("a"))

    runtime = Runtime(store, clock=clock)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    await clock.advance(59)
    assert result(await runtime.resume(agent(body), run_id, {"1.1.1": "a"}, Rounds())) == "a"


async def test_a_timer_that_is_due_wins_when_the_run_is_looked_at(store: Store) -> None:
    clock = VirtualClock(jump=False)

    async def body(run: Run) -> str | None:
        return await run.race(run.sleep(60), ask("a"))

    runtime = Runtime(store, clock=clock)
    run_id = (await runtime.begin(agent(body), {}, Rounds())).run_id
    await clock.advance(60)
    assert result(await runtime.resume(agent(body), run_id, {}, Rounds())) is None


async def test_a_timer_runs_while_a_step_or_a_client_is_waited_for(
    store: Store, clock: VirtualClock
) -> None:
    async def body(run: Run) -> list[str]:
        async def reminder() -> str:
            await run.sleep(60)
            return await ask("reminder")

        return list(await run.gather(ask("a"), reminder()))

    client = Inline()
    outcome = await within(Runtime(store, clock=clock).begin(agent(body), {}, client))
    assert result(outcome) == ["a", "reminder"]
    assert client.asked == ["1.0.1", "1.1.2"]


async def test_a_timer_goes_off_when_it_was_due_also_after_a_restart(store: Store) -> None:
    clock = VirtualClock(jump=False)

    async def body(run: Run) -> str | None:
        async def sleeper() -> str:
            await run.sleep(100)
            return "slept"

        return await run.race(sleeper(), ask("a"))

    run_id = (await Runtime(store, clock=clock).begin(agent(body), {}, Rounds())).run_id
    await clock.advance(99)
    early = await Runtime(store, clock=clock).resume(agent(body), run_id, {}, Rounds())
    assert parked(early) == ["1.1.1"]
    await clock.advance(1)
    due = await Runtime(store, clock=clock).resume(agent(body), run_id, {}, Rounds())
    assert result(due) == "slept"


async def test_timers_go_off_in_their_order(store: Store, clock: VirtualClock) -> None:
    order: list[int] = []

    async def body(run: Run) -> None:
        async def sleeper(seconds: int) -> None:
            await run.sleep(seconds)
            order.append(seconds)

        await run.gather(*(sleeper(seconds) for seconds in (30, 10, 20)))

    await within(Runtime(store, clock=clock).begin(agent(body), {}, Inline()))
    assert order == [10, 20, 30]


async def test_values_stay_what_they_were_when_the_run_continues_elsewhere(
    store: Store,
) -> None:
    seen: list[list[object]] = []

    async def body(run: Run) -> None:
        seen.append([await run.now(), await run.uuid(), await run.random()])
        await ask("a")

    run_id = (await Runtime(store, clock=VirtualClock(1e9)).begin(agent(body), {}, Rounds())).run_id
    other = Runtime(store, clock=VirtualClock(1.5e9))
    await other.resume(agent(body), run_id, {"4": "a"}, Rounds())

    live, replayed = seen
    assert live == replayed
    now, name, number = live
    assert now == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    assert isinstance(name, uuid.UUID)
    assert name.version == 4
    assert isinstance(number, float)


async def test_values_differ_from_each_other(store: Store) -> None:
    async def body(run: Run) -> list[str]:
        return [str(await run.uuid()), str(await run.uuid())]

    one, other = result(await Runtime(store).begin(agent(body), {}, Inline()))
    assert one != other


async def test_the_clock_of_this_machine_sleeps_and_calls_back() -> None:
    clock, called = SystemClock(), list[str]()
    before = clock.now()
    clock.call_later(0, lambda: called.append("in time"))
    clock.call_later(0, lambda: called.append("called off"))()
    await within(clock.sleep(0.001))
    assert called == ["in time"]
    assert 0 < clock.now() - before < 10


async def test_a_runtime_without_a_clock_uses_the_machines() -> None:
    runtime = Runtime(MemoryStore())
    assert isinstance(runtime.clock, SystemClock)
