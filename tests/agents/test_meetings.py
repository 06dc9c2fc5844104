"""Where things meet: two eras on one run, two calls with one key, a question and a timer."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import anyio
import pytest
from fastmcp import FastMCP
from mcp import MCPError
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult

from inverted import MemoryStore, Run
from inverted.testing import Call, ScriptedHost, VirtualClock, serve_http
from inverted.testing.host import Era
from tests.agents.small import error, result_of, serve

BOTH = pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])


class Talk:
    """An agent that asks the model twice and the person once, with a step in between."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.store = MemoryStore()
        self.server = serve(self.talk, store=self.store)

    async def talk(self, run: Run) -> list[str]:
        """Talk."""
        first = await run.sample("first")
        await run.step(self.notes.append, str(first.text))
        name = await run.elicit("Your name?", str)
        second = await run.sample("second")
        return [str(first.text), str(name.data), str(second.text)]


def echo(params: dict[str, Any]) -> str:
    return params["messages"][0]["content"]["text"].upper()


def ada(params: dict[str, Any]) -> str:
    return "Ada"


RESULT = ["FIRST", "Ada", "SECOND"]


@pytest.mark.parametrize("rounds", [0, 1, 2])
async def test_a_run_of_the_new_era_goes_on_over_the_back_channel(rounds: int) -> None:
    talk = Talk()
    call: Call = Call("talk", run_key="k")
    async with ScriptedHost(model=echo, person=ada).connect(talk.server) as connection:
        for _ in range(rounds + 1):
            reply = await connection.send(call)
            assert isinstance(reply, InputRequiredResult)
            call = await connection.answered(call, reply)
    old = ScriptedHost(model=echo, person=ada, era="2025-11-25")
    outcome = await old.run(talk.server, "talk", run_key="k")
    assert outcome.result == RESULT
    assert len(outcome.questions) == 3 - rounds
    assert talk.notes == ["FIRST"]


async def test_a_run_of_the_back_channel_goes_on_in_rounds() -> None:
    talk = Talk()
    asked = anyio.Event()

    async def nobody(params: dict[str, Any]) -> str:
        asked.set()
        await anyio.sleep_forever()
        return "never"

    old = ScriptedHost(model=echo, person=nobody, era="2025-11-25")
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: old.run(talk.server, "talk", run_key="k"))
            await asked.wait()
            tasks.cancel_scope.cancel()
        new = ScriptedHost(model=echo, person=ada)
        outcome = await new.run(talk.server, "talk", run_key="k")
    assert outcome.result == RESULT
    assert [question.kind for question in outcome.questions] == ["elicit", "sample"]
    assert talk.notes == ["FIRST"]


@BOTH
async def test_two_calls_with_one_key_are_one_run(era: Era) -> None:
    talk = Talk()
    results: list[Any] = []

    async def call() -> None:
        host = ScriptedHost(model=echo, person=ada, era=era)
        results.append((await host.run(talk.server, "talk", run_key="k")).result)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(call)
    assert results == [RESULT] * 5
    assert talk.notes == ["FIRST"]
    assert len(await talk.store.list()) == 1


@BOTH
async def test_a_client_that_comes_back_with_less_gets_a_clear_error(era: Era) -> None:
    talk = Talk()
    able = ScriptedHost(model=echo, person=[PermissionError("not now")])
    with pytest.raises(MCPError, match="not now"):
        await able.run(talk.server, "talk", run_key="k")
    outcome = await ScriptedHost(model=echo, era=era).run(talk.server, "talk", run_key="k")
    assert "elicitation.form" in error(outcome)


async def hurry(run: Run) -> str:
    """Ask, but not for ever."""

    async def ask() -> str:
        return str((await run.elicit("Quick?", str)).data)

    async def wait() -> str:
        await run.sleep(60)
        return "too late"

    return await run.race(ask(), wait())


async def test_over_the_back_channel_a_timer_withdraws_a_question() -> None:
    async def slow(params: dict[str, Any]) -> str:
        await anyio.sleep_forever()
        return "never"

    server = serve(hurry, clock=VirtualClock())
    outcome = await ScriptedHost(person=slow, era="2025-11-25", timeout=10).run(server, "hurry")
    assert outcome.result == "too late"


async def test_in_rounds_a_timer_that_is_due_ends_the_wait_when_the_client_comes_back() -> None:
    clock = VirtualClock()
    host = ScriptedHost(person=["now"])
    async with host.connect(serve(hurry, clock=clock)) as connection:
        call = Call("hurry")
        first = await connection.send(call)
        assert isinstance(first, InputRequiredResult)
        empty = Call("hurry", state=first.request_state)
        again = await connection.send(empty)
        assert isinstance(again, InputRequiredResult)
        assert again.input_requests == first.input_requests
        await clock.advance(61)
        assert result_of(await connection.send(empty)) == "too late"
        # An answer that comes after that changes nothing.
        assert result_of(await connection.send(await connection.answered(call, first))) == (
            "too late"
        )


async def test_in_rounds_an_answer_in_time_wins() -> None:
    server = serve(hurry, clock=VirtualClock())
    assert (await ScriptedHost(person=["now"]).run(server, "hurry")).result == "now"


@BOTH
async def test_an_agent_works_mounted_into_a_plain_fastmcp(era: Era) -> None:
    talk = Talk()
    parent = FastMCP[Any]("parent")
    parent.mount(talk.server, namespace="sub")
    host = ScriptedHost(model=echo, person=ada, era=era)
    assert (await host.run(parent, "sub_talk")).result == RESULT


async def test_mounted_too_a_wrong_answer_is_refused_and_a_right_one_works_afterwards() -> None:
    """A plain FastMCP makes a tool error of it: it lets no JSON-RPC error of a tool through."""
    talk = Talk()
    parent = FastMCP[Any]("parent")
    parent.mount(talk.server, namespace="sub")
    call = Call("sub_talk")
    async with ScriptedHost(model=echo, person=ada).connect(parent) as connection:
        first = await connection.send(call)
        assert isinstance(first, InputRequiredResult)
        right = await connection.answered(call, first)
        (key,) = first.input_requests or {}
        wrong = replace(right, answers={key: ElicitResult(action="cancel")})
        refused = await connection.send(wrong)
        assert isinstance(refused, CallToolResult)
        assert refused.is_error
        assert "Nothing was recorded" in str(refused.content)
        assert isinstance(await connection.send(right), InputRequiredResult)
    assert talk.notes == ["FIRST"]


@pytest.mark.parametrize("settings", [{"json_response": True}, {"stateless_http": True}], ids=str)
async def test_a_server_without_a_way_back_says_so_and_serves_rounds(
    settings: dict[str, bool],
) -> None:
    talk = Talk()
    async with serve_http(talk.server, **settings) as url:
        talk.server.surroundings.relay = False
        old = ScriptedHost(model=echo, person=ada, era="2025-11-25")
        message = error(await old.run(url, "talk"))
        assert "2026-07-28" in message
        new = ScriptedHost(model=echo, person=ada)
        assert (await new.run(url, "talk")).result == RESULT


@BOTH
async def test_a_server_command_that_dies_is_an_error_and_not_a_hang(era: Era) -> None:
    host = ScriptedHost(era=era, timeout=20)
    with pytest.raises((MCPError, OSError, RuntimeError)):
        await host.run([sys.executable, "-c", "raise SystemExit(3)"], "talk")
