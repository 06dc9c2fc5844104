"""On the clock of the machine: a leg that takes long keeps its run to itself."""

from __future__ import annotations

import anyio
from mcp_types import InputRequiredResult

from inverted import MemoryStore, Run
from inverted.stores import RunRecord
from inverted.testing import Call, ScriptedHost, VirtualClock
from tests.agents.small import serve


class Renewals(MemoryStore):
    """A store that tells when a lease was renewed, after it has refused some renewals."""

    def __init__(self, refusals: int) -> None:
        super().__init__()
        self.refusals = refusals
        self.renewed = anyio.Event()

    async def acquire(self, run_id: str, owner: str, now: float, until: float) -> RunRecord | None:
        if self.refusals:
            self.refusals -= 1
            return None
        self.renewed.set()
        return await super().acquire(run_id, owner, now, until)


class Wait:
    """An agent with a step that ends when its lease was renewed."""

    def __init__(self, refusals: int) -> None:
        self.store = Renewals(refusals)
        self.starts = 0

    async def agent(self, run: Run) -> str:
        """Wait."""
        return await run.step(self.step)

    async def step(self) -> str:
        self.starts += 1
        with anyio.fail_after(10):
            await self.store.renewed.wait()
        return "waited"


async def test_a_step_that_takes_longer_than_the_lease_keeps_it() -> None:
    wait = Wait(refusals=0)
    outcome = await ScriptedHost().run(serve(wait.agent, store=wait.store, lease=0.03), "agent")
    assert outcome.result == "waited"
    assert wait.starts == 1


async def test_a_leg_that_loses_its_lease_stops_its_step_and_starts_from_the_store() -> None:
    wait = Wait(refusals=1)
    outcome = await ScriptedHost().run(serve(wait.agent, store=wait.store, lease=0.03), "agent")
    assert outcome.result == "waited"
    assert wait.starts == 2


async def test_a_parked_run_is_left_to_any_process_however_long_its_leg_took() -> None:
    async def pause(run: Run) -> None:
        await run.sleep(1000)
        await run.approve("Go on?")

    clock, store = VirtualClock(), MemoryStore()
    server = serve(pause, store=store, clock=clock, relay=False)
    async with ScriptedHost(person=[True]).connect(server) as at:
        assert isinstance(await at.send(Call("pause")), InputRequiredResult)
        (record,) = await store.list()
    assert clock.now() - record.created >= 1000
    assert record.lease is None
