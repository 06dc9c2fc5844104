"""The scripted host: what it hears, what it raises, whom it reaches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastmcp import FastMCP
from mcp import MCPError
from mcp_types import ClientCapabilities, InputRequiredResult, SamplingCapability

from inverted import AgentServer, MemoryStore, Run
from inverted.testing import (
    Call,
    Crash,
    CrashingStore,
    ProtocolBreach,
    ScriptedHost,
    ScriptError,
    serve_http,
)
from inverted.testing.host import Era
from inverted.testing.serving import Transport

BOTH = pytest.mark.parametrize("era", ["2026-07-28", "2025-11-25"])
KEYS = ["a key for tests, long enough to be one"]


def new_server(**settings: Any) -> AgentServer:
    settings = {"store": MemoryStore(), **settings}
    server = AgentServer("kit", keys=KEYS, **settings)

    @server.agent
    async def chat(run: Run, turns: int = 1) -> list[str]:
        """Chat."""
        return [str((await run.sample(f"turn {turn}")).text) for turn in range(turns)]

    @server.agent
    async def ask(run: Run) -> dict[str, str]:
        """Ask the person."""
        return {"name": str((await run.elicit("Your name?", str)).data)}

    @server.tool
    def plain(word: str) -> str:
        """A tool that is no agent."""
        return word.upper()

    return server


@BOTH
@pytest.mark.parametrize("transport", ["memory", "stdio", "http"])
async def test_it_reaches_a_server_object_every_way(transport: Transport, era: Era) -> None:
    host = ScriptedHost(model=["a", "b"], era=era, transport=transport)
    outcome = await host.run(new_server(), "chat", {"turns": 2})
    assert outcome.result == ["a", "b"]
    assert outcome.rounds == (2 if era == "2026-07-28" else 0)
    assert [question.kind for question in outcome.questions] == ["sample", "sample"]
    assert outcome.questions[1].answer is not None
    assert outcome.questions[1].answer["content"]["text"] == "b"


@BOTH
async def test_it_calls_plain_tools_too(era: Era) -> None:
    outcome = await ScriptedHost(era=era).run(new_server(), "plain", {"word": "hi"})
    assert (outcome.result, outcome.rounds, outcome.questions) == ("HI", 0, [])


async def test_it_speaks_june_2025_with_a_smaller_host() -> None:
    host = ScriptedHost(model=["a"], person=["Ada"], era="2025-06-18")
    server = new_server()
    assert (await host.run(server, "chat")).result == ["a"]
    assert (await host.run(server, "ask")).result == {"name": "Ada"}


PROGRAM = """
from inverted import AgentServer, Run
server = AgentServer("program", store=":memory:", keys=["x" * 40])

@server.agent
async def chat(run: Run) -> str:
    return str((await run.sample("hello")).text)

server.run("stdio", show_banner=False)
"""


@pytest.mark.parametrize("as_command", [True, False])
async def test_it_starts_a_python_file_or_a_command(as_command: bool, tmp_path: Path) -> None:  # noqa: FBT001 # a parameter
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    target = [sys.executable, str(program)] if as_command else program
    outcome = await ScriptedHost(model=["hi"]).run(target, "chat")
    assert outcome.result == "hi"


async def test_it_reaches_a_url() -> None:
    async with serve_http(new_server()) as url:
        assert (await ScriptedHost(model=["a"]).run(url, "chat")).result == ["a"]


async def test_headers_need_http() -> None:
    host = ScriptedHost(headers={"Authorization": "Bearer x"})
    with pytest.raises(ValueError, match="headers are for HTTP"):
        await host.run(new_server(), "chat")


@BOTH
async def test_a_script_that_is_too_short_names_the_question(era: Era) -> None:
    host = ScriptedHost(model=["only one"], era=era)
    with pytest.raises(ScriptError, match=r"only 1 answers, and was asked once more: 'turn 1'"):
        await host.run(new_server(), "chat", {"turns": 2})
    person = ScriptedHost(person=[], era=era)
    with pytest.raises(ScriptError, match=r"person has no answers.*'Your name"):
        await person.run(new_server(), "ask")


@BOTH
async def test_a_function_that_fails_fails_the_test_with_its_own_error(era: Era) -> None:
    def model(params: dict[str, Any]) -> str:
        raise KeyError("a mistake in the test")

    with pytest.raises(KeyError, match="a mistake in the test"):
        await ScriptedHost(model=model, era=era).run(new_server(), "chat")


@BOTH
async def test_an_answer_that_is_no_result_fails_the_test(era: Era) -> None:
    host = ScriptedHost(model=[{"content": {"type": "smell"}}], era=era)
    with pytest.raises(ScriptError, match="no CreateMessageResult"):
        await host.run(new_server(), "chat")


@BOTH
async def test_a_function_may_be_async(era: Era) -> None:
    async def model(params: dict[str, Any]) -> str:
        await anyio.lowlevel.checkpoint()
        return params["messages"][0]["content"]["text"]

    outcome = await ScriptedHost(model=model, era=era).run(new_server(), "chat", {"turns": 2})
    assert outcome.result == ["turn 0", "turn 1"]


async def test_a_breach_of_the_protocol_fails_the_test() -> None:
    """A server that asks without looking at what the client declared."""
    careless = FastMCP[Any]("careless")

    @careless.tool
    async def ask() -> InputRequiredResult:
        return InputRequiredResult.model_validate(
            {
                "inputRequests": {
                    "q": {
                        "method": "elicitation/create",
                        "params": {
                            "message": "?",
                            "mode": "form",
                            "requestedSchema": {"type": "object", "properties": {}},
                        },
                    }
                }
            }
        )

    host = ScriptedHost(person=["x"], capabilities={"sampling": {}})
    with pytest.raises(ProtocolBreach, match="did not declare elicitation"):
        await host.run(careless, "ask")


async def test_what_is_declared_can_be_chosen() -> None:
    only_text = ClientCapabilities(sampling=SamplingCapability())
    host = ScriptedHost(model=["a"], person=["x"], capabilities=only_text)
    server = new_server()
    assert (await host.run(server, "chat")).result == ["a"]
    assert (await host.run(server, "ask")).is_error


async def test_rounds_can_be_limited_as_real_clients_do() -> None:
    host = ScriptedHost(model=lambda _: "more", max_rounds=8)
    with pytest.raises(ScriptError, match="after 8 rounds"):
        await host.run(new_server(), "chat", {"turns": 11})


async def test_a_run_that_takes_too_long_is_given_up() -> None:
    async def model(params: dict[str, Any]) -> str:
        await anyio.sleep_forever()
        return "never"

    with pytest.raises(TimeoutError):
        await ScriptedHost(model=model, timeout=0.2).run(new_server(), "chat")


async def test_a_server_of_another_era_is_an_error() -> None:
    async with serve_http(new_server()) as url:
        host = ScriptedHost(era="2024-01-01")  # pyright: ignore[reportArgumentType] # the point
        with pytest.raises((RuntimeError, MCPError)):
            await host.run(url, "chat")


async def test_a_crash_reaches_the_test_unless_there_is_a_restart() -> None:
    crashing = CrashingStore(MemoryStore(), after=1)
    with pytest.raises(Crash, match="line 1"):
        await ScriptedHost(model=["a"]).run(new_server(store=crashing), "chat")


async def test_a_server_that_keeps_dying_is_given_up() -> None:
    starts: list[AgentServer] = []

    def start() -> AgentServer:
        starts.append(new_server(store=CrashingStore(MemoryStore(), after=1)))
        return starts[-1]

    with pytest.raises(Crash):
        await ScriptedHost(model=["a"]).run(start(), "chat", restart=start)
    assert len(starts) == 11


async def test_single_requests_can_be_sent_over_a_connection() -> None:
    call = Call("chat")
    async with ScriptedHost(model=["a"]).connect(new_server()) as connection:
        tools = await connection.session.list_tools()
        assert {tool.name for tool in tools.tools} == {"chat", "ask", "plain", "continue_run"}
        asked = await connection.send(call)
        assert isinstance(asked, InputRequiredResult)
        retry = await connection.answered(call, asked)
        assert retry.state == asked.request_state
        assert await connection.send(retry) == await connection.send(retry)


async def test_the_transcript_of_a_host_goes_over_all_its_runs() -> None:
    host, server = ScriptedHost(model=["a", "b"]), new_server()
    first = await host.run(server, "chat")
    second = await host.run(server, "chat")
    assert host.questions == [*first.questions, *second.questions]
