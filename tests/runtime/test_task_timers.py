"""Timers of tasks that do something else meanwhile."""

import anyio

from inverted import Run
from inverted.carriers.tasks import TaskCarrier
from inverted.core.lifecycle import Status
from inverted.runtime import Runtime
from inverted.runtime.tasks import TaskInfo, Tasks
from inverted.stores import Store
from inverted.testing import VirtualClock

from .fakes import agent, within

INFO = TaskInfo("2026-07-28", "2026-07-28", ["elicitation.form"])


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

    tasks = Tasks(Runtime(store, clock=clock), TaskCarrier)
    limited = agent(body)
    tasks.agents[limited.name] = limited
    view = await tasks.create(limited, {}, INFO, principal=None)
    assert view.status is Status.WORKING

    await clock.advance(61)
    view = await within(tasks.settled(await tasks.look(view.record.id, principal=None)))
    await tasks.stop()

    assert view.ended is not None
    assert view.ended.result == "the timer"
