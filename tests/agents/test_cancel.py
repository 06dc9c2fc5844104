"""A client that gives up: its run is cancelled and cleans up, or stays for who knows its key."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from inverted import AgentServer, Cancelled, MemoryStore, Run, Status
from inverted.testing import Call, ScriptedHost
from inverted.testing.host import Era
from inverted.testing.serving import Transport
from tests.agents.small import serve

TRANSPORTS: list[Transport] = ["memory", "stdio", "http"]


class Scene:
    """An agent that asks and cleans up, and a model that thinks until it is told to stop."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.thinking = anyio.Event()
        self.may_answer = anyio.Event()
        self.cleaned = anyio.Event()
        self.notes: list[str] = []
        self.server: AgentServer = serve(self.agent, store=self.store)

    async def agent(self, run: Run) -> str:
        """Think, and clean up when nobody wants the result any more."""
        await run.step(self.notes.append, "begun")
        try:
            answer = await run.sample("Think.")
        except Cancelled:
            await run.step(self.clean_up)
            raise
        return str(answer.text)

    async def clean_up(self) -> None:
        self.notes.append("cleaned up")
        self.cleaned.set()

    async def model(self, params: dict[str, Any]) -> str:
        self.thinking.set()
        await self.may_answer.wait()
        return "thought"

    async def status(self) -> Status:
        (record,) = await self.store.list()
        return record.status

    async def ended(self) -> Status:
        """The status, once no leg works on the run any more."""
        while (await self.store.list())[0].lease is not None:
            await anyio.lowlevel.checkpoint()
        return await self.status()


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_that_the_client_cancels_is_cancelled_and_cleans_up(
    scene: Scene, transport: Transport
) -> None:
    host = ScriptedHost(model=scene.model, era="2025-11-25", transport=transport)
    with anyio.fail_after(20):
        async with host.connect(scene.server) as connection, anyio.create_task_group() as tasks:
            tasks.start_soon(connection.send, Call("agent"))
            await scene.thinking.wait()
            tasks.cancel_scope.cancel()
        await scene.cleaned.wait()
        assert await scene.ended() is Status.CANCELLED
    assert scene.notes == ["begun", "cleaned up"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_goes_away_in_the_middle_cancels_its_run(
    scene: Scene, transport: Transport
) -> None:
    host = ScriptedHost(model=scene.model, era="2025-11-25", transport=transport)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host.run, scene.server, "agent")
            await scene.thinking.wait()
            tasks.cancel_scope.cancel()
        await scene.cleaned.wait()
        assert await scene.ended() is Status.CANCELLED
    assert scene.notes == ["begun", "cleaned up"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_run_with_a_key_stays_for_the_client_to_come_back(
    scene: Scene, transport: Transport
) -> None:
    host = ScriptedHost(model=scene.model, era="2025-11-25", transport=transport)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: host.run(scene.server, "agent", run_key="mine"))
            await scene.thinking.wait()
            tasks.cancel_scope.cancel()
        scene.may_answer.set()
        outcome = await host.run(scene.server, "agent", run_key="mine")
    assert outcome.result == "thought"
    assert scene.notes == ["begun"]


class Oven:
    """An agent with a step that takes until it is told to be ready."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.baking = anyio.Event()
        self.ready = anyio.Event()
        self.interrupted = anyio.Event()
        self.baked = 0
        self.notes: list[str] = []
        self.server = serve(self.agent, store=self.store)

    async def agent(self, run: Run) -> int:
        """Ask, then bake."""
        try:
            await run.approve("Bake?")
            return await run.step(self.bake)
        except Cancelled:
            await run.step(self.notes.append, "oven off")
            raise

    async def bake(self) -> int:
        self.baked += 1
        self.baking.set()
        try:
            await self.ready.wait()
        except anyio.get_cancelled_exc_class():
            self.interrupted.set()
            raise
        return self.baked


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_round_that_is_given_up_during_a_step_can_be_sent_again(
    transport: Transport,
) -> None:
    oven = Oven()
    host = ScriptedHost(person=lambda _: True, transport=transport)
    with anyio.fail_after(20):
        async with host.connect(oven.server) as connection:
            first: Any = await connection.send(Call("agent"))
            retry = await connection.answered(Call("agent"), first)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(connection.send, retry)
                await oven.baking.wait()
                tasks.cancel_scope.cancel()
            await oven.interrupted.wait()
            oven.ready.set()
            reply: Any = await connection.send(retry)
    # The step had not finished, so it ran again; nobody had cancelled the run.
    assert reply.structured_content == {"result": 2}
    assert oven.notes == []


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
async def test_the_servers_others_runs_go_on_when_one_is_cancelled(era: Era) -> None:
    quick = Scene()
    quick.may_answer.set()
    slow = Scene()
    server = serve(quick.agent)
    server.mount(slow.server, namespace="slow")
    host = ScriptedHost(model=slow.model, era="2025-11-25")
    other = ScriptedHost(model=quick.model, era=era)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(host.run, server, "slow_agent")
            await slow.thinking.wait()
            assert (await other.run(server, "agent")).result == "thought"
            tasks.cancel_scope.cancel()
        await slow.cleaned.wait()
        assert (await other.run(server, "agent")).result == "thought"
