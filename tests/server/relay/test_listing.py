"""What a client sees of the relay in `tools/list`: what it needs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from fastmcp import Client, FastMCP
from mcp_types import CreateMessageResult, TextContent, Tool
from pydantic import BaseModel

from inverted import AgentServer, Run
from inverted.server.means import APPS
from inverted.testing import ScriptedHost
from inverted.testing.host import Era

EVERYTHING: dict[str, Any] = {"sampling": {"tools": {}}, "elicitation": {"form": {}}}
CARDS: dict[str, Any] = {"extensions": {APPS: {}}}
FORMS: dict[str, Any] = {"elicitation": {"form": {}}}


class Report(BaseModel):
    title: str
    severity: int


def make(**settings: Any) -> AgentServer:
    server = AgentServer("test", store=":memory:", keys=["k" * 32], **settings)

    @server.agent
    async def think(run: Run) -> Report:
        """Ask a model."""
        answer = await run.sample("Hello?", result_type=Report)
        return answer.result

    @server.agent
    async def speak(run: Run) -> Any:
        """An agent without an output schema."""
        return (await run.sample("Hello?")).text

    @server.tool
    def my_answer_card() -> str:
        """Not the tool of the card."""
        return "mine"

    return server


async def listed(
    server: FastMCP[Any], capabilities: dict[str, Any], era: Era = "2025-11-25"
) -> dict[str, Tool]:
    async with ScriptedHost(capabilities=capabilities, era=era).connect(server) as connection:
        return {each.name: each for each in (await connection.session.list_tools()).tools}


def ui(tool: Tool) -> dict[str, Any]:
    return (tool.meta or {}).get("ui", {})


@pytest.mark.parametrize(
    ("capabilities", "era", "relayed", "cards"),
    [
        (EVERYTHING, "2025-11-25", False, False),
        (EVERYTHING, "2026-07-28", True, False),
        ({}, "2025-11-25", True, False),
        (FORMS, "2026-07-28", True, False),
        (CARDS, "2025-11-25", True, True),
        (CARDS, "2026-07-28", True, True),
        (CARDS | FORMS, "2025-11-25", True, False),
        (CARDS | FORMS, "2025-03-26", True, True),  # as Goose: forms that its revision lacks
    ],
)
async def test_a_client_sees_what_it_may_need(
    capabilities: dict[str, Any], era: Era, *, relayed: bool, cards: bool
) -> None:
    tools = await listed(make(), capabilities, era)
    assert tools.keys() == {
        *("think", "speak", "my_answer_card"),
        *(["continue_run"] * relayed),
        *(["answer_card"] * cards),
    }
    assert ("if" in (tools["think"].output_schema or {})) is relayed
    assert tools["speak"].output_schema is None
    has_card = {name for name, tool in tools.items() if "resourceUri" in ui(tool)}
    assert has_card == ({"think", "speak", "continue_run"} if cards else set())


async def test_a_server_without_the_relay_shows_none_of_it() -> None:
    for era in ("2025-11-25", "2026-07-28"):
        tools = await listed(make(relay=False), CARDS, era)
        assert tools.keys() == {"think", "speak", "my_answer_card"}
        assert "if" not in (tools["think"].output_schema or {})


async def test_the_tool_of_a_card_is_for_the_card_alone() -> None:
    tools = await listed(make(), CARDS)
    assert ui(tools["answer_card"])["visibility"] == ["app"]
    assert "visibility" not in ui(tools["continue_run"])


async def test_a_mounted_server_shows_the_same_under_its_names() -> None:
    outer = FastMCP[Any]("outer")
    outer.mount(make(), namespace="inner")
    assert (await listed(outer, CARDS)).keys() >= {"inner_continue_run", "inner_answer_card"}
    assert (await listed(outer, EVERYTHING)).keys() == {
        *("inner_think", "inner_speak", "inner_my_answer_card")
    }


async def test_listing_outside_of_a_request_shows_all() -> None:
    assert {each.name for each in await make().list_tools()} >= {"continue_run", "answer_card"}


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_data_of_fastmcps_client_is_typed_where_no_relay_happens(mode: str) -> None:
    async def answer(*_: Any) -> CreateMessageResult:
        text = TextContent(type="text", text='{"title": "Late", "severity": 3}')
        return CreateMessageResult(role="assistant", content=text, model="m")

    client: Client[Any] = Client(make(), mode=mode, sampling_handler=answer, timeout=10)
    async with client:
        data = (await client.call_tool("think")).data
    assert (data.title, data.severity) == ("Late", 3)
