"""`AgentServer`: registering agents, choosing a store, protection over HTTP."""

import functools
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastmcp import FastMCP
from fastmcp.utilities.tasks import TaskConfig
from mcp_types import Icon, ToolAnnotations
from pydantic import BaseModel, Field

from inverted import AgentServer, InvertedError, Limits, MemoryStore, Run, SQLiteStore
from inverted.server.tool import AgentTool
from inverted.testing import VirtualClock

KEYS = ["k" * 32]


class Triage(BaseModel):
    title: str


async def triage(
    run: Run, report: Annotated[str, Field(description="What happened.")], depth: int = 1
) -> Triage:
    """Turn a bug report into a filed issue."""
    raise NotImplementedError


@pytest.fixture
def server() -> AgentServer:
    return AgentServer("bugs", store=":memory:", keys=KEYS)


async def tool_of(server: FastMCP[Any], name: str) -> Any:
    """A tool as clients see it."""
    tool = await server.get_tool(name)
    assert tool is not None
    return tool.to_mcp_tool()


def served(server: AgentServer, tool: Any) -> Any:
    assert isinstance(tool, AgentTool)
    return tool.served


# -- agents ---------------------------------------------------------------------------------


async def test_an_agent_is_a_tool_with_the_functions_name_description_and_schemas(
    server: AgentServer,
) -> None:
    assert server.agent(triage) is triage
    tool = await tool_of(server, "triage")
    assert tool.description == "Turn a bug report into a filed issue."
    assert tool.input_schema == {
        "type": "object",
        "properties": {
            "report": {"type": "string", "description": "What happened."},
            "depth": {"type": "integer", "default": 1},
        },
        "required": ["report"],
        "additionalProperties": False,
    }
    assert tool.output_schema["properties"].keys() == {"title"}


async def test_what_clients_see_may_be_said(server: AgentServer) -> None:
    icon = Icon(src="https://example.com/bug.png")
    decorate = server.agent(
        name="file_bug",
        title="File a bug",
        description="Files it.",
        icons=[icon],
        tags={"bugs"},
        annotations=ToolAnnotations(read_only_hint=False),
        meta={"team": "qa"},
    )
    assert decorate(triage) is triage
    tool = await tool_of(server, "file_bug")
    assert (tool.title, tool.description, tool.icons) == ("File a bug", "Files it.", [icon])
    assert tool.annotations.read_only_hint is False
    assert tool.meta["team"] == "qa"
    registered = await server.get_tool("file_bug")
    assert registered is not None
    assert registered.tags == {"bugs"}


async def test_what_serves_an_agent_is_not_shown(server: AgentServer) -> None:
    server.agent(triage)
    tool = await server.get_tool("triage")
    assert tool is not None
    assert "served" not in tool.model_dump()
    assert "Served" not in tool.to_mcp_tool().model_dump_json()


async def test_an_agent_has_its_own_limits_or_the_servers() -> None:
    server = AgentServer("bugs", store=":memory:", keys=KEYS, limits=Limits(model_calls=1))
    server.agent(triage)
    server.agent(name="patient", limits=Limits(model_calls=2))(triage)
    limits = [
        served(server, await server.get_tool(name)).agent.limits.model_calls
        for name in ("triage", "patient")
    ]
    assert limits == [1, 2]


async def test_masking_is_the_servers_setting() -> None:
    for mask in (False, True):
        server = AgentServer("bugs", store=":memory:", keys=KEYS, mask_error_details=mask)
        server.agent(triage)
        assert served(server, await server.get_tool("triage")).agent.mask_error_details is mask


async def test_methods_may_be_agents(server: AgentServer) -> None:
    class Desk:
        async def triage(self, run: Run, report: str) -> str:
            """A method."""
            raise NotImplementedError

    server.agent(Desk().triage)
    tool = await tool_of(server, "triage")
    assert tool.description == "A method."
    assert list(tool.input_schema["properties"]) == ["report"]


async def test_a_partial_may_be_an_agent(server: AgentServer) -> None:
    server.agent(functools.partial(triage, depth=5))
    tool = await tool_of(server, "triage")
    assert tool.description == "Turn a bug report into a filed issue."
    assert tool.input_schema["properties"]["depth"]["default"] == 5


def sync(run: Run) -> str:
    raise NotImplementedError


async def without_run(report: str) -> str:
    raise NotImplementedError


async def generator(run: Run) -> Any:
    yield 1


class CallableAgent:
    async def __call__(self, run: Run) -> str:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (sync, "sync"),
        (without_run, "without_run"),
        (generator, "generator"),
        (CallableAgent(), "CallableAgent"),
    ],
)
def test_what_is_no_agent_is_refused(server: AgentServer, function: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}.* is no agent. An agent is an async function"):
        server.agent(function)


def test_an_agent_with_parameters_that_no_object_fills_is_refused(server: AgentServer) -> None:
    async def agent(run: Run, *reports: str) -> None: ...

    with pytest.raises(TypeError, match="Give every parameter a name of its own"):
        server.agent(agent)


@pytest.mark.parametrize(("setting", "instead"), [("timeout", r"Limits\(seconds=\.\.\.\)")])
def test_settings_that_an_agent_cannot_have_are_refused(
    server: AgentServer, setting: str, instead: str
) -> None:
    with pytest.raises(TypeError, match=f"An agent takes no {setting}. .*{instead}"):
        server.agent(**settings(setting, 5))
    server.agent(**settings(setting, None))(triage)


@pytest.mark.parametrize(
    ("task", "support"),
    [
        ("auto", "optional"),
        (None, "optional"),
        (True, "optional"),
        (TaskConfig("optional"), "optional"),
        ("always", "required"),
        (TaskConfig("required"), "required"),
        ("never", None),
        (False, None),
        (TaskConfig("forbidden"), None),
    ],
)
async def test_an_agent_says_when_it_is_a_task_in_our_words_or_in_fastmcps(
    server: AgentServer, task: Any, support: str | None
) -> None:
    server.agent(**settings("task", task))(triage)
    tool = await server.get_tool("triage")
    assert tool is not None
    assert (tool.execution.task_support if tool.execution else None) == support


def test_what_is_no_way_to_be_a_task_is_refused(server: AgentServer) -> None:
    with pytest.raises(ValueError, match="task must be one of auto, always, never, not 'often'"):
        server.agent(**settings("task", "often"))


def settings(name: str, value: Any) -> Any:
    return {name: value}


# -- tools ----------------------------------------------------------------------------------


def plain(number: int) -> int:
    """A plain tool."""
    return number


async def is_agent(server: FastMCP[Any], name: str) -> bool:
    return isinstance(await server.get_tool(name), AgentTool)


async def test_a_tool_with_a_run_is_an_agent_in_every_way_of_writing_it(
    server: AgentServer,
) -> None:
    server.tool(triage)
    server.tool()(triage)
    server.tool("by_position")(triage)
    server.tool(name="by_name", description="Files it.")(triage)
    server.tool(triage, name="beside")
    for name in ("triage", "by_position", "by_name", "beside"):
        assert await is_agent(server, name)
    assert (await tool_of(server, "by_name")).description == "Files it."


async def test_a_tool_without_a_run_stays_a_tool(server: AgentServer) -> None:
    server.tool(plain)
    server.tool("by_position")(plain)
    for name in ("plain", "by_position"):
        assert not await is_agent(server, name)


async def test_a_sync_tool_with_a_run_is_refused(server: AgentServer) -> None:
    with pytest.raises(TypeError, match="sync is no agent"):
        server.tool(sync)


async def test_agents_are_there_when_the_server_is_mounted(server: AgentServer) -> None:
    server.agent(triage)
    outer = FastMCP[Any]("outer")
    outer.mount(server, namespace="bugs")
    assert "run" not in (await tool_of(outer, "bugs_triage")).input_schema["properties"]


# -- the server -----------------------------------------------------------------------------


def test_a_store_is_chosen_by_object_path_or_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def store_of(store: Any) -> Any:
        return AgentServer("bugs", store=store, keys=KEYS).runtime.store

    memory = MemoryStore()
    assert store_of(memory) is memory
    assert isinstance(store_of(":memory:"), MemoryStore)
    monkeypatch.setenv("INVERTED_STORE", str(tmp_path / "named.sqlite3"))
    assert store_of(str(tmp_path / "given.sqlite3")).path == str(tmp_path / "given.sqlite3")
    default = store_of(None)
    assert isinstance(default, SQLiteStore)
    assert default.path == str(tmp_path / "named.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_a_short_key_is_refused_at_once() -> None:
    with pytest.raises(InvertedError, match="at least 32 bytes"):
        AgentServer("bugs", store=":memory:", keys=["short"])


def test_the_runtime_gets_the_settings() -> None:
    clock = VirtualClock()
    server = AgentServer("bugs", store=":memory:", keys=KEYS, clock=clock, hot_runs=3)
    assert (server.runtime.clock, server.runtime.hot_runs) == (clock, 3)


def test_everything_else_goes_to_fastmcp() -> None:
    server = AgentServer("bugs", "File bugs here.", store=":memory:", keys=KEYS, version="1.2")
    assert (server.name, server.instructions, server.version) == ("bugs", "File bugs here.", "1.2")


def initialize(host: str, origin: str | None = None) -> dict[str, Any]:
    """A request as a client, or a page that rebinds a name, sends it."""
    headers = {"host": host, "accept": "application/json, text/event-stream"}
    if origin is not None:
        headers["origin"] = origin
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    return {"headers": headers, "json": body}


async def status(app: Any, request: dict[str, Any]) -> int:
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        return (await client.post("/mcp", **request)).status_code


OWN = initialize("127.0.0.1:8000")
REBOUND = initialize("evil.example:8000")
FOREIGN = initialize("127.0.0.1:8000", "http://evil.example")


@pytest.mark.parametrize(
    ("request_", "codes"), [(OWN, {200}), (REBOUND, {403, 421}), (FOREIGN, {403})]
)
async def test_host_and_origin_are_checked_over_http(
    server: AgentServer, request_: dict[str, Any], codes: set[int]
) -> None:
    assert await status(server.http_app(), request_) in codes


async def test_the_protection_may_be_switched_off(server: AgentServer) -> None:
    assert await status(server.http_app(host_origin_protection=False), REBOUND) == 200


@pytest.mark.parametrize(("asked", "passed"), [(None, True), (False, False), (True, True)])
async def test_a_server_that_runs_over_http_is_protected_too(
    server: AgentServer, monkeypatch: pytest.MonkeyPatch, asked: Any, *, passed: bool
) -> None:
    seen: dict[str, Any] = {}

    async def run_http_async(self: object, *args: Any, **settings: Any) -> None:
        seen.update(settings)

    monkeypatch.setattr(FastMCP, "run_http_async", run_http_async)
    await server.run_http_async(host_origin_protection=asked, port=1)
    assert seen == {"host_origin_protection": passed, "port": 1}
