"""An agent as a tool: its results, its errors, its runs' names, and calls that are given up."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import anyio
import pytest
from fastmcp import Client, FastMCP
from fastmcp.client.elicitation import ElicitResult
from fastmcp.exceptions import ToolError
from mcp import MCPError
from mcp_types import INVALID_PARAMS, ClientCapabilities, ElicitationCapability, ImageContent
from pydantic import BaseModel

from inverted import AgentError, AgentServer, Cancelled, Limits, MemoryStore, Run
from inverted.carriers.ladder import Ladder
from inverted.carriers.nobody import Nobody
from inverted.carriers.rounds import Rounds
from inverted.core.lifecycle import Status
from inverted.server.notices import BURST, Notifier
from inverted.server.tool import RUN_KEY, AgentTool
from inverted.stores.base import RunRecord

Mode = Literal["auto", "legacy"]
BOTH = pytest.mark.parametrize("mode", ["auto", "legacy"])


class Triage(BaseModel):
    title: str


def serve(body: Any, **settings: Any) -> AgentServer:
    """A server with one agent."""
    server = AgentServer("test", store=":memory:", keys=["k" * 32], **settings)
    server.agent(name="agent")(body)
    return server


async def yes(*_: Any) -> Any:
    return ElicitResult(action="accept", content={"value": True})


def client(server: FastMCP[Any], mode: Mode, person: Any = yes) -> Client[Any]:
    return Client(server, mode=mode, elicitation_handler=person, timeout=10)


async def call(
    server: FastMCP[Any], mode: Mode = "auto", key: object = None, **arguments: Any
) -> Any:
    """Call the agent once, with or without a name for its run."""
    async with client(server, mode) as connected:
        return await connected.call_tool("agent", arguments, meta=named(key))


def named(key: object) -> dict[str, Any] | None:
    return None if key is None else {RUN_KEY: key}


async def failed(server: FastMCP[Any], mode: Mode = "auto", **arguments: Any) -> str:
    with pytest.raises(ToolError) as caught:
        await call(server, mode, **arguments)
    return str(caught.value)


async def runs(server: AgentServer) -> list[RunRecord]:
    return await server.runtime.store.list()


# -- results --------------------------------------------------------------------------------


PICTURE = ImageContent(type="image", data="aGk=", mime_type="image/png")
RESULTS: list[tuple[Any, Any, Any]] = [
    (str, "text", {"result": "text"}),
    (int, 5, {"result": 5}),
    (Triage, Triage(title="x"), {"title": "x"}),
    (list[Triage], [Triage(title="x")], {"result": [{"title": "x"}]}),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (None, None, None),
]


@BOTH
@pytest.mark.parametrize(("kind", "value", "structured"), RESULTS)
async def test_a_result_is_sent_as_fastmcp_sends_a_tools(
    kind: Any, value: Any, structured: Any, mode: Mode
) -> None:
    async def body(run: Run) -> Any:
        return value

    def tool() -> Any:
        return value

    body.__annotations__["return"] = tool.__annotations__["return"] = kind
    plain = FastMCP[Any]("plain")
    plain.tool(tool, name="agent")
    ours, theirs = await call(serve(body), mode), await call(plain, mode)
    assert ours.structured_content == theirs.structured_content == structured
    assert ours.content == theirs.content


@BOTH
async def test_a_result_may_be_content(mode: Mode) -> None:
    async def body(run: Run) -> ImageContent:
        return PICTURE

    assert (await call(serve(body), mode)).content == [PICTURE]


async def test_a_result_is_the_same_when_it_is_asked_for_again() -> None:
    async def body(run: Run) -> Triage:
        return Triage(title=str(await run.uuid()))

    server = serve(body)
    first, again = await call(server, key="k"), await call(server, "legacy", key="k")
    assert first.structured_content == again.structured_content
    assert len(await runs(server)) == 1


async def test_a_result_that_cannot_be_sent_is_an_error() -> None:
    async def body(run: Run) -> Triage:
        return object()  # pyright: ignore[reportReturnType]

    server = serve(body)
    assert "The agent returned a object that cannot be sent as its result" in await failed(server)
    assert [record.status for record in await runs(server)] == [Status.FAILED]


@BOTH
async def test_questions_reach_the_person_and_answers_the_agent(mode: Mode) -> None:
    async def body(run: Run, what: str):  # noqa: ANN202 - nothing is said about its result
        await run.approve(f"File {what}?")
        answer = await run.elicit("Sure?", bool)
        return [what, answer.data]

    server = serve(body)
    assert (await call(server, mode, what="it")).content[0].text == '["it",true]'
    assert [record.status for record in await runs(server)] == [Status.COMPLETED]


# -- errors ---------------------------------------------------------------------------------


async def breaks() -> None:
    raise ConnectionError("no route to 10.0.0.1")


async def raises_its_own(run: Run) -> None:
    raise ValueError("secret detail")


async def raises_a_step_error(run: Run) -> None:
    await run.step(breaks)


async def raises_a_tool_error(run: Run) -> None:
    raise ToolError("the ticket is closed")


async def raises_an_agent_error(run: Run) -> None:
    raise AgentError("out of luck")


@BOTH
@pytest.mark.parametrize(
    ("body", "open_", "masked"),
    [
        (raises_its_own, "Agent agent failed: ValueError: secret detail", "Agent agent failed."),
        (raises_a_tool_error, "the ticket is closed", None),
        (raises_an_agent_error, "out of luck", None),
        (
            raises_a_step_error,
            "Step breaks failed: ConnectionError: no route to 10.0.0.1",
            None,
        ),
    ],
)
async def test_an_error_of_the_agent_is_a_failed_result_and_unexpected_ones_may_be_masked(
    body: Any, open_: str, masked: str | None, mode: Mode
) -> None:
    assert await failed(serve(body), mode) == open_
    assert await failed(serve(body, mask_error_details=True), mode) == (masked or open_)


@BOTH
async def test_arguments_that_do_not_fit_are_named_and_no_run_begins(mode: Mode) -> None:
    async def body(run: Run, count: int) -> int:
        return count

    server = serve(body)
    assert "count" in await failed(server, mode, count="many")
    assert await runs(server) == []


@BOTH
async def test_a_wrong_request_is_an_error_of_the_protocol(mode: Mode) -> None:
    async def body(run: Run, count: int) -> int:
        return count

    server = serve(body)
    await call(server, mode, key="k", count=1)
    with pytest.raises(MCPError) as caught:
        await call(server, mode, key="k", count=2)
    assert caught.value.error.code == INVALID_PARAMS
    assert caught.value.error.data == {"reason": "RunError"}
    assert "with other arguments" in caught.value.error.message


@BOTH
async def test_an_unknown_agent_is_an_error_of_the_protocol(mode: Mode) -> None:
    async with client(serve(raises_its_own), mode) as connected:
        with pytest.raises(MCPError, match="Ask tools/list what this server has") as caught:
            await connected.call_tool("agnet", {})
    assert caught.value.error.code == INVALID_PARAMS


@BOTH
async def test_a_run_that_cannot_be_served_now_is_a_failed_result(mode: Mode) -> None:
    async def body(run: Run) -> None: ...

    server = serve(body, limits=Limits(concurrent=0))
    assert "the most that Limits(concurrent=0) allows" in await failed(server, mode)


async def test_an_agent_needs_a_request() -> None:
    server = serve(raises_its_own)
    with pytest.raises(ToolError, match="was called outside of an MCP request"):
        await server.call_tool("agent", {})


@BOTH
async def test_a_cancelled_run_says_so(mode: Mode) -> None:
    async def body(run: Run) -> None:
        await run.approve("Sure?")

    async def notify(_: object) -> None: ...

    server = serve(body)
    tool = await server.get_tool("agent")
    assert isinstance(tool, AgentTool)
    agent, runtime = tool.by.agent, server.runtime
    person = ClientCapabilities(elicitation=ElicitationCapability())
    carrier = Ladder(Rounds("2026-07-28", person, notify))
    begun = await runtime.begin(agent, {}, carrier, key="k")
    await runtime.cancel(agent, begun.run_id, "not needed", Nobody("it is over"))
    with pytest.raises(ToolError, match="The run of agent was cancelled"):
        await call(server, mode, key="k")


# -- names of runs --------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", 5, ["k"], {"k": 1}])
async def test_only_a_text_names_a_run(key: object) -> None:
    async def body(run: Run) -> str:
        return run.id

    server = serve(body)
    assert (await call(server, key=key)).data != (await call(server, key=key)).data


@BOTH
async def test_the_same_name_continues_the_same_run(mode: Mode) -> None:
    ran: list[str] = []

    async def body(run: Run) -> str:
        await run.step(ran.append, "step")
        return run.id

    server = serve(body)
    ids = [(await call(server, mode, key=key)).data for key in ("k", "k", "other", None, None)]
    assert len(set(ids)) == 4
    assert len(ran) == 4


# -- calls that are given up ----------------------------------------------------------------


class Hanging:
    """An agent that hangs in a step and cleans up after itself."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.cleaned: list[str] = []

    async def hang(self) -> None:
        self.started.set()
        await anyio.sleep_forever()

    async def body(self, run: Run) -> None:
        try:
            await run.step(self.hang)
        except Cancelled:
            try:
                await run.approve("Anybody there?")
            except AgentError as error:
                self.cleaned.append(str(error))
            self.cleaned.append(await run.step(str, "cleaned"))
            raise


async def given_up(server: AgentServer, hanging: Hanging, mode: Mode, key: str | None) -> RunRecord:
    """Call, wait until the step hangs, and go away."""
    async with client(server, mode) as connected:
        calling = asyncio.create_task(connected.call_tool("agent", {}, meta=named(key)))
        await asyncio.wait_for(hanging.started.wait(), 10)
        calling.cancel()
        await asyncio.wait([calling], timeout=10)
    (record,) = await runs(server)
    return record


@BOTH
async def test_a_run_without_a_name_is_cancelled_with_its_call(mode: Mode) -> None:
    hanging = Hanging()
    server = serve(hanging.body)
    record = await given_up(server, hanging, mode, None)
    assert record.status is Status.CANCELLED
    assert "Nobody can be asked: the client cancelled the call" in hanging.cleaned[0]
    assert hanging.cleaned[1:] == ["cleaned"]


@BOTH
async def test_a_call_that_is_given_up_before_anything_is_written_leaves_nothing(
    mode: Mode,
) -> None:
    class Stuck(MemoryStore):
        async def create(self, record: RunRecord, lines: Sequence[bytes]) -> None:
            hanging.started.set()
            await anyio.sleep_forever()

    hanging = Hanging()
    server = AgentServer("test", store=Stuck(), keys=["k" * 32])
    server.agent(name="agent")(hanging.body)
    async with client(server, mode) as connected:
        calling = asyncio.create_task(connected.call_tool("agent", {}))
        await asyncio.wait_for(hanging.started.wait(), 10)
        calling.cancel()
        await asyncio.wait([calling], timeout=10)
    assert await runs(server) == []


@BOTH
async def test_a_run_with_a_name_is_left_for_whoever_calls_again(mode: Mode) -> None:
    hanging = Hanging()
    server = serve(hanging.body)
    record = await given_up(server, hanging, mode, "k")
    assert record.status is Status.WORKING
    assert hanging.cleaned == []


# -- notices --------------------------------------------------------------------------------


class Context:
    """FastMCP's context, for a client that may be gone."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.sent: list[tuple[Any, ...]] = []

    async def report_progress(self, *progress: Any) -> None:
        self._send("progress", *progress)

    async def log(self, message: str, **how: Any) -> None:
        self._send(message, how)

    def _send(self, *what: Any) -> None:
        if self._error is not None:
            raise self._error
        self.sent.append(what)


PROGRESS = {"type": "progress", "progress": 1, "total": 2, "message": "half"}
LOG = {"type": "log", "message": "hi", "level": "info", "logger": "x", "extra": {"a": 1}}


async def test_progress_and_log_messages_are_sent_through_the_context() -> None:
    context: Any = Context()
    await Notifier(context)(PROGRESS)
    await Notifier(context)(LOG)
    assert context.sent == [
        ("progress", 1, 2, "half"),
        ("hi", {"level": "info", "logger_name": "x", "extra": {"a": 1}}),
    ]


async def test_a_flood_of_progress_is_thinned_out_and_its_end_arrives() -> None:
    context: Any = Context()
    notify = Notifier(context)
    for step in range(1, 1001):
        await notify({**PROGRESS, "progress": step, "total": 1000})
    assert BURST <= len(context.sent) < 2 * BURST
    assert context.sent[-1][1] == 1000


@pytest.mark.parametrize(
    "error", [MCPError(-1, "gone"), anyio.BrokenResourceError(), anyio.ClosedResourceError()]
)
@pytest.mark.parametrize("payload", [PROGRESS, LOG])
async def test_a_client_that_is_gone_only_misses_its_notices(
    payload: dict[str, Any], error: Exception
) -> None:
    context: Any = Context(error)
    await Notifier(context)(payload)
    assert context.sent == []
