"""A diagnosis says before what happens then: it is held against the doubles of real hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastmcp.exceptions import ToolError
from mcp import MCPError
from mcp_types import METHOD_NOT_FOUND, ClientCapabilities, CreateMessageResult, TextContent

from inverted import AgentServer, Ladders, Run
from inverted.carriers.hosts import HOSTS, Host
from inverted.server.diagnosis import (
    QUESTIONS,
    RUNGS,
    Asked,
    Diagnosis,
    Known,
    diagnose,
    diagnose_caller,
    peer_of,
)
from inverted.server.means import Peer
from inverted.testing import ScriptedHost, always_task, profile
from tests.agents.people import APPROVE, Browser
from tests.agents.small import PLAIN, serve

EACH = pytest.mark.parametrize("name", HOSTS)


async def model(run: Run) -> str:
    """Ask a model."""
    return (await run.sample("Say a word.")).via


async def tools(run: Run) -> str:
    """Ask a model that may use a tool."""

    def look() -> str:
        """Look."""
        return "nothing"

    return (await run.sample("Say a word.", tools=[look])).via


async def form(run: Run) -> str:
    """Ask a person."""
    return (await run.elicit("Your name?", str)).via


async def approval(run: Run) -> str:
    """Ask a person for a yes."""
    await run.approve("Shall I?")
    return "approved"


async def url(run: Run) -> str:
    """Send a person to a page."""
    await run.elicit_url("Sign in", "https://example.org/")
    return "client"


async def roots(run: Run) -> str:
    """Ask for directories."""
    await run.list_roots()
    return "client"


AGENTS: dict[Asked, Callable[[Run], Any]] = {
    "model": model,
    "tools": tools,
    "form": form,
    "approval": approval,
    "url": url,
    "roots": roots,
}
TYPED: dict[Asked, dict[str, str]] = {
    "form": {"action": "accept", "f0": "Ada"},
    "approval": APPROVE,
}


async def own(*asked: Any) -> CreateMessageResult:
    """A model of the server."""
    said = TextContent(type="text", text="a word")
    return CreateMessageResult(role="assistant", content=said, model="own")


def person(params: dict[str, Any]) -> Any:
    """Answers what fits."""
    if params.get("mode") == "url":
        return "accept"
    kinds = {field["type"] for field in params["requestedSchema"]["properties"].values()}
    return True if kinds == {"boolean"} else "Ada"


def server_with(has: str, body: Callable[[Run], Any], asked: Asked) -> AgentServer:
    opener = Browser([TYPED.get(asked, {})]) if has == "pages" else None
    settings: dict[str, Any] = {"provider": own} if has == "provider" else {}
    server = serve(opener=opener, relay=has != "nothing", **settings)
    server.agent(task="never")(body)
    return server


def diagnosed(server: AgentServer, host: Host) -> Diagnosis:
    peer, surroundings = peer_of(host), server.surroundings
    return diagnose(peer, surroundings.to(peer, surroundings.pages.of(None, "x")))


def diagnosed_with(ladders: Ladders) -> Diagnosis:
    peer, surroundings = peer_of(HOSTS["cursor"]), serve().surroundings
    return diagnose(peer, surroundings.to(peer, surroundings.pages.of(None, "x")), ladders)


def expected(found: Diagnosis, asked: Asked, host: Host) -> str | None:
    """The rung of the answer, if there is one: a decline of nobody is followed by the next."""
    way = found.way(asked)
    if host.declines and way.rung == "form":
        after = way.then[0] if way.then else None
        return after if asked == "approval" else after or "form"
    return way.rung


@EACH
@pytest.mark.parametrize("has", ["relay", "nothing", "pages", "provider"])
async def test_what_is_told_is_what_happens(name: str, has: str) -> None:
    host = HOSTS[name]
    for asked, body in AGENTS.items():
        server = server_with(has, body, asked)
        double = profile(name, model=lambda params: "a word", person=person, roots=[])
        outcome = await double.run(server, asked)
        told = expected(diagnosed(server, host), asked, host)
        said = None if outcome.is_error else outcome.result
        assert said == ("approved" if asked == "approval" and told else told), (asked, outcome)


@EACH
async def test_tasks_are_told_as_they_are(name: str) -> None:
    async def ping(run: Run) -> str:
        """Answer at once."""
        return "here"

    server = await always_task(serve(ping), "ping")
    told = diagnosed(server, HOSTS[name]).way("tasks")
    if told.rung is None and "no tasks" not in (told.why or ""):
        try:
            assert (await profile(name).run(server, "ping")).is_error  # -32021, since 2026-07-28
        except MCPError as error:
            assert error.error.code == METHOD_NOT_FOUND  # noqa: PT017 - either is right
    else:  # a revision without tasks has calls only
        assert (await profile(name).run(server, "ping")).result == "here"


@EACH
async def test_an_agent_tells_of_its_caller_what_is_told_of_the_host(name: str) -> None:
    server = serve()

    async def look() -> Diagnosis:
        return await diagnose_caller(server, "doctor")

    @server.agent(task="never")
    async def doctor(run: Run) -> Diagnosis:
        """Tell about the client."""
        return await run.step(look)

    said = Diagnosis.model_validate((await profile(name).run(server, "doctor")).result)
    peer, surroundings, host = peer_of(HOSTS[name]), server.surroundings, HOSTS[name]
    means = surroundings.to(peer, surroundings.pages.of(None, "doctor"))
    assert said == diagnose(peer, means, version=host.version)


async def test_a_caller_is_told_of_with_the_ladders_of_the_agent() -> None:
    server = serve()

    async def look() -> Diagnosis:
        return await diagnose_caller(server, "doctor")

    @server.agent(task="never", ladders=Ladders(model=("text",), person=("relay", "form")))
    async def doctor(run: Run) -> Diagnosis:
        """Tell about the client."""
        return await run.step(look)

    outcome = await ScriptedHost(model=[], person=[]).run(server, "doctor")
    said = Diagnosis.model_validate(outcome.result)
    assert (said.client, said.version, said.host) == ("inverted.testing", "1", None)
    assert said.way("model").rung == said.way("tools").rung == "text"
    assert (said.way("form").rung, said.way("form").then) == ("relay", ("form",))
    assert (said.way("approval").rung, said.way("approval").then) == ("form", ())


async def test_without_a_client_there_is_no_caller() -> None:
    server = serve(form)

    @server.tool
    async def look() -> Diagnosis:
        return await diagnose_caller(server, "form")

    with pytest.raises(ToolError, match="There is no client to tell about"):
        await server.call_tool("look")


async def test_outside_of_a_request_there_is_no_caller() -> None:
    with pytest.raises(RuntimeError, match=r"context|no client"):
        await diagnose_caller(serve(form), "form")


def test_a_connection_without_a_way_back_can_only_be_relayed() -> None:
    declared = ClientCapabilities.model_validate({"sampling": {"tools": {}}, "elicitation": {}})
    peer = Peer("2025-11-25", declared, "x", reachable=False)
    surroundings = serve().surroundings
    found = diagnose(peer, surroundings.to(peer, surroundings.pages.of(None, "x")))
    assert found.way("tools").rung == "relay"
    assert "no way back" in (found.way("form").why or "")


def test_what_nobody_can_know_is_not_said() -> None:
    surroundings = serve().surroundings
    told: dict[str, Any] = {}
    for revision in ("2025-06-18", "2025-11-25", "2026-07-28"):
        peer = Peer(revision, ClientCapabilities(), "somebody")
        found = diagnose(peer, surroundings.to(peer, surroundings.pages.of(None, "x")))
        assert (found.host, found.version) == (None, None)
        assert "not recorded" in found.advice[0]
        told[revision] = found.way("tasks").known
    assert told == {"2025-06-18": True, "2025-11-25": False, "2026-07-28": True}


def test_what_to_enable_is_told() -> None:
    said = {name: diagnosed(serve(), host).advice for name, host in HOSTS.items()}
    assert said["vscode"][0] == HOSTS["vscode"].enable
    assert any("declines" in each or "decline a form" in each for each in said["codex"])
    assert any("INVERTED_PROVIDER" in each for each in said["cursor"])
    assert not any("INVERTED_PROVIDER" in each for each in said["fast-agent"])
    assert not any("INVERTED_PROVIDER" in each for each in diagnosed_with(PLAIN).advice)
    with_pages = diagnosed(serve(opener=Browser([])), HOSTS["codex"]).advice
    assert any(RUNGS["page"] in each for each in with_pages)


@EACH
def test_a_diagnosis_has_a_word_for_everything_and_survives_json(name: str) -> None:
    found = diagnosed(serve(opener=Browser([])), HOSTS[name])
    assert [way.question for way in found.ways] == list(QUESTIONS)
    for way in found.ways:
        assert (way.rung is None) == (way.why is not None)
        assert {way.rung or "form", *way.then} <= RUNGS.keys()
    assert Diagnosis.model_validate_json(found.model_dump_json()) == found


def test_a_host_that_waits_for_ever_is_told_as_such() -> None:
    assert Known.of(HOSTS["vscode"]).gives_up == "never"
    assert Known.of(HOSTS["codex"]).gives_up == 300
    assert Known.of(HOSTS["chatgpt"]).gives_up is None
