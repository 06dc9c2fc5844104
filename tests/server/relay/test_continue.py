"""A run that goes on in other calls: hops, restarts, mistakes of a model, and other callers."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import anyio
import pytest
from fastmcp import FastMCP
from mcp_types import CallToolResult
from pydantic import BaseModel

from inverted import AgentServer, Ladders, MemoryStore, Run, SQLiteStore
from inverted.server.relay.reply import CONTINUE, QUESTIONS
from inverted.stores import Store
from inverted.testing import Call, Connection, ScriptedHost, profile, serve_http
from inverted.testing.host import Era
from tests.server.tasks_peer import connected, rest
from tests.server.tasks_peer import serve as serve_with_callers

ERAS = pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
NOT_FOUND: Final = (
    "There is no unfinished run of that handle: it has expired, or the handle is another."
)


class Report(BaseModel):
    first: str
    second: str
    notes: list[str]


def make(store: Store | None = None, ran: list[str] | None = None, **settings: Any) -> AgentServer:
    """A server with one agent: a sample, a step, two samples at once."""
    server = AgentServer("test", store=store or MemoryStore(), keys=["k" * 32], **settings)
    steps: list[str] = [] if ran is None else ran

    def note(line: str) -> str:
        steps.append(line)
        return line

    @server.agent
    async def think(run: Run) -> Report:
        """Ask a model three times."""
        first = await run.sample("One?")
        await run.step(note, f"heard {first.text}")
        second, third = await run.gather(run.sample("Two?"), run.sample("Three?"))
        notes = [await run.step(note, f"heard {third.text}")]
        return Report(first=str(first.text), second=str(second.text), notes=notes)

    @server.agent
    async def deploy(run: Run) -> str:
        """Need a yes."""
        await run.approve("Deploy?")
        return "deployed"

    @server.agent(ladders=Ladders(person=("relay",)))
    async def name(run: Run) -> list[str]:
        """Ask a person through the model."""
        answer = await run.elicit("How severe?", Literal["low", "high"])
        return [answer.action, str(answer.data), answer.via]

    @server.agent
    async def fail(run: Run) -> str:
        """Fail after a sample."""
        await run.sample("One?")
        raise ValueError("no disk")

    return server


RESULT = {"first": "1", "second": "2", "notes": ["heard 3"]}
STEPS = ["heard 1", "heard 3"]


class At:
    """A connection on which a model makes what mistakes it likes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.handle = ""
        self.text = ""
        self.asked: list[str] = []

    async def call(self, agent: str, **arguments: Any) -> CallToolResult:
        reply = await self.connection.send(Call(agent, arguments))
        assert isinstance(reply, CallToolResult), reply
        meta: dict[str, Any] = reply.meta or {}
        self.text = "".join(getattr(each, "text", "") for each in reply.content)
        self.handle = meta.get(CONTINUE, {}).get("handle", self.handle)
        self.asked = list(meta.get(QUESTIONS) or ())
        return reply

    async def go_on(self, answers: Any = None, **more: Any) -> CallToolResult:
        given = {} if answers is None else {"answers": answers}
        return await self.call("continue_run", **{"handle": self.handle, **given, **more})

    async def answer(self, *texts: str) -> CallToolResult:
        pairs = zip(self.asked, texts, strict=True)
        return await self.go_on([{"id": id, "text": text} for id, text in pairs])


@asynccontextmanager
async def at(server: FastMCP[Any], era: Era = "2025-11-25", **settings: Any) -> AsyncGenerator[At]:
    host = ScriptedHost(capabilities={}, era=era, **settings)
    async with host.connect(server) as connection:
        yield At(connection)


# -- the way it should go -------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize("hot", [True, False], ids=["hot", "cold"])
async def test_a_run_goes_on_over_several_hops(era: Era, *, hot: bool) -> None:
    ran: list[str] = []
    async with at(make(ran=ran, hot_runs=100 if hot else 0), era) as model:
        await model.call("think")
        assert len(model.asked) == 1
        await model.answer("1")
        assert len(model.asked) == 2
        assert ran == STEPS[:1]
        done = await model.answer("2", "3")
    assert done.structured_content == RESULT
    assert json.loads(model.text) == RESULT
    assert CONTINUE not in (done.meta or {})
    assert ran == STEPS


async def test_a_restart_between_two_hops_changes_nothing(tmp_path: Path) -> None:
    ran: list[str] = []
    handle, asked = "", list[str]()
    for texts in ((), ("1",), ("2", "3")):
        store = SQLiteStore(tmp_path / "runs.sqlite3")
        async with at(make(store, ran)) as model:
            model.handle, model.asked = handle, asked
            reply = await (model.answer(*texts) if texts else model.call("think"))
            handle, asked = model.handle, model.asked
        await store.aclose()
    assert reply.structured_content == RESULT
    assert ran == STEPS


@pytest.mark.parametrize(
    ("name", "told"),
    [("cursor", "text"), ("claude-desktop", "See the text."), ("librechat", "text")],
)
async def test_an_unfinished_reply_fits_the_schema_and_is_paid_for_once(
    name: str, told: str
) -> None:
    """Every host of the kit checks results against the schema that it was listed."""
    async with profile(name).connect(make()) as connection:
        await connection.session.list_tools()
        model = At(connection)
        reply = await model.call("think")
        assert reply.structured_content == {"unfinished": model.text if told == "text" else told}
        assert "## " in model.text
        again = await model.go_on()
        assert again.structured_content is None  # continue_run has no output schema


async def test_a_person_is_asked_through_the_model_where_the_ladder_says_so() -> None:
    async with at(make()) as model:
        await model.call("name")
        assert "Ask the user" in model.text
        done = await model.go_on([{"id": model.asked[0], "content": "high"}])
    assert done.structured_content == {"result": ["accept", "high", "relay"]}


@ERAS
async def test_a_mounted_server_goes_on_under_its_names(era: Era) -> None:
    inner, outer = FastMCP[Any]("inner"), FastMCP[Any]("outer")
    inner.mount(make(), namespace="b")
    outer.mount(inner, namespace="a")
    host = ScriptedHost(
        capabilities={}, era=era, model=lambda params: params["messages"][-1]["content"]["text"]
    )
    outcome = await host.run(outer, "a_b_think")
    assert outcome.result == {"first": "One?", "second": "Two?", "notes": ["heard Three?"]}
    assert outcome.hops == 2


async def test_a_call_within_a_call_cannot_go_on_in_another_one() -> None:
    server = make()

    @server.tool
    async def deep_think() -> str:
        """Call an agent, as any tool."""
        result = await server.call_tool("think")
        return str(result)

    async with at(server) as model:
        reply = await model.call("deep_think")
    assert reply.is_error
    assert "No other way is open" in model.text


# -- mistakes of a model --------------------------------------------------------------------


MISTAKES: list[tuple[Any, str]] = [
    ([{"id": "99", "text": "x"}], "There is no open question 99."),
    ([{"id": "{id}"}], "The answer to {id} was not taken: it is empty."),
    ([{"id": "{id}", "calls": [{"name": "rm"}]}], "this question has no tools"),
]


@pytest.mark.parametrize(("answers", "note"), MISTAKES)
async def test_a_mistake_is_told_with_the_question_again_and_costs_nothing(
    answers: Any, note: str
) -> None:
    ran: list[str] = []
    async with at(make(ran=ran)) as model:
        await model.call("think")
        (id,) = asked = model.asked
        named = json.loads(json.dumps(answers).replace("{id}", id))
        await model.go_on(named)
        assert note.format(id=id) in model.text
        assert f"## {id}\nOne?" in model.text
        assert (model.asked, ran) == (asked, [])
        await model.answer("1")
        done = await model.answer("2", "3")
    assert done.structured_content == RESULT


SHAPES: list[Any] = [
    '[{"id": "{id}", "text": "1"}]',
    {"id": "{id}", "text": "1"},
    {"{id}": "1"},
    "1",
    ["1"],
]


@pytest.mark.parametrize("shape", SHAPES, ids=["JSON", "object", "by id", "text", "list of texts"])
async def test_an_answer_of_another_shape_is_understood(shape: Any) -> None:
    async with at(make()) as model:
        await model.call("think")
        await model.go_on(json.loads(json.dumps(shape).replace("{id}", model.asked[0])))
        assert len(model.asked) == 2


async def test_an_answer_that_is_sent_again_is_no_answer_to_what_is_asked_now() -> None:
    ran: list[str] = []
    async with at(make(ran=ran)) as model:
        await model.call("think")
        (first,) = model.asked
        old = [{"id": first, "text": "1"}]
        await model.go_on(old)
        two = model.asked
        await model.go_on(old)
        assert f"There is no open question {first}. Open questions: {', '.join(two)}." in model.text
        assert model.asked == two
        await model.go_on([*old, {"id": two[0], "text": "2"}, {"id": two[0], "text": "no"}])
        assert f"Only the first answer to {two[0]} was taken." in model.text
        assert model.asked == two[1:]
        done = await model.answer("3")
    assert done.structured_content == RESULT
    assert ran == STEPS


async def test_a_call_without_answers_says_what_is_asked_again() -> None:
    async with at(make()) as model:
        await model.call("think")
        asked = model.asked
        await model.go_on()
        assert model.asked == asked
        assert "One?" in model.text


async def test_a_run_that_has_ended_gives_its_result_again() -> None:
    ran: list[str] = []
    async with at(make(ran=ran)) as model:
        await model.call("think")
        await model.answer("1")
        done = await model.answer("2", "3")
        for answers in (None, [{"id": "1", "text": "other"}]):
            again = await model.go_on(answers)
            assert again.structured_content == done.structured_content
        assert ran == STEPS


async def test_a_run_that_has_failed_says_so_again() -> None:
    async with at(make()) as model:
        await model.call("fail")
        for _ in range(2):
            reply = await model.go_on(model.asked and [{"id": model.asked[0], "text": "1"}])
            assert reply.is_error
            assert model.text == "Agent fail failed: ValueError: no disk"


async def test_two_calls_at_the_same_time_count_once() -> None:
    ran: list[str] = []
    async with at(make(ran=ran)) as model:
        await model.call("think")
        replies: list[CallToolResult] = []

        async def go_on(text: str) -> None:
            one = At(model.connection)
            one.handle, one.asked = model.handle, asked
            replies.append(await one.answer(text))

        asked = model.asked
        async with anyio.create_task_group() as tasks:
            for text in ("1", "other"):
                tasks.start_soon(go_on, text)
        questions = [list((each.meta or {})[QUESTIONS]) for each in replies]
        assert questions[0] == questions[1]
        assert len(questions[0]) == 2
        assert len(ran) == 1
        model.asked = questions[0]
        done = await model.answer("2", "3")
    assert done.structured_content is not None
    assert ran == [f"heard {done.structured_content['first']}", "heard 3"]


async def test_two_processes_that_go_on_at_the_same_time_count_once(tmp_path: Path) -> None:
    ran: list[str] = []
    stores = [SQLiteStore(tmp_path / "runs.sqlite3") for _ in range(2)]
    one, other = (make(store, ran) for store in stores)
    async with at(one) as first, at(other, "2026-07-28") as second:
        await first.call("think")
        second.handle, second.asked = first.handle, list(first.asked)
        for texts in (("1",), ("2", "3")):
            replies: list[CallToolResult] = []

            async def go_on(model: At, texts: tuple[str, ...], into: list[CallToolResult]) -> None:
                into.append(await model.answer(*texts))

            async with anyio.create_task_group() as tasks:
                for model in (first, second):
                    tasks.start_soon(go_on, model, texts, replies)
            assert first.asked == second.asked
        assert [each.structured_content for each in replies] == [RESULT, RESULT]
    assert ran == STEPS
    for store in stores:
        await store.aclose()


async def test_code_that_changed_between_two_hops_is_told_to_the_model() -> None:
    store = MemoryStore()
    async with at(make(store)) as model:
        await model.call("think")
        handle, asked = model.handle, model.asked
    changed = AgentServer("test", store=store, keys=["k" * 32])

    @changed.agent
    async def think(run: Run) -> str:
        """Ask for something else."""
        return str((await run.sample("Another one?")).text)

    async with at(changed) as model:
        model.handle, model.asked = handle, asked
        reply = await model.answer("1")
    assert reply.is_error
    assert "code does not follow its journal any more" in model.text


async def test_a_model_cannot_approve() -> None:
    """Not on its own call, not by the id of the question, and not after it was told."""

    async def nobody(url: str) -> None:
        """Nobody looks at the page."""

    server = make(opener=nobody, ladders=Ladders(hold=0))
    async with at(server) as model:
        await model.call("deploy")
        assert "you cannot answer for them: Deploy?" in model.text
        (record,) = await server.runtime.store.list()
        (question,) = await server.runtime.questions(
            server.agent_tools["deploy"].by.agent, record.id
        )
        for answers in (
            [{"id": question.id, "content": {"value": True}}],
            [{"id": question.id, "action": "accept", "content": {"value": True}}],
            "yes",
        ):
            reply = await model.go_on(answers)
            assert not reply.is_error
            assert CONTINUE in (reply.meta or {})
            assert "Open questions: none." in model.text
        assert [each.id for each in await server.runtime.store.list()] == [record.id]


# -- handles --------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", ["never", "../../etc/passwd", "x" * 10_000, "\x00"])
async def test_a_handle_that_names_nothing_is_told_what_to_do(handle: str) -> None:
    async with at(make()) as model:
        reply = await model.call("continue_run", handle=handle)
    assert reply.is_error
    assert model.text.startswith(NOT_FOUND)


@pytest.mark.parametrize("arguments", [{}, {"handle": ""}, {"handle": 5}, {"handle": None}])
async def test_a_call_without_a_handle_is_told_where_it_is(arguments: dict[str, Any]) -> None:
    async with at(make()) as model:
        reply = await model.call("continue_run", **arguments)
    assert reply.is_error
    assert "continue_run needs the handle that the last result named." in model.text


async def test_a_server_without_agents_has_no_runs() -> None:
    async with at(AgentServer("bare", store=":memory:", keys=["k" * 32])) as model:
        reply = await model.call("continue_run", handle="never")
    assert reply.is_error
    assert model.text.startswith(NOT_FOUND)


async def test_a_run_of_somebody_else_is_none() -> None:
    async def ask(run: Run) -> str:
        """Ask a model."""
        return str((await run.sample("One?")).text)

    server = serve_with_callers(ask, auth=True)
    async with (
        serve_http(server) as url,
        connected(url, "2025-11-25", caller="ada", capabilities={}) as ada,
        connected(url, "2025-11-25", caller="bob", capabilities={}) as bob,
    ):
        asked = await ada.call("ask", task=False)
        handle = asked["_meta"][CONTINUE]["handle"]
        theirs = {"handle": handle, "answers": "stolen"}
        foreign = await bob.send("tools/call", name="continue_run", arguments=theirs)
        assert foreign["isError"]
        assert foreign["content"][0]["text"].startswith(NOT_FOUND)
        mine = {"handle": handle, "answers": "mine"}
        done = await ada.send("tools/call", name="continue_run", arguments=mine)
        assert done["structuredContent"] == {"result": "mine"}


async def test_a_task_is_not_gone_on_with() -> None:
    server = serve_with_callers(rest, task="always")
    async with connected(server, "2025-11-25") as peer:
        run_id = await peer.create("rest")
        found = await peer.send("tools/call", name="continue_run", arguments={"handle": run_id})
    assert found["isError"]
    assert found["content"][0]["text"].startswith(NOT_FOUND)
