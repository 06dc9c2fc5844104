"""The doubles of real hosts: what they send, whom they ask, where they stop."""

from __future__ import annotations

from typing import Any

import pytest
from fastmcp import Context, FastMCP
from fastmcp.tools import ToolResult
from mcp import MCPError
from mcp_types import (
    CallToolResult,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    SamplingMessage,
    TextContent,
)

from inverted import AgentServer, MemoryStore, Run
from inverted.carriers.hosts import HOSTS
from inverted.testing import (
    PROFILES,
    Call,
    Connection,
    ProtocolBreach,
    ScriptedHost,
    ScriptError,
    always_task,
    profile,
    visible,
)

NAME = ElicitRequest(
    params=ElicitRequestFormParams(
        message="Your name?",
        requested_schema={"type": "object", "properties": {"name": {"type": "string"}}},
    )
)
EACH = pytest.mark.parametrize("name", PROFILES)


def new_server() -> AgentServer:
    server = AgentServer("kit", store=MemoryStore(), keys=["k" * 32])

    @server.agent
    async def ask(run: Run) -> str:
        """Ask the person."""
        return (await run.elicit("Your name?", str)).action

    @server.agent(task="never")
    async def ping(run: Run) -> str:
        """Answer at once."""
        return "here"

    return server


def plain_server() -> FastMCP:
    server = FastMCP("plain")

    @server.tool
    async def introduced(ctx: Context) -> dict[str, Any]:
        """What the client said of itself."""
        assert ctx.request_context is not None
        params = ctx.request_context.session.client_params
        assert params is not None
        return params.model_dump(mode="json", by_alias=True, exclude_none=True)

    @server.tool(output_schema={"type": "object", "required": ["name"]})
    async def broken() -> ToolResult:
        """Break the promise of the schema."""
        return ToolResult(structured_content={"other": 1})

    return server


def careless_server() -> FastMCP:
    """A server that asks without having looked whether it may."""
    server = FastMCP("careless")

    @server.tool
    async def think(ctx: Context) -> str:
        said = SamplingMessage(role="user", content=TextContent(type="text", text="Well?"))
        params = CreateMessageRequestParams(messages=[said], max_tokens=9)
        session: Any = ctx.session
        answer = await session.send_request(
            CreateMessageRequest(params=params), CreateMessageResult
        )
        return str(answer)

    @server.tool
    async def form(ctx: Context) -> str:
        session: Any = ctx.session
        return (await session.send_request(NAME, ElicitResult)).action

    @server.tool
    async def insist(ctx: Context, rounds: int) -> Any:
        asked = int(ctx.request_state or 0)
        if asked == rounds:
            return "enough"
        return InputRequiredResult(input_requests={"name": NAME}, request_state=str(asked + 1))

    return server


@EACH
async def test_a_double_introduces_itself_as_its_host_does(name: str) -> None:
    host = HOSTS[name]
    said = (await profile(name).run(plain_server(), "introduced")).result
    assert said == {
        "protocolVersion": host.revision,
        "capabilities": host.capabilities,
        "clientInfo": {"name": host.client_names[0], "version": host.version},
    }


@EACH
async def test_a_result_that_breaks_its_schema_fails_the_call(name: str) -> None:
    with pytest.raises(RuntimeError, match="'name' is a required property"):
        await profile(name).run(plain_server(), "broken")


@pytest.mark.parametrize("name", ["claude-code", "vscode", "cursor", "copilot-cli", "inspector"])
async def test_a_person_answers_where_forms_are_shown(name: str) -> None:
    outcome = await profile(name, person=["Ada"]).run(new_server(), "ask")
    assert outcome.result == "accept"


async def test_codex_declines_without_asking_the_person() -> None:
    def nobody(params: dict[str, Any]) -> str:
        raise AssertionError(f"The person was asked: {params}")

    host = profile("codex", person=nobody)
    assert (await host.run(careless_server(), "form")).result == "decline"
    assert [question.answer for question in host.questions] == [{"action": "decline"}]


async def test_a_question_that_its_host_does_not_declare_fails_the_test() -> None:
    with pytest.raises(ProtocolBreach, match="did not declare sampling"):
        await profile("cursor", model=["never said"]).run(careless_server(), "think")


async def test_a_double_stops_after_the_rounds_of_its_host() -> None:
    host = profile("claude-code", person=lambda params: "Ada")
    assert (await host.run(careless_server(), "insist", {"rounds": 10})).rounds == 10
    with pytest.raises(ScriptError, match="after 10 rounds"):
        await host.run(careless_server(), "insist", {"rounds": 11})


async def test_what_is_recorded_can_be_set_otherwise() -> None:
    host = profile("claude-code", person=lambda params: "Ada", max_rounds=11)
    assert (await host.run(careless_server(), "insist", {"rounds": 11})).rounds == 11
    assert profile("claude-code", era="2025-11-25").era == "2025-11-25"


async def test_vs_code_takes_a_call_as_a_task_where_the_tool_offers_it() -> None:
    """One agent runs only as a task, one only as a call."""
    host = profile("vscode", person=["Ada"])
    server = await always_task(new_server(), "ask")
    assert (await host.run(server, "ask")).result == "accept"
    assert (await host.run(server, "ping")).result == "here"
    for tasks, agent in ((False, "ask"), (True, "ping")):
        with pytest.raises(MCPError):
            await profile("vscode", tasks=tasks).run(server, agent)


def test_an_unknown_profile_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no profile 'netscape'.*claude-desktop.*goose"):
        profile("netscape")


async def test_a_host_goes_on_with_the_call_that_it_reads_in_a_result() -> None:
    """As the model of a host without sampling does, once a tool tells it what to call next."""
    server = FastMCP("relay")

    @server.tool
    async def begin() -> dict[str, str]:
        """Say what is needed."""
        return {"next": "go_on", "question": "Your name?"}

    @server.tool
    async def go_on(answer: str) -> dict[str, str]:
        """Take the answer."""
        return {"next": "go_on", "question": "Sure?"} if answer == "Ada" else {"result": answer}

    heard: list[str] = []

    async def follow(connection: Connection, result: CallToolResult) -> Call | None:
        assert connection.session.protocol_version == "2025-11-25"
        asked: dict[str, Any] = result.structured_content or {}
        heard.append(visible(result, HOSTS["claude-desktop"].sees))
        if "next" not in asked:
            return None
        return Call(asked["next"], {"answer": "Ada" if len(heard) == 1 else "yes"})

    outcome = await profile("claude-desktop", follow=follow).run(server, "begin")
    assert outcome.result == {"result": "yes"}
    assert outcome.hops == 2
    assert ["next" in each for each in heard] == [True, True, False]


async def test_each_call_that_follows_has_rounds_of_its_own() -> None:
    async def follow(connection: Connection, result: CallToolResult) -> Call | None:
        nonlocal calls
        calls += 1
        return Call("insist", {"rounds": 2}) if calls < 3 else None

    calls = 0
    host = ScriptedHost(person=lambda params: "Ada", max_rounds=2, follow=follow)
    outcome = await host.run(careless_server(), "insist", {"rounds": 2})
    assert (outcome.rounds, outcome.hops) == (6, 2)


async def test_a_mistake_of_the_test_in_between_is_not_taken_for_a_dead_server() -> None:
    async def follow(connection: Connection, result: CallToolResult) -> Call | None:
        raise AssertionError("not what was expected")

    host = ScriptedHost(follow=follow)
    with pytest.raises(AssertionError, match="not what was expected"):
        await host.run(new_server(), "ping", restart=new_server)


@pytest.mark.parametrize(
    ("sees", "seen"),
    [
        ("content", "said\ntwice"),
        (None, "said\ntwice"),
        ("structured", '{"result": "ü"}'),
        ("both", 'said\ntwice\n{"result": "ü"}'),
    ],
)
def test_a_model_is_given_what_its_host_shows(sees: Any, seen: str) -> None:
    said = [TextContent(type="text", text=each) for each in ("said", "twice")]
    result = CallToolResult(content=list(said), structured_content={"result": "ü"})
    assert visible(result, sees) == seen
    assert visible(CallToolResult(content=list(said)), sees) == "said\ntwice"
