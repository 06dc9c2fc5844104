"""Tasks, when two things happen to one at the same time."""

import asyncio
import json

import anyio
import pytest

from inverted import MemoryStore, Run
from inverted.core.effects import Json
from inverted.core.lifecycle import Status
from inverted.errors import StoreError
from inverted.runtime import Runtime
from inverted.runtime.ports import Agent
from inverted.runtime.tasks import TaskInfo, Tasks
from inverted.stores import RunRecord, Store
from inverted.testing import VirtualClock

from .fakes import agent, apart, within

INFO = TaskInfo("2026-07-28", "2026-07-28", ["elicitation.form"])
YES = {"action": "accept", "content": {"value": True}}


def serving(store: Store, clock: VirtualClock, served: Agent) -> Tasks:
    tasks = Tasks(Runtime(store, clock=clock), apart)
    tasks.agents[served.name] = served
    return tasks


async def two_forms(run: Run) -> list[object]:
    """An agent that asks a person twice at the same time."""
    branches = (run.elicit(name, response_type=bool) for name in ("first", "second"))
    return [each.data for each in await run.gather(*branches)]


async def test_a_timer_of_a_task_rings_while_a_step_of_it_works(store: Store) -> None:
    clock = VirtualClock(jump=False)

    async def endless() -> str:
        await anyio.sleep_forever()
        return "the step"

    async def timed_out(run: Run) -> str:
        await run.sleep(60)
        return "the timer"

    async def body(run: Run) -> str:
        return await run.race(run.step(endless), timed_out(run))

    served = agent(body)
    tasks = serving(store, clock, served)
    view = await tasks.create(served, {}, INFO, principal=None)
    assert view.status is Status.WORKING

    await clock.advance(61)
    view = await within(tasks.settled(await tasks.look(view.record.id, principal=None)))
    await tasks.stop()

    assert view.ended is not None
    assert view.ended.result == "the timer"


async def test_an_answer_that_is_taken_during_a_look_is_not_asked_for_by_it(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()

    served = agent(two_forms)
    tasks, other = serving(store, clock, served), Runtime(store, clock=clock)
    view = await tasks.settled(await tasks.create(served, {}, INFO, principal=None))
    run_id, first = view.record.id, view.questions[0].id
    await store.post(run_id, {first: json.dumps(YES).encode()}, clock.now())

    async def taken_meanwhile(asked: str) -> list[tuple[str, bytes]]:
        monkeypatch.undo()
        await other.resume(served, run_id, {}, apart(tasks.agents["agent"], INFO, notices.append))
        return await store.inbox(asked)

    notices: list[dict[str, Json]] = []
    monkeypatch.setattr(store, "inbox", taken_meanwhile)
    view = await tasks.look(run_id, principal=None)
    await tasks.stop()

    assert await store.inbox(run_id) == []
    assert [each.params["message"] for each in view.questions] == ["second"]


async def test_an_answer_counts_that_comes_when_a_leg_has_just_begun(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()

    async def body(run: Run) -> object:
        return (await run.elicit("sure?", response_type=bool)).data

    served = agent(body)
    tasks = serving(store, clock, served)
    view = await tasks.settled(await tasks.create(served, {}, INFO, principal=None))
    run_id, question = view.record.id, view.questions[0].id
    begun, go_on = anyio.Event(), anyio.Event()

    async def held_up(asked: str) -> list[tuple[str, bytes]]:
        monkeypatch.undo()
        begun.set()
        await go_on.wait()
        return await store.inbox(asked)

    notices: list[dict[str, Json]] = []
    monkeypatch.setattr(store, "inbox", held_up)
    carrier = apart(tasks.agents["agent"], INFO, notices.append)
    leg = asyncio.create_task(tasks.runtime.resume(served, run_id, {}, carrier))
    await within(begun.wait())
    assert (await tasks.look(run_id, principal=None)).status is Status.INPUT_REQUIRED
    await tasks.answer(run_id, {question: YES}, principal=None)
    assert await store.inbox(run_id) != []
    go_on.set()
    await within(leg)
    await tasks.stop()

    record = await store.get(run_id)
    assert record is not None
    assert record.status is Status.COMPLETED


async def test_a_leg_that_another_process_has_overtaken_is_not_believed(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()

    served = agent(two_forms)
    tasks, other = serving(store, clock, served), Runtime(store, clock=clock)
    view = await tasks.settled(await tasks.create(served, {}, INFO, principal=None))
    run_id, (first, second) = view.record.id, view.questions
    begun, go_on = anyio.Event(), anyio.Event()

    async def held_up(asked: str) -> list[tuple[str, bytes]]:
        monkeypatch.undo()
        begun.set()
        await go_on.wait()
        return await store.inbox(asked)

    notices: list[dict[str, Json]] = []
    carrier = apart(tasks.agents["agent"], INFO, notices.append)
    monkeypatch.setattr(store, "inbox", held_up)
    leg = asyncio.create_task(tasks.runtime.resume(served, run_id, {}, carrier))
    await within(begun.wait())
    await store.post(run_id, {first.id: json.dumps(YES).encode()}, clock.now())
    await other.resume(served, run_id, {}, carrier)
    view = await tasks.look(run_id, principal=None)
    go_on.set()
    await within(leg)
    await tasks.stop()

    assert view.questions == [second]


class LosingLeases(MemoryStore):
    """Fails to renew a lease in the moment in which the one that wants it is cancelled."""

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        try:
            await anyio.sleep_forever()
        finally:
            raise StoreError("the store is out of reach")


async def test_tasks_stop_though_the_store_fails_at_that_moment() -> None:
    clock = VirtualClock(jump=False)

    async def endless() -> None:
        await anyio.sleep_forever()

    async def body(run: Run) -> None:
        await run.step(endless)

    served = agent(body)
    tasks = serving(LosingLeases(), clock, served)
    await tasks.create(served, {}, INFO, principal=None)
    await clock.advance(15)

    await within(tasks.stop())
