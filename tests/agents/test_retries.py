"""On 2026-07-28 a client may send any request twice, late, in part or in another order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.server.request_state import RequestStateSecurity
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    CreateMessageResultWithTools,
    ElicitResult,
    InputRequiredResult,
    TextContent,
)

from inverted import AgentServer, MemoryStore, Run
from inverted.stores import Store
from inverted.testing import Call, Connection, ScriptedHost, always_replay
from tests.agents.everything import KEYS
from tests.agents.small import result_of, serve

FIRST = Call("order")


class Kitchen:
    """An agent that asks in three rounds (five questions, one, one), with a step after each."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.cooked: list[str] = []

        def cook(what: str) -> str:
            self.cooked.append(what)
            return f"cooked {what}"

        async def order(run: Run) -> list[str]:
            wishes = await run.gather(*(run.sample(f"wish {number}") for number in range(5)))
            first = await run.step(cook, "-".join(str(wish.text) for wish in wishes))
            drink = await run.elicit("What to drink?", str)
            second = await run.step(cook, str(drink.data))
            await run.approve("Serve it?")
            return [first, second, await run.step(cook, "coffee")]

        self.server: AgentServer = serve(order, store=store, **settings)


RESULT = ["cooked 0-1-2-3-4", "cooked water", "cooked coffee"]
COOKED = ["0-1-2-3-4", "water", "coffee"]


def new_host() -> ScriptedHost:
    return ScriptedHost(
        model=lambda params: params["messages"][0]["content"]["text"].removeprefix("wish "),
        person=lambda params: "water" if "drink" in params["message"] else True,
    )


@asynccontextmanager
async def connected(server: AgentServer) -> AsyncGenerator[Connection]:
    with anyio.fail_after(20):
        async with new_host().connect(server) as connection:
            yield connection


async def asks(connection: Connection, call: Call) -> InputRequiredResult:
    reply = await connection.send(call)
    assert isinstance(reply, InputRequiredResult), reply
    return reply


async def ends(connection: Connection, call: Call) -> Any:
    return result_of(await connection.send(call))


async def go_to_the_end(connection: Connection, call: Call) -> Any:
    """Send a call and all that follow from it."""
    while True:
        reply = await connection.send(call)
        if isinstance(reply, CallToolResult):
            return result_of(reply)
        call = await connection.answered(call, reply)


def keys(reply: InputRequiredResult) -> list[str]:
    return list(reply.input_requests or {})


@pytest.fixture(params=["hot", "cold"])
def kitchen(request: pytest.FixtureRequest) -> Kitchen:
    kitchen = Kitchen(MemoryStore())
    if request.param == "cold":
        always_replay(kitchen.server)
    return kitchen


async def test_every_request_sent_three_times_gives_the_same_and_repeats_nothing(
    kitchen: Kitchen,
) -> None:
    async with connected(kitchen.server) as connection:
        first = await asks(connection, FIRST)
        second_call = await connection.answered(FIRST, first)
        second = [await asks(connection, second_call) for _ in range(3)]
        assert len({tuple(keys(each)) for each in second}) == 1
        third_call = await connection.answered(FIRST, second[0])
        third = [await asks(connection, third_call) for _ in range(3)]
        last_call = await connection.answered(FIRST, third[2])
        assert [await ends(connection, last_call) for _ in range(3)] == [RESULT] * 3
    assert kitchen.cooked == COOKED


async def test_the_same_request_many_times_at_once_repeats_nothing(kitchen: Kitchen) -> None:
    async with connected(kitchen.server) as connection:
        call = await connection.answered(FIRST, await asks(connection, FIRST))
        replies: list[InputRequiredResult] = []

        async def send() -> None:
            replies.append(await asks(connection, call))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(send)
        assert len(replies) == 10
        assert len({tuple(keys(reply)) for reply in replies}) == 1
        assert kitchen.cooked == COOKED[:1]
        last = await connection.answered(FIRST, replies[0])
        assert await go_to_the_end(connection, last) == RESULT
    assert kitchen.cooked == COOKED


async def test_a_late_request_is_answered_with_where_the_run_stands(kitchen: Kitchen) -> None:
    async with connected(kitchen.server) as connection:
        first = await asks(connection, FIRST)
        second_call = await connection.answered(FIRST, first)
        second = await asks(connection, second_call)
        third_call = await connection.answered(FIRST, second)
        third = await asks(connection, third_call)

        late = await asks(connection, second_call)
        assert keys(late) == keys(third)

        last_call = await connection.answered(FIRST, third)
        assert await ends(connection, last_call) == RESULT
        # Also long after the end, whichever request it was.
        for call in (second_call, third_call, last_call):
            assert await ends(connection, call) == RESULT
    assert kitchen.cooked == COOKED


async def test_answers_may_come_in_parts_and_in_any_order(kitchen: Kitchen) -> None:
    async with connected(kitchen.server) as connection:
        first = await asks(connection, FIRST)
        whole = await connection.answered(FIRST, first)
        answers = dict(whole.answers or {})
        given = keys(first)

        some = {key: answers[key] for key in (given[3], given[1])}
        rest = await asks(connection, replace(whole, answers=some))
        assert keys(rest) == [given[0], given[2], given[4]]
        assert kitchen.cooked == []

        nothing = await asks(connection, replace(whole, answers=None))
        assert keys(nothing) == keys(rest)

        # The rest backwards, with answers that were given before and one that nobody asked for.
        backwards = dict(reversed(answers.items())) | {"nobody asked": answers[given[0]]}
        second = await asks(connection, replace(whole, answers=backwards))
        assert kitchen.cooked == COOKED[:1]
        assert await go_to_the_end(connection, await connection.answered(FIRST, second)) == RESULT
    assert kitchen.cooked == COOKED


async def test_a_changed_answer_to_an_answered_question_changes_nothing(kitchen: Kitchen) -> None:
    async with connected(kitchen.server) as connection:
        call = await connection.answered(FIRST, await asks(connection, FIRST))
        second = await asks(connection, call)
        other = CreateMessageResultWithTools(
            role="assistant", model="m", content=TextContent(type="text", text="nothing at all")
        )
        changed = replace(call, answers=dict.fromkeys(call.answers or {}, other))
        assert keys(await asks(connection, changed)) == keys(second)
        last = await connection.answered(FIRST, second)
        assert await go_to_the_end(connection, last) == RESULT


async def test_an_answer_of_the_wrong_kind_is_refused_and_a_right_one_works_afterwards(
    kitchen: Kitchen,
) -> None:
    store = kitchen.server.runtime.store
    async with connected(kitchen.server) as connection:
        first = await asks(connection, FIRST)
        whole = await connection.answered(FIRST, first)
        before = await store.list()
        one = keys(first)[2]
        wrong = {**(whole.answers or {}), one: ElicitResult(action="accept", content={})}
        with pytest.raises(MCPError) as refused:
            await connection.send(replace(whole, answers=wrong))
        assert refused.value.code == INVALID_PARAMS
        assert repr(one) in refused.value.message
        assert "sampling/createMessage" in refused.value.message
        assert "Nothing was recorded" in refused.value.message
        after = await store.list()
        assert [each.position for each in after] == [each.position for each in before]
        assert await go_to_the_end(connection, whole) == RESULT
    assert kitchen.cooked == COOKED


async def test_a_tampered_request_state_is_refused(kitchen: Kitchen) -> None:
    async with connected(kitchen.server) as connection:
        call = await connection.answered(FIRST, await asks(connection, FIRST))
        assert call.state is not None
        middle = len(call.state) // 2
        swapped = "A" if call.state[middle] != "A" else "B"
        for state in (
            call.state[:middle] + swapped + call.state[middle + 1 :],
            call.state[:-4],
            "",
            "a run that I know of",
        ):
            await refuses_state(connection, replace(call, state=state))
        assert await go_to_the_end(connection, call) == RESULT


async def refuses_state(connection: Connection, call: Call) -> None:
    with pytest.raises(MCPError) as refused:
        await connection.send(call)
    assert refused.value.code == INVALID_PARAMS
    assert refused.value.data == {"reason": "invalid_request_state"}


async def test_a_foreign_request_state_is_refused() -> None:
    mine, other = Kitchen(MemoryStore()), Kitchen(MemoryStore(), keys=["another key " * 4])
    async with connected(mine.server) as here, connected(other.server) as there:
        call = await here.answered(FIRST, await asks(here, FIRST))
        await refuses_state(there, call)


async def test_a_request_state_of_other_arguments_is_refused() -> None:
    async def order(run: Run, what: str) -> str:
        await run.approve(f"Serve {what}?")
        return what

    async with connected(serve(order)) as connection:
        tea = Call("order", {"what": "tea"})
        call = await connection.answered(tea, await asks(connection, tea))
        await refuses_state(connection, replace(call, arguments={"what": "wine"}))
        assert await ends(connection, call) == "tea"


async def test_an_expired_request_state_is_refused_and_the_run_key_still_works() -> None:
    security = RequestStateSecurity(keys=KEYS, ttl=1e-9)
    kitchen = Kitchen(MemoryStore(), request_state_security=security)
    named = replace(FIRST, run_key="tonight")
    async with connected(kitchen.server) as connection:
        first = await asks(connection, named)
        await refuses_state(connection, await connection.answered(named, first))
        # The run is where it was: the same call with the same key asks the same.
        assert keys(await asks(connection, named)) == keys(first)


async def test_a_run_that_was_deleted_says_what_to_do(kitchen: Kitchen) -> None:
    store = kitchen.server.runtime.store
    async with connected(kitchen.server) as connection:
        call = await connection.answered(FIRST, await asks(connection, FIRST))
        await store.delete((await store.list())[0].id)
        with pytest.raises(MCPError) as refused:
            await connection.send(call)
    assert refused.value.code == INVALID_PARAMS
    assert "Call the agent again to start a new run" in refused.value.message


async def test_another_process_continues_with_the_same_store_and_key() -> None:
    store = MemoryStore()
    before, after = Kitchen(store), Kitchen(store)
    async with connected(before.server) as connection:
        call = await connection.answered(FIRST, await asks(connection, FIRST))
        call = await connection.answered(FIRST, await asks(connection, call))
    async with connected(after.server) as connection:
        assert await go_to_the_end(connection, call) == RESULT
    assert before.cooked == COOKED[:1]
    assert after.cooked == COOKED[1:]


@pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
async def test_a_finished_run_that_is_called_again_by_its_key_gives_its_result(era: Any) -> None:
    kitchen = Kitchen(MemoryStore())
    host = ScriptedHost(model=[str(number) for number in range(5)], person=["water", True], era=era)
    for _ in range(3):
        outcome = await host.run(kitchen.server, "order", run_key="tonight")
        assert outcome.result == RESULT
    other = new_host()
    assert (await other.run(kitchen.server, "order", run_key="tomorrow")).result == RESULT
    assert kitchen.cooked == COOKED * 2
